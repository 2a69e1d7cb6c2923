// What handlers do that write their response in parts, each under its name.
const { Readable } = require("node:stream");
const { pipeline } = require("node:stream/promises");

const later = (ms = 10) => new Promise((done) => setTimeout(done, ms));
const metadata = { statusCode: 201, headers: { "content-type": "text/plain", "x-a": "b" }, cookies: ["a=1", "b=2"] };
const http = (stream, of = metadata) => awslambda.HttpResponseStream.from(stream, of);
const thrown = (error) => { throw error; };

const acts = {
  parts: async (stream) => {
    for (const part of ["one ", "é € 😀 ", "three"]) {
      stream.write(part);
      await later();
    }
    stream.end();
  },
  "the end has a part": (stream) => { stream.write("one "); stream.end("two"); },
  "nothing but the end": (stream) => { stream.end("two"); },
  nothing: (stream) => { stream.end(); },
  bytes: (stream) => { stream.write(Buffer.from([65, 66])); stream.write(new Uint8Array([67])); stream.end(); },
  values: (stream) => { [{ a: 1 }, 5, true, [1]].forEach((value) => stream.write(value)); stream.end(); },
  "empty parts": (stream) => { stream.write(""); stream.write("a"); stream.write(Buffer.alloc(0)); stream.end(); },
  encoded: (stream) => { stream.write("4142", "hex"); stream.end(); },
  "a type": (stream) => { stream.setContentType("text/event-stream"); stream.write("data: 1\n\n"); stream.end(); },
  "a type, too late": (stream) => { stream.write("a"); stream.setContentType("text/plain"); },
  "a type that cannot be": (stream) => stream.setContentType("a\nb"),
  metadata: (stream) => { const to = http(stream); to.write("body"); to.end(); },
  "metadata and no part": (stream) => { http(stream).end(); },
  "metadata and an end": (stream) => { http(stream).end("body"); },
  "metadata that is nothing": (stream) => { const to = http(stream, {}); to.write("body"); to.end(); },
  "metadata, too late": (stream) => { stream.write("a"); http(stream); },
  "a pipeline": (stream) => pipeline(Readable.from(["one ", "two ", "three"]), stream),
  "a pipeline with metadata": (stream) => pipeline(Readable.from(["one ", "two"]), http(stream)),
  large: async (stream) => {
    const part = "x".repeat(100_000);
    for (let count = 0; count < 20; count += 1) if (!stream.write(part)) await new Promise((done) => stream.once("drain", done));
    stream.end();
  },
  "told when it is through": async (stream) => {
    await new Promise((done) => stream.write("a", done));
    await new Promise((done) => stream.end(done));
    console.log(stream.writableEnded, stream.writableFinished);
  },
  "goes on after the end": async (stream) => { stream.end("a"); await later(30); console.log("goes on"); },
  "returns before the end": (stream) => { stream.write("a"); setTimeout(() => stream.end("b"), 30); },
  "returns something": (stream) => { stream.end("a"); return "ignored"; },
  context: (stream, context) => {
    const { getRemainingTimeInMillis, ...rest } = context;
    const time = getRemainingTimeInMillis();
    stream.end(JSON.stringify([Object.keys(context).sort(), rest, time > 0]));
  },
  "is there beforehand": (stream) => { stream.end(there); },
  fails: () => thrown(new Error("bad")),
  "fails by a text": () => thrown("a text"),
  "fails without anything": () => thrown(undefined),
  "fails in unicode": () => thrown(new Error("é € 😀\nsecond")),
  "fails in the middle": async (stream) => { stream.write("one "); await later(); thrown(new TypeError("bad")); },
  "fails after metadata": (stream) => { http(stream); thrown(new Error("bad")); },
  "fails after metadata and a part": (stream) => { http(stream).write("a"); thrown(new Error("bad")); },
};

// Before Node 24 AWS's client may ask for the next event before it hears of this.
const modern = {
  "fails after the end": async (stream) => { await new Promise((done) => stream.end("a", done)); thrown(new Error("late")); },
};

const there = typeof awslambda + typeof awslambda.streamifyResponse + typeof awslambda.HttpResponseStream.from;

exports.names = { always: Object.keys(acts), modern: Object.keys(modern) };
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  return (acts[event.act] ?? modern[event.act])(stream, context);
});
exports.synchronous = awslambda.streamifyResponse((event, stream) => stream.end("a"));
exports.malformed = Object.assign(async () => 1, { [Symbol.for("aws.lambda.runtime.handler.streaming")]: "request" });
