// What requests look like to a function, and what its answers become: the same behind every gateway.
const SHOWN = ["version", "routeKey", "rawPath", "rawQueryString", "cookies", "queryStringParameters", "pathParameters", "body", "isBase64Encoded"];
const OF_THE_WAY = /^(host|content-length|x-amzn-trace-id|x-forwarded-(port|proto))$/;

function seen(event) {
  const shown = {};
  for (const key of SHOWN) if (key in event) shown[key] = event[key];
  shown.headers = {};
  for (const [name, value] of Object.entries(event.headers)) if (!OF_THE_WAY.test(name)) shown.headers[name] = value;
  const { http, accountId, stage, routeKey } = event.requestContext;
  shown.requestContext = { http, accountId, stage, routeKey };
  shown.keys = Object.keys(event);
  shown.contextKeys = Object.keys(event.requestContext);
  return shown;
}

exports.handler = async (event) => {
  const { rawPath: path, queryStringParameters: query } = event;
  const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  if (path === "/answer") return JSON.parse(body);
  if (path === "/throw") throw new Error("a failure of the handler's");
  if (path === "/size") return { statusCode: 200, body: String(body.length) };
  if (path === "/large") return { statusCode: 200, body: "x".repeat(Number(query.bytes)) };
  const headers = { "content-type": "application/json" };
  return { statusCode: 200, headers, body: JSON.stringify(seen(event)) };
};
