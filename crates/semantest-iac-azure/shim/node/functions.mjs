// The app for the Functions host: programming model v4 of Node.
import { isUtf8 } from "node:buffer";
import { createRequire } from "node:module";
import { readDefinition } from "./definition.mjs";
import { Gateway } from "./gateway.mjs";
import { isOnPlatform } from "./platform.mjs";

const { app, HttpResponse } = createRequire(import.meta.url)("@azure/functions");

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
// In front of the host there is a way past its own notion of headers and cookies: the bytes that a function answers
// are those that its client gets. Without the platform (in a test) there is none.
const streams = isOnPlatform(process.env);
if (streams) app.setup({ enableHttpStream: true });

const definition = readDefinition();
const gateway = new Gateway(definition);

// The host takes functions in the order of their names, and the first that matches: the last of them takes the rest.
for (const settings of definition.functions) {
  app.http(settings.function_name, {
    methods: ["POST"],
    authLevel: "function",
    route: `_semantest/invoke/${settings.role}`,
    handler: async (request, context) => response(await gateway.invoke(settings.role, await read(request), log(context))),
  });
}
app.http(definition.gateway, {
  methods: METHODS,
  authLevel: "anonymous",
  route: "{*path}",
  handler: async (request, context) => response(await gateway.answer(await read(request), log(context))),
});

const log = (context) => (line) => context.log(line);

async function read(request) {
  const url = new URL(request.url);
  const headers = [...request.headers].map(([name, value]) => [name, plain(value)]);
  const body = Buffer.from(await request.arrayBuffer());
  if (!request.headers.has("host")) headers.push(["host", url.host]);
  return { method: request.method, path: url.pathname, query: url.search.slice(1), headers, body, secure: url.protocol === "https:" };
}

// Where values are bytes, one a character, what they mean is UTF-8.
function plain(value) {
  const raw = Buffer.from(value, "latin1");
  return isUtf8(raw) ? raw.toString("utf8") : value;
}

const bytes = (value) => Buffer.from(value, "utf8").toString("latin1");

function response({ status, headers, body }) {
  const cookies = headers.filter(([name]) => name === "set-cookie").map(([, value]) => value);
  const others = headers.filter(([name]) => name !== "set-cookie").map(([name, value]) => [name, bytes(value)]);
  const init = { status, headers: Object.fromEntries(others), body: body.length ? body : undefined };
  if (!streams) return { ...init, cookies: cookies.map(cookie) };
  const whole = new HttpResponse(init);
  const named = whole.headers;
  const all = cookies.length ? [...others, ["set-cookie", cookies.map(bytes)]] : others;
  // As it is handed to Node's server, which takes a list where a header comes several times.
  const shown = { get: (name) => named.get(name), entries: () => all };
  return Object.defineProperty(whole, "headers", { value: shown });
}

// A Set-Cookie header taken apart, for hosts that put it together themselves.
function cookie(text) {
  const [first, ...attributes] = text.split(";").map((part) => part.trim());
  const equals = first.indexOf("=");
  const parsed = { name: first.slice(0, Math.max(equals, 0)), value: unescaped(first.slice(equals + 1)) };
  for (const attribute of attributes) {
    const [name, ...rest] = attribute.split("=");
    const value = rest.join("=");
    const key = name.toLowerCase();
    if (key === "domain" || key === "path") parsed[key] = value;
    else if (key === "expires") parsed.expires = new Date(value);
    else if (key === "max-age") parsed.maxAge = Number(value);
    else if (key === "secure") parsed.secure = true;
    else if (key === "httponly") parsed.httpOnly = true;
    else if (key === "samesite") parsed.sameSite = value.slice(0, 1).toUpperCase() + value.slice(1).toLowerCase();
  }
  return parsed;
}

// Such hosts escape values: what is escaped already must not be so twice.
function unescaped(value) {
  try {
    const plain = decodeURIComponent(value);
    return encodeURIComponent(plain) === value ? plain : value;
  } catch {
    return value;
  }
}
