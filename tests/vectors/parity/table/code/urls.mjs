// Behind URLs: what a request becomes, and responses that are written in parts.
export const whole = async (event, context) => {
  switch (event.rawPath) {
    case "/raise":
      throw new RangeError("on purpose");
    case "/status":
      return { statusCode: 201, body: "made" };
    default:
      return { ...event, awsRequestId: context.awsRequestId };
  }
};

const parts = {
  plain: (stream) => { stream.write("one "); stream.end("two"); },
  typed: (stream) => { stream.setContentType("text/event-stream"); stream.write("data: 1\n\n"); stream.end(); },
  metadata: (stream) => {
    const metadata = { statusCode: 418, headers: { "content-type": "text/html", "x-answer": "yes" }, cookies: ["a=1", "b=2"] };
    const to = awslambda.HttpResponseStream.from(stream, metadata);
    to.write("<p>");
    to.end();
  },
  large: async (stream) => {
    for (let count = 0; count < 7; count += 1) {
      if (!stream.write("x".repeat(1024 * 1024))) await new Promise((done) => stream.once("drain", done));
    }
    stream.end();
  },
  json: (stream) => { stream.end(JSON.stringify({ statusCode: 202, body: "collected" })); },
  raise: () => { throw new RangeError("on purpose"); },
};
export const streamed = awslambda.streamifyResponse(async (event, stream) => {
  await parts[event.do ?? event.rawPath.split("/").at(-1)](stream);
});

export const returned = async () => ({ statusCode: 418, body: "as it is" });
