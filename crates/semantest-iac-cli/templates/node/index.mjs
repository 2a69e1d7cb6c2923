// A Lambda-style handler: API Gateway payload format 2.0.
export async function handler(event) {
  // A direct call (`semantest-iac invoke`) may say nothing of a request.
  const { method, path } = event.requestContext?.http ?? { method: "GET", path: "/" };
  if (path === "/health") return { status: "ok" };
  console.log(`${method} ${path}`);
  return {
    statusCode: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ message: `${process.env.GREETING} from ${path}` }),
  };
}
