// An upstream of Web PubSub by Microsoft's own library, `@azure/web-pubsub-express`: what the service may be answered.
// Its handlers do what those of the test's functions do.
//
// usage: node upstream.mjs <folder with node_modules>; prints its port.
import http from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

const { WebPubSubEventHandler } = createRequire(join(process.argv[2], "package.json"))("@azure/web-pubsub-express");

const seen = [];
const handler = new WebPubSubEventHandler("semantest", {
  path: "/_semantest/web-pubsub",
  handleConnect: (request, response) => {
    seen.push(request);
    if (request.queries?.refuse) return response.fail(401, "");
    response.setState("greeting", "hello");
    response.success({ userId: request.context.connectionId, subprotocol: request.subprotocols?.[0] });
  },
  handleUserEvent: (request, response) => {
    seen.push(request);
    response.success();
  },
  onConnected: (request) => seen.push(request),
  onDisconnected: (request) => seen.push(request),
});
const middleware = handler.getMiddleware();
const server = http.createServer((request, response) => {
  if (request.url === "/seen") return response.end(JSON.stringify(seen));
  // What Express adds to requests, as far as the library reads it.
  Object.assign(request, { baseUrl: "", path: request.url.split("?")[0] });
  return middleware(request, response, () => response.writeHead(404).end());
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
