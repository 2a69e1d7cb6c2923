// Remembers the last event of each kind, and sends one back where a message asks for it.
const { request } = require("node:http");
const seen = {};

exports.handler = async (event) => {
  const { eventType, domainName, stage, connectionId } = event.requestContext;
  seen[eventType.toLowerCase()] = event;
  if (eventType === "CONNECT") {
    const refuse = event.queryStringParameters?.refuse;
    if (refuse === "throw") throw new Error("nobody comes in");
    if (refuse) return { statusCode: Number(refuse), body: "no" };
    const wanted = event.headers["Sec-WebSocket-Protocol"];
    return { statusCode: 200, headers: wanted ? { "Sec-WebSocket-Protocol": wanted.split(",")[0].trim() } : {} };
  }
  if (eventType !== "MESSAGE") return { statusCode: 200 };
  const text = event.body;
  const wanted = text.startsWith("{") ? JSON.parse(text).tell : "message";
  if (wanted !== "nothing") {
    // serverless-offline is not where its events say: there a variable tells.
    const base = process.env.CONNECTIONS ?? `http://${domainName}/${stage}`;
    await post(`${base}/@connections/${encodeURIComponent(connectionId)}`, JSON.stringify(seen[wanted] ?? null));
  }
  return { statusCode: 200, body: "returned, not sent" };
};

const post = (url, text) => new Promise((done, fail) => {
  const sent = request(url, { method: "POST" }, (answer) => answer.resume().on("end", done));
  sent.on("error", fail).end(text);
});
