// Stands in for the Functions host in front of a package's Node app: routes requests as the host does, and hands them
// over as the host's Node worker does. Requests and answers are converted by Microsoft's own library, `@azure/functions`.
//
// usage: node functions_host.mjs <folder of the package> [port]; prints its port.
import http from "node:http";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import Module from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const functions = [];
let model;
const core = {
  version: "3.10.0",
  hostVersion: "4.1036.0",
  registerFunction: (metadata, callback) => functions.push({ metadata, callback }),
  setProgrammingModel: (given) => (model = given),
  getProgrammingModel: () => model,
  registerHook: () => ({ dispose: () => {} }),
  log: () => {},
};
// The worker offers it to whoever asks; there is no such package.
const load = Module._load;
Module._load = (name, ...rest) => (name === "@azure/functions-core" ? core : load(name, ...rest));

const { main } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
await import(pathToFileURL(join(folder, main)).href);
const capabilities = await model.getCapabilities({});
// The host has them in this order, and takes the first that matches.
functions.sort((one, other) => (one.metadata.name.toLowerCase() < other.metadata.name.toLowerCase() ? -1 : 1));
const trigger = (metadata) => Object.values(metadata.bindings).find((binding) => binding.type === "httpTrigger");

function match(method, path) {
  return functions.find(({ metadata }) => {
    const { methods, route } = trigger(metadata);
    if (!methods.map((one) => one.toUpperCase()).includes(method)) return false;
    return route === "{*path}" || decodeURIComponent(path).replace(/\/+$/, "").toLowerCase() === `/${route}`.toLowerCase();
  });
}

async function invoke({ metadata, callback }, http, invocationId) {
  const name = Object.entries(metadata.bindings).find(([, binding]) => binding.type === "httpTrigger")[0];
  const triggerMetadata = { Headers: { json: JSON.stringify(http.headers) }, Query: { json: "{}" } };
  const request = { invocationId, functionId: metadata.name, inputData: [{ name, data: { http } }], triggerMetadata };
  const log = (level, category, message) => category === "user" && process.stderr.write(`${message}\n`);
  const context = model.getInvocationModel({ invocationId, metadata: { ...metadata }, request, log, state: undefined });
  const { context: about, inputs } = await context.getArguments();
  const result = await context.invokeFunction(about, inputs, callback);
  return context.getResponse(about, result);
}

function rpcHttp(request, body) {
  const headers = {};
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const [key, value] = [request.rawHeaders[at].toLowerCase(), Buffer.from(request.rawHeaders[at + 1], "latin1").toString("utf8")];
    headers[key] = key in headers ? `${headers[key]}${key === "cookie" ? "; " : ","}${value}` : value;
  }
  // App Service's front end, where it is there, puts the client behind the hops that are named already.
  if (capabilities.HttpUri) {
    const client = `${request.socket.remoteAddress}:${request.socket.remotePort}`;
    headers["x-forwarded-for"] = [headers["x-forwarded-for"], client].filter(Boolean).join(", ");
    headers["x-arr-ssl"] = "2048|256|CN=Microsoft|CN=*.azurewebsites.net";
    headers["x-waws-unencoded-url"] = request.url;
  }
  const url = `http://${headers.host}${request.url}`;
  return { method: request.method, url, headers, body: { bytes: body }, params: {}, query: {} };
}

// As ASP.NET Core writes it, but for the case of attributes.
function setCookie({ name, value, domain, path, expires, maxAge, secure, httpOnly, sameSite }) {
  const parts = [`${name}=${encodeURIComponent(value)}`];
  if (expires) parts.push(`Expires=${new Date(Number(expires.timestamp.seconds) * 1000).toUTCString()}`);
  if (maxAge) parts.push(`Max-Age=${maxAge.value}`);
  if (domain) parts.push(`Domain=${domain.value}`);
  if (path) parts.push(`Path=${path.value}`);
  if (secure?.value) parts.push("Secure");
  if (sameSite !== "none") parts.push(`SameSite=${{ lax: "Lax", strict: "Strict", explicitNone: "None" }[sameSite]}`);
  if (httpOnly?.value) parts.push("HttpOnly");
  return parts.join("; ");
}

const server = http.createServer((request, response) =>
  answer(request, response).catch((error) => {
    process.stderr.write(`${error.stack.split("\n")[0]}\n`);
    response.writeHead(500).end();
  }),
);

async function answer(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const [body, invocationId] = [Buffer.concat(chunks), randomUUID()];
  const chosen = match(request.method, request.url.split("?")[0]);
  if (!chosen) return response.writeHead(404).end();
  const data = rpcHttp(request, body);
  if (capabilities.HttpUri) return forward(request, response, body, chosen, data, invocationId);
  const { http: told } = (await invoke(chosen, data, invocationId)).returnValue;
  for (const [key, value] of Object.entries(told.headers)) response.setHeader(key, value);
  if (told.cookies.length) response.setHeader("set-cookie", told.cookies.map(setCookie));
  response.writeHead(Number(told.statusCode)).end(Buffer.from(told.body?.bytes ?? []));
}

// With streaming the request itself goes to the worker's server, and the invocation says whose it is.
function forward(request, response, body, chosen, data, invocationId) {
  // Its proxy says whom the client has called.
  const called = ["x-forwarded-host", request.headers.host, "x-forwarded-proto", "http"];
  const headers = [...request.rawHeaders, ...called, "x-ms-invocation-id", invocationId];
  const options = { method: request.method, path: request.url, headers };
  const forwarded = http.request(capabilities.HttpUri, options, (answer) => {
    const kept = answer.rawHeaders.flatMap((name, at) => (at % 2 || name.toLowerCase() === "x-ms-invocation-id" ? [] : [name, answer.rawHeaders[at + 1]]));
    response.writeHead(answer.statusCode, kept);
    answer.pipe(response);
  });
  forwarded.end(body);
  return invoke(chosen, data, invocationId);
}

server.listen(Number(process.argv[3] ?? 0), "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
