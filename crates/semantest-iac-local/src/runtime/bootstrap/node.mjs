// Runs a Lambda handler in Node against the Lambda Runtime API.
//
// One kept-alive connection; the response to one invocation and the request for the next go out in one
// write, which the host answers in order.
import { connect } from "node:net";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const BASE = "/2018-06-01/runtime";
const environment = process.env;
const [host, port] = environment.AWS_LAMBDA_RUNTIME_API.split(":");

const socket = connect({ host, port: Number(port), noDelay: true });
let buffer = Buffer.alloc(0);
let waiting = [];
socket.on("data", (chunk) => {
  buffer = buffer.length ? Buffer.concat([buffer, chunk]) : chunk;
  for (let answer = parse(); answer; answer = parse()) waiting.shift()?.(answer);
});
// The host has gone, or wants this worker to end.
socket.on("error", () => process.exit(0));
socket.on("close", () => process.exit(0));

function parse() {
  const end = buffer.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const headers = {};
  for (const line of buffer.toString("latin1", 0, end).split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  const length = Number(headers["content-length"] ?? 0);
  if (buffer.length < end + 4 + length) return undefined;
  const body = buffer.toString("utf8", end + 4, end + 4 + length);
  buffer = buffer.subarray(end + 4 + length);
  return { headers, body };
}

const get = (path) => `GET ${path} HTTP/1.1\r\nhost: runtime\r\n\r\n`;
function post(path, text, errorType) {
  // An error may be called anything; a header's value may not.
  const plain = errorType?.replace(/[^\x20-\x7e]/g, "?");
  const kind = plain ? `lambda-runtime-function-error-type: ${plain}\r\n` : "";
  const head = `POST ${path} HTTP/1.1\r\nhost: runtime\r\ncontent-type: application/json\r\n${kind}`;
  return `${head}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

// Sends all requests at once and returns the last answer.
async function exchange(requests) {
  const answers = requests.map(() => new Promise((done) => waiting.push(done)));
  socket.write(requests.join(""));
  return (await Promise.all(answers)).at(-1);
}

async function load(name) {
  const root = environment.LAMBDA_TASK_ROOT;
  const slash = name.lastIndexOf("/");
  const dot = name.indexOf(".", slash + 1);
  if (dot < 0) throw fault("Runtime.MalformedHandlerName", `Bad handler '${name}': use file.function`);
  const base = resolve(root, name.slice(0, dot));
  const file = ["", ".js", ".mjs", ".cjs"].map((extension) => base + extension).find((path) => existsSync(path) && path !== base)
    ?? (existsSync(base) ? base : undefined);
  if (!file) throw fault("Runtime.ImportModuleError", `Error: Cannot find module '${name.slice(0, dot)}' in ${root}`);
  const module = await evaluate(file).catch((error) => {
    const missing = ["MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND"].includes(error?.code);
    const kind = missing ? "Runtime.ImportModuleError" : error instanceof SyntaxError ? "Runtime.UserCodeSyntaxError" : undefined;
    throw kind ? fault(kind, String(error), error.stack) : error;
  });
  const handler = name.slice(dot + 1).split(".").reduce((value, key) => value?.[key] ?? value?.default?.[key], module);
  if (typeof handler !== "function") throw fault("Runtime.HandlerNotFound", `${name} is undefined or not exported`);
  return handler;
}

async function evaluate(file) {
  try {
    return createRequire(pathToFileURL(file))(file);
  } catch (error) {
    // ES modules, top-level await included, cannot be required everywhere.
    if (!["ERR_REQUIRE_ESM", "ERR_REQUIRE_ASYNC_MODULE"].includes(error?.code) && !(error instanceof SyntaxError)) throw error;
    return await import(pathToFileURL(file).href);
  }
}

// Names and words of what goes wrong are those of AWS's client (aws-lambda-ric).
function fault(name, message, stack) {
  const error = Object.assign(new Error(message), { name });
  return Object.assign(error, { stack: stack ?? `${name}: ${message}` });
}

function describe(error) {
  const isError = [error?.name, error?.message, error?.stack].every((part) => typeof part === "string");
  if (!isError) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: error.stack.split("\n") };
}

function context(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"] ?? 0);
  const client = headers["lambda-runtime-client-context"];
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: environment.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: environment.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: environment.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: environment.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    clientContext: client ? JSON.parse(client) : undefined,
    identity: undefined,
    getRemainingTimeInMillis: () => Math.max(deadline - Date.now(), 0),
  };
}

function call(handler, event, info) {
  return new Promise((done, fail) => {
    const callback = (error, value) => (error ? fail(error) : done(value));
    info.done = callback;
    info.succeed = done;
    info.fail = fail;
    const returned = handler(event, info, callback);
    if (typeof returned?.then === "function") returned.then(done, fail);
    // A handler without callback parameter that returns no promise has answered.
    else if (returned !== undefined || handler.length < 3) done(returned);
  });
}

function serialize(value) {
  try {
    return JSON.stringify(value === undefined ? null : value) ?? "null";
  } catch {
    throw new Error("Unable to stringify response body");
  }
}

function print(failure) {
  console.error(failure.trace.length ? failure.trace.join("\n") : `${failure.errorType}: ${failure.errorMessage}`);
}

// Handler modules expect it when they are loaded. No gateway of ours streams: HTTP APIs do not, on AWS neither.
globalThis.awslambda = {
  streamifyResponse: () => async () => {
    throw fault("Runtime.StreamingNotSupported", "awslambda.streamifyResponse: an HTTP API does not stream responses; return the response instead");
  },
  HttpResponseStream: { from: (stream) => stream },
};

let current;
for (const kind of ["uncaughtException", "unhandledRejection"]) {
  process.on(kind, async (error) => {
    const rejected = kind === "unhandledRejection";
    const failure = describe(rejected ? fault("Runtime.UnhandledPromiseRejection", String(error), error?.stack) : error);
    print(failure);
    if (current) await exchange([post(`${BASE}/invocation/${current}/error`, JSON.stringify(failure), failure.errorType)]);
    process.exit(128);
  });
}

let handler;
try {
  handler = await load(environment._HANDLER);
} catch (error) {
  const failure = describe(error);
  print(failure);
  await exchange([post(`${BASE}/init/error`, JSON.stringify(failure), failure.errorType)]);
  process.exit(1);
}

let pending = [get(`${BASE}/invocation/next`)];
for (;;) {
  const { headers, body } = await exchange(pending);
  const id = headers["lambda-runtime-aws-request-id"];
  current = id;
  environment._X_AMZN_TRACE_ID = headers["lambda-runtime-trace-id"] ?? "";
  let answer;
  try {
    const value = await call(handler, JSON.parse(body), context(headers));
    answer = post(`${BASE}/invocation/${id}/response`, serialize(value));
  } catch (error) {
    const failure = describe(error);
    print(failure);
    answer = post(`${BASE}/invocation/${id}/error`, JSON.stringify(failure), failure.errorType);
  }
  current = undefined;
  pending = [answer, get(`${BASE}/invocation/next`)];
}
