// Events of a WebSocket API, of what Web PubSub tells, and which route a message takes.
import { commonLogTime, gatewayId, sorted, traceId } from "./text.mjs";
import { port } from "./http_event.mjs";

// `requestContext` of an event.
export function context(api, connection, routeKey, eventType) {
  const [now, requestId] = [new Date(), gatewayId()];
  return {
    routeKey,
    eventType,
    extendedRequestId: requestId,
    requestTime: commonLogTime(now),
    messageDirection: "IN",
    stage: api.stage,
    connectedAt: connection.connectedAt,
    requestTimeEpoch: now.getTime(),
    identity: { userAgent: connection.userAgent, sourceIp: connection.sourceIp },
    requestId,
    domainName: connection.domainName,
    connectionId: connection.id,
    apiId: api.api_id,
  };
}

// The event of `$connect`; `told` is the body of Web PubSub's event: the client's headers and query, each with a list.
export function connect(told, connection, requestContext) {
  const headers = new Map();
  for (const [name, values] of Object.entries(told.headers ?? {})) {
    const key = canonical(name.toLowerCase());
    headers.set(key, [...(headers.get(key) ?? []), ...[values].flat().map(String)]);
  }
  // The client has called Web PubSub; what functions know and call is this app.
  headers.set("Host", [connection.domainName]);
  const hops = (headers.get("X-Forwarded-For") ?? []).filter((hop) => hop !== connection.sourceIp);
  headers.set("X-Forwarded-For", [[...hops, connection.sourceIp].join(", ")]);
  headers.set("X-Forwarded-Port", [port(connection.domainName, true)]);
  headers.set("X-Forwarded-Proto", ["https"]);
  if (!headers.has("X-Amzn-Trace-Id")) headers.set("X-Amzn-Trace-Id", [traceId()]);
  const query = new Map();
  for (const [name, values] of Object.entries(told.query ?? {})) {
    // The token is between the client and Web PubSub.
    if (name !== "access_token") query.set(name, [values].flat().map(String));
  }
  const event = { headers: lastValues(headers), multiValueHeaders: sorted(headers), requestContext, isBase64Encoded: false };
  if (!query.size) return event;
  return { ...event, queryStringParameters: lastValues(query), multiValueQueryStringParameters: sorted(query) };
}

// The event of a message.
export function message(requestContext, body, binary) {
  requestContext.messageId = gatewayId();
  return { requestContext, body: body.toString(binary ? "base64" : "utf8"), isBase64Encoded: binary };
}

// The event of `$disconnect`. Its headers are these on AWS too, empty as they are.
export function disconnect(requestContext, connection, status, reason) {
  requestContext.disconnectStatusCode = status;
  requestContext.disconnectReason = reason;
  const headers = new Map([["Host", [connection.domainName]], ["X-Forwarded-For", [""]], ["x-api-key", [""]], ["x-restapi", [""]]]);
  return { headers: lastValues(headers), multiValueHeaders: sorted(headers), requestContext, isBase64Encoded: false };
}

// The route a message takes: what `$request.body.action` finds in it, where that is a route.
export function routeOf(routes, body) {
  let action;
  try {
    action = JSON.parse(body.toString("utf8"))?.action;
  } catch {
    // Not JSON: it names no route.
  }
  const named = typeof action === "string" && !action.startsWith("$") ? routes.find((route) => route.route_key === action) : undefined;
  return named ?? routes.find((route) => route.route_key === "$default");
}

function canonical(name) {
  const part = (text) => (text === "websocket" ? "WebSocket" : text.slice(0, 1).toUpperCase() + text.slice(1));
  return name.split("-").map(part).join("-");
}

const lastValues = (all) => sorted([...all].map(([name, values]) => [name, values.at(-1)]));

