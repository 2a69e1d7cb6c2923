// What the platform in front of this app adds to a request, taken off again: events are those of a request as its
// client has sent it.
import { decode, header } from "./text.mjs";

// Added by the front ends of App Service and by the Functions host.
const ADDED = new Set([
  "client-ip", "disguised-host", "max-forwards", "was-default-hostname", "x-appservice-proto", "x-arr-log-id",
  "x-arr-ssl", "x-client-ip", "x-client-port", "x-forwarded-tlsversion", "x-ms-invocation-id",
  "x-ms-client-tlsversion", "x-original-url", "x-site-deployment-id", "x-waws-unencoded-url",
]);
const AGENT = / ?Azure-Functions-Host\/\S+$/;

// Whether App Service stands in front. An instance has an id, or on the Consumption plan a container's name.
export function isOnPlatform(environment) {
  return Boolean(environment.WEBSITE_SITE_NAME && (environment.WEBSITE_INSTANCE_ID || environment.CONTAINER_NAME));
}

// The request as its client has sent it, with `peer` (address) and `secure` besides.
export function received(request, environment) {
  const platform = isOnPlatform(environment);
  const hops = (header(request, "x-forwarded-for") ?? "").split(",").map((hop) => hop.trim()).filter(Boolean);
  // The front end has put the client behind the hops that the client names; nobody else's word for it counts.
  const peer = platform && hops.length ? withoutPort(hops.pop()) : request.peer ?? "127.0.0.1";
  const secure = platform ? true : request.secure ?? false;
  const headers = request.headers.filter(([name]) => !isAdded(name)).flatMap(([name, value]) => {
    if (name === "x-forwarded-for") return hops.length ? [[name, hops.join(", ")]] : [];
    if (name === "user-agent") return AGENT.test(value) ? optional(name, value.replace(AGENT, "")) : [[name, value]];
    return [[name, value]];
  });
  return { ...request, ...original(request, platform), headers: withHost(headers, environment, platform), peer, secure };
}

const isAdded = (name) => ADDED.has(name) || name.startsWith("x-azure-functions-");
const optional = (name, value) => (value ? [[name, value]] : []);

function withoutPort(hop) {
  const bracketed = /^\[(.+)\](:\d+)?$/.exec(hop);
  if (bracketed) return bracketed[1];
  return hop.split(":").length === 2 ? hop.split(":")[0] : hop;
}

// Path and query as the client has written them, where the front end tells and they mean the same.
function original(request, platform) {
  const told = platform ? header(request, "x-waws-unencoded-url") : undefined;
  if (!told) return {};
  const mark = told.indexOf("?");
  const [path, query] = mark < 0 ? [told, ""] : [told.slice(0, mark), told.slice(mark + 1)];
  return decode(path) === decode(request.path) ? { path, query } : {};
}

// A custom handler is called by its own address.
function withHost(headers, environment, platform) {
  const name = environment.WEBSITE_HOSTNAME;
  if (!platform || !name) return headers;
  const loopback = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;
  return headers.map(([key, value]) => [key, key === "host" && loopback.test(value) ? name : value]);
}
