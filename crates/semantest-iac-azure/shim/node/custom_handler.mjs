// The app for the Functions host as a custom handler: a plain HTTP program, which the host forwards requests to. Runs
// programs that bring their own `bootstrap`.
import { createServer } from "node:http";
import { readDefinition } from "./definition.mjs";
import { Gateway } from "./gateway.mjs";
import { internalError } from "./http_response.mjs";

const gateway = new Gateway(readDefinition());
const port = Number(process.env.FUNCTIONS_CUSTOMHANDLER_PORT ?? process.env.FUNCTIONS_HTTPWORKER_PORT);

const server = createServer(async (incoming, outgoing) => {
  const request = await read(incoming).catch(() => undefined);
  if (!request) return outgoing.destroy();
  const { status, headers, body } = await answered(request);
  for (const [name, value] of headers) outgoing.appendHeader(name, Buffer.from(value, "utf8").toString("latin1"));
  if (status !== 204 && status !== 304) outgoing.setHeader("content-length", body.length);
  outgoing.writeHead(status).end(body);
});
// The host keeps connections for as long as it likes.
server.keepAliveTimeout = 0;
server.requestTimeout = 0;
server.listen(port, "127.0.0.1");
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));

async function answered(request) {
  try {
    const role = gateway.invoked(request);
    return role === undefined ? await gateway.answer(request) : await gateway.invoke(role, request);
  } catch (error) {
    console.error(`[ERROR] semantest: ${error?.stack ?? error}`);
    return internalError();
  }
}

async function read(incoming) {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const mark = incoming.url.indexOf("?");
  const [path, query] = mark < 0 ? [incoming.url, ""] : [incoming.url.slice(0, mark), incoming.url.slice(mark + 1)];
  const headers = [];
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    const value = Buffer.from(incoming.rawHeaders[at + 1], "latin1").toString("utf8");
    headers.push([incoming.rawHeaders[at].toLowerCase(), value]);
  }
  return { method: incoming.method, path, query, headers, body: Buffer.concat(chunks), peer: incoming.socket.remoteAddress };
}
