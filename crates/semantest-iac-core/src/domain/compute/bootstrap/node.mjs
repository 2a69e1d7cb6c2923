// Runs a Lambda handler in Node against the Lambda Runtime API.
//
// One kept-alive connection; the response to one invocation and the request for the next go out in one
// write, which the host answers in order. While a handler runs, the connection does not keep the process
// alive: an empty event loop is an answer of its own (`beforeExit`), as in AWS's client.
import { Socket, connect } from "node:net";
import { Fault, describe, logError, takeConsole } from "./node_errors.mjs";
import { load } from "./node_module.mjs";
import { ResponseStream, isStreaming, provide } from "./node_stream.mjs";

const BASE = "/2018-06-01/runtime";
const environment = process.env;
// From Node 24 on Lambda takes what a handler returns and knows no callbacks, and an error that nobody catches ends the process as
// it would anywhere (aws-lambda-ric 4; before it, 3). The runtime asked for counts.
const modern = Number(/^AWS_Lambda_nodejs(\d+)/.exec(environment.AWS_EXECUTION_ENV)?.[1]) >= 24;

if (environment.SEMANTEST_INSPECT_WAIT) {
  delete environment.SEMANTEST_INSPECT_WAIT;
  (await import("node:inspector")).waitForDebugger();
}

let buffer = Buffer.alloc(0);
// The rest of an answer that does not come in one piece, and how much of it is still to come.
let pieces = [];
let lacking = 0;
const waiting = [];
// Past the machinery of streams, into one piece of memory.
const onread = {
  buffer: Buffer.alloc(65536),
  callback(size, chunk) {
    const come = chunk.subarray(0, size);
    if (lacking > 0) {
      pieces.push(Buffer.from(come));
      lacking -= size;
      if (lacking > 0) return true;
      buffer = Buffer.concat([buffer, ...pieces]);
      pieces = [];
    } else buffer = buffer.length ? Buffer.concat([buffer, come]) : come;
    for (let answer = parse(); answer; answer = parse()) waiting.shift()?.(answer);
    // What comes next is written over it.
    if (buffer.length && buffer.buffer === chunk.buffer) buffer = Buffer.from(buffer);
    return true;
  },
};
const [reads, writes] = connected();
// Where to read and to write: the pipes inherited from the host, or else what Lambda's variable says.
function connected() {
  const pipes = environment.SEMANTEST_RUNTIME_PIPES?.split(",").map(Number);
  delete environment.SEMANTEST_RUNTIME_PIPES;
  if (pipes) {
    const writes = new Socket({ fd: pipes[1], readable: false, writable: true }).unref();
    return [new Socket({ fd: pipes[0], onread, readable: true, writable: false }), writes];
  }
  const [host, port] = environment.AWS_LAMBDA_RUNTIME_API.split(":");
  const socket = connect({ host, port: Number(port), noDelay: true, onread });
  return [socket, socket];
}
// The host has gone, or wants this worker to end.
for (const end of [reads, writes]) end.on("error", () => process.exit(0)).on("close", () => process.exit(0));

const HEADER = /\r\n([^:\r\n]+):[ \t]*([^\r\n]*)/g;
function parse() {
  const end = buffer.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const headers = {};
  for (const [, name, value] of buffer.latin1Slice(0, end).matchAll(HEADER)) headers[name.toLowerCase()] = value;
  const length = Number(headers["content-length"] ?? 0);
  lacking = end + 4 + length - buffer.length;
  if (lacking > 0) return undefined;
  const body = buffer.toString("utf8", end + 4, end + 4 + length);
  buffer = buffer.subarray(end + 4 + length);
  return { headers, body };
}

const NEXT = `GET ${BASE}/invocation/next HTTP/1.1\r\nhost: runtime\r\n\r\n`;
function post(path, text, errorType) {
  // An error may be called anything; a header's value may not.
  const plain = errorType?.replace(/[^\x20-\x7e]/g, "?");
  const kind = plain ? `lambda-runtime-function-error-type: ${plain}\r\n` : "";
  const head = `POST ${BASE}${path} HTTP/1.1\r\nhost: runtime\r\ncontent-type: application/json\r\n${kind}`;
  return `${head}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}
const postError = (path, failure) => post(path, JSON.stringify(failure), failure.errorType);

// Sends all requests at once; `then` gets the answer to the last.
function send(requests, then) {
  for (const request of requests) waiting.push(request === requests.at(-1) ? then : undefined);
  reads.ref();
  writes.write(requests.join(""));
}

let requestId = modern ? "-" : undefined;
// Where an error that nobody catches is told: of the start, of the invocation under way, or nowhere.
let failing = "/init/error";
let whenEmpty;
// What the invocation under way writes its response to, where it writes one in parts.
let stream;
let ending = false;
if (!modern) process.on("beforeExit", () => whenEmpty?.());
takeConsole(() => requestId);

function end(what, error, code) {
  ending = true;
  logError(what, error);
  if (!failing) process.exit(code);
  // The connection is in the middle of a response: that ends with the error.
  if (stream) return stream.fail(error, modern).then(() => process.exit(code));
  send([postError(failing, describe(error))], () => process.exit(code));
}
function takeUncaught() {
  process.on("uncaughtException", (error) => end("Uncaught Exception", error, 129));
  process.on("unhandledRejection", (reason, promise) => {
    const message = reason === undefined ? "" : String(reason);
    const error = new Fault("Runtime.UnhandledPromiseRejection", message, { reason, promise });
    end("Unhandled Promise Rejection", error, 128);
  });
}
if (!modern) takeUncaught();

provide(modern);

// What a header of the invocation says in JSON.
function parsed(headers, header, name) {
  if (headers[header] === undefined) return undefined;
  try {
    return JSON.parse(headers[header]);
  } catch (error) {
    throw new Error(`Cannot parse ${name} as json: ${error}`);
  }
}

// What does not change from one invocation to the next.
const functionName = environment.AWS_LAMBDA_FUNCTION_NAME;
const functionVersion = environment.AWS_LAMBDA_FUNCTION_VERSION;
const ofFunction = {
  memoryLimitInMB: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  logGroupName: environment.AWS_LAMBDA_LOG_GROUP_NAME,
  logStreamName: environment.AWS_LAMBDA_LOG_STREAM_NAME,
};

function ofInvocation(headers, more) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"] ?? 0);
  return {
    clientContext: parsed(headers, "lambda-runtime-client-context", "ClientContext"),
    identity: parsed(headers, "lambda-runtime-cognito-identity", "CognitoIdentity"),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    tenantId: headers["lambda-runtime-aws-tenant-id"],
    ...more,
    getRemainingTimeInMillis: () => Math.max(deadline - Date.now(), 0),
  };
}

// In the order of AWS's clients, each of its own.
function context(headers, { succeed, fail, done }) {
  if (modern) {
    const xRayTraceId = headers["lambda-runtime-trace-id"];
    return { ...ofInvocation(headers, { xRayTraceId }), functionName, functionVersion, ...ofFunction };
  }
  const callbacks = { callbackWaitsForEmptyEventLoop: true, succeed, fail, done };
  return { ...callbacks, functionVersion, functionName, ...ofFunction, ...ofInvocation(headers) };
}

function serialize(value) {
  try {
    // A function or a symbol has no JSON: an empty body, as in AWS's client.
    return JSON.stringify(value === undefined ? null : value) ?? "";
  } catch {
    const failure = new Error("Unable to stringify response body");
    throw modern ? Object.assign(failure, { name: "Runtime.JSONStringifyError", stack: `Runtime.JSONStringifyError: ${failure.message}` }) : failure;
  }
}

// The ways in which a handler may answer the invocation `id`; the first counts.
function answers(id, waits) {
  let settled = false;
  const once = (act) => (...values) => {
    if (settled) return;
    settled = true;
    act(...values);
  };
  const finish = (answer) => {
    failing = whenEmpty = undefined;
    send([answer, NEXT], serve);
  };
  const refuse = (error) => {
    let told = error;
    try {
      logError("Invoke Error", error, modern);
    } catch (problem) {
      // What cannot be made text.
      told = problem;
      logError("Invoke Error", problem, modern);
    }
    finish(postError(`/invocation/${id}/error`, describe(told, modern)));
  };
  const give = (value) => {
    let text;
    try {
      text = serialize(value);
    } catch (error) {
      return refuse(error);
    }
    finish(post(`/invocation/${id}/response`, text));
  };
  const done = (error, value) => (error == null ? give(value) : refuse(error));
  const callback = (error, value) => {
    // What is no JSON is nobody's to catch by then.
    if (error == null && waits()) whenEmpty = () => setImmediate(() => finish(post(`/invocation/${id}/response`, serialize(value))));
    else done(error, value);
  };
  whenEmpty = once(give);
  return {
    callback: once(callback),
    done: once(done),
    succeed: once(give),
    fail: once((error) => refuse(modern ? error : error ?? "handled")),
  };
}

// What somebody would return as an answer, and not a timer or the like.
function isData(value) {
  if (value === null || typeof value !== "object") return ["string", "number", "boolean"].includes(typeof value);
  return [Object.prototype, Array.prototype, null].includes(Object.getPrototypeOf(value));
}

// Runs one invocation. An async handler answers with its promise; another with a callback, or not at all. What
// that returns Lambda ignores before Node 24; here it is taken, with a warning, so that nobody looks for it in vain.
function serve({ headers, body }) {
  const id = headers["lambda-runtime-aws-request-id"];
  requestId = id;
  failing = `/invocation/${id}/error`;
  environment._X_AMZN_TRACE_ID = headers["lambda-runtime-trace-id"] ?? "";
  reads.unref();
  if (runtime.streams) return inParts(id, JSON.parse(body), headers);
  let info;
  const answer = answers(id, () => info.callbackWaitsForEmptyEventLoop);
  if (modern) return returns(JSON.parse(body), context(headers, answer), answer);
  try {
    info = context(headers, answer);
    const returned = runtime.handler(JSON.parse(body), info, answer.callback);
    if (typeof returned?.then === "function") returned.then(answer.succeed, answer.fail);
    else if (runtime.handler.length < 3 && isData(returned)) {
      console.warn("the handler is not async: Lambda ignores what it returns before Node 24; make it async");
      answer.succeed(returned);
    }
  } catch (error) {
    answer.fail(error);
  }
}

// What the handler returns is the answer.
async function returns(event, info, answer) {
  try {
    answer.succeed(await runtime.handler(event, info));
  } catch (error) {
    answer.fail(error);
  }
}

const NOT_ASYNC = "Streaming does not support non-async handlers.";

// What the handler writes is the answer, and goes out as it is written.
async function inParts(id, event, headers) {
  const pass = (data, done) => writes.write(data, done);
  const own = (stream = new ResponseStream(`${BASE}/invocation/${id}/response`, pass, runtime.handler));
  const { succeed, fail, done, ...info } = context(headers, {});
  // Its answer is no news.
  waiting.push(undefined);
  // Who returns before the end has it waited for, until the function's time is up.
  reads.ref();
  try {
    const returned = runtime.handler(event, own, info);
    if (typeof returned?.then !== "function") throw modern ? new Error(NOT_ASYNC) : NOT_ASYNC;
    if ((await returned) !== undefined) console.warn("Streaming handlers ignore return values.");
    await own.whole();
  } catch (error) {
    logError("Invoke Error", error, modern);
    await own.fail(error, modern);
  }
  if (ending) return;
  const next = () => {
    failing = stream = whenEmpty = undefined;
    send([NEXT], serve);
  };
  if (modern || !info.callbackWaitsForEmptyEventLoop) return next();
  whenEmpty = () => setImmediate(next);
  reads.unref();
}

function begin() {
  if (ending) return;
  failing = undefined;
  send([NEXT], serve);
}

const runtime = {};
load(environment._HANDLER, environment.LAMBDA_TASK_ROOT).then((handler) => [handler, isStreaming(handler)]).then(
  ([handler, streams]) => {
    runtime.streams = streams;
    if (modern && handler.length > 2 && !runtime.streams) {
      const advice = "the handler takes a callback, which Lambda does not know from Node.js 24 on: make it async and return the answer";
      return end("Init Error", new Fault("Runtime.CallbackHandlerDeprecated", advice), 1);
    }
    runtime.handler = handler;
    // Node tells of promises rejected meanwhile after its ticks and before this comes: they are the start's failure.
    process.nextTick(() => setImmediate(begin));
  },
  (error) => (modern ? end("Init Error", error, 1) : end("Uncaught Exception", error, 129)),
);
