"use strict";
// Semantest's REST API in small: tests are created, listed and read. State lives as long as the worker.
const tests = new Map();

exports.handler = async (event) => {
  const { method, path } = event.requestContext.http;
  const [, collection, id] = path.split("/");
  if (path === "/health") return answer(200, { status: "ok", version: process.env.API_VERSION });
  if (collection !== "tests") return answer(404, { message: `nothing at ${path}` });
  if (method === "POST" && !id) return create(event);
  if (method === "GET" && !id) return answer(200, { tests: [...tests.values()] });
  if (method === "GET" && tests.has(id)) return answer(200, tests.get(id));
  return answer(404, { message: `no test ${id}` });
};

function create(event) {
  let test;
  try {
    const text = event.isBase64Encoded ? Buffer.from(event.body, "base64").toString() : event.body;
    test = { id: event.requestContext.requestId, ...JSON.parse(text) };
  } catch {
    return answer(400, { message: "the body is no JSON object" });
  }
  tests.set(test.id, test);
  console.log(`created test ${test.id}`);
  return answer(201, test);
}

function answer(statusCode, body) {
  return { statusCode, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
