// Payload format 2.0: the event that a function behind an HTTP API gets.
import { isUtf8 } from "node:buffer";
import { commonLogTime, decode, gatewayId, header, parameters, sorted, traceId } from "./text.mjs";

const TEXTUAL = new Set(["application/json", "application/xml", "application/javascript"]);
const NOT_SHOWN = new Set(["cookie", "connection", "transfer-encoding"]);

export function httpEvent(api, request, { route, parameters: pathParameters }) {
  const host = header(request, "host") ?? "127.0.0.1";
  const path = decode(request.path);
  const now = new Date();
  const cookies = request.headers.filter(([name]) => name === "cookie");
  const cookie = cookies.flatMap(([, value]) => value.split(";")).map((part) => part.trim()).filter(Boolean);
  const query = queryParameters(request.query);
  const body = encodeBody(request.body, header(request, "content-type"));
  return {
    version: "2.0",
    routeKey: route.route_key,
    rawPath: path,
    rawQueryString: request.query,
    ...(cookie.length && { cookies: cookie }),
    headers: headers(request),
    ...(Object.keys(query).length && { queryStringParameters: query }),
    requestContext: {
      accountId: api.account_id,
      apiId: api.api_id,
      domainName: host,
      domainPrefix: host.split(/[.:]/)[0],
      http: {
        method: request.method,
        path,
        protocol: "HTTP/1.1",
        sourceIp: request.peer,
        userAgent: header(request, "user-agent") ?? "",
      },
      requestId: gatewayId(),
      routeKey: route.route_key,
      stage: "$default",
      time: commonLogTime(now),
      timeEpoch: now.getTime(),
    },
    ...(body && { body: body.text }),
    ...(Object.keys(pathParameters).length && { pathParameters }),
    ...stageVariables(api),
    isBase64Encoded: body?.encoded ?? false,
  };
}

// What the API's stage tells functions; no empty key.
export const stageVariables = (api) => api.stage_variables && { stageVariables: api.stage_variables };

function headers(request) {
  const all = new Map();
  for (const [name, value] of request.headers) {
    if (NOT_SHOWN.has(name)) continue;
    all.set(name, all.get(name) ? `${all.get(name)},${value}` : value);
  }
  // Hops are a client's to name; what it reached us by is not.
  const hops = all.get("x-forwarded-for");
  all.set("x-forwarded-for", hops ? `${hops}, ${request.peer}` : request.peer);
  all.set("x-forwarded-port", port(all.get("host") ?? "", request.secure));
  all.set("x-forwarded-proto", request.secure ? "https" : "http");
  if (!all.has("x-amzn-trace-id")) all.set("x-amzn-trace-id", traceId());
  return sorted(all);
}

export function port(host, secure) {
  const named = /:(\d+)$/.exec(host.split("]").at(-1))?.[1];
  return named ?? (secure ? "443" : "80");
}

function queryParameters(query) {
  const all = new Map();
  for (const [name, value] of parameters(query)) all.set(name, all.has(name) ? `${all.get(name)},${value}` : value);
  return sorted(all);
}

// Text for the types API Gateway takes for text, Base64 for everything else.
function encodeBody(body, type) {
  if (!body.length) return undefined;
  const kind = (type ?? "").split(";")[0].trim().toLowerCase();
  const textual = kind.startsWith("text/") || TEXTUAL.has(kind);
  if (textual && isUtf8(body)) return { text: body.toString("utf8"), encoded: false };
  return { text: body.toString("base64"), encoded: true };
}
