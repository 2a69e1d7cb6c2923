// Responses that handlers write in parts: what `awslambda` gives them, and the stream that they write to. Names, rules and
// words are those of AWS's client (aws-lambda-ric).
import { createRequire } from "node:module";
import { Writable } from "node:stream";
import { Fault, describe } from "./node_errors.mjs";

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");
const METADATA = "application/vnd.awslambda.http-integration-response";
const TYPE = "lambda-runtime-function-error-type";
const BODY = "lambda-runtime-function-error-body";

function streamifyResponse(handler, options) {
  handler[STREAMING] = "response";
  if (typeof options?.highWaterMark === "number") handler[HIGH_WATER_MARK] = parseInt(options.highWaterMark);
  return handler;
}

// Status, headers and cookies go before the body, as JSON and eight zero bytes.
class HttpResponseStream {
  static from(stream, metadata) {
    stream.setContentType(METADATA);
    const text = JSON.stringify(metadata);
    stream._onBeforeFirstWrite = (write) => {
      write(text);
      write(new Uint8Array(8));
    };
    return stream;
  }
}

// From Node 24 on its name is its own, and so stands in the log once more.
let namesItself = false;
class InvalidStreamingOperation extends Error {
  constructor(message) {
    super(message);
    Object.defineProperty(this, "name", { value: "Runtime.InvalidStreamingOperation", enumerable: namesItself });
    Error.captureStackTrace(this, ResponseStream.prototype.setContentType);
  }
}

// Handler modules expect it when they are loaded.
export function provide(modern) {
  namesItself = modern;
  if (["1", "true"].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) return;
  globalThis.awslambda = { ...globalThis.awslambda, streamifyResponse, HttpResponseStream };
}

export function isStreaming(handler) {
  if (!handler[STREAMING]) return false;
  if (handler[STREAMING] === "response") return true;
  throw new Fault("Runtime.MalformedStreamingHandler", "Only response streaming is supported.");
}

// The body of a request to `path`, chunked as it is written. `send` writes to the connection, and calls back once that has taken
// it: who writes faster than somebody reads has to wait.
export class ResponseStream extends Writable {
  #send;
  #path;
  #type = "application/octet-stream";
  #written = false;
  #begun = false;
  #ended = false;
  #trailers = "";

  constructor(path, send, handler) {
    super({ highWaterMark: handler[HIGH_WATER_MARK] });
    this.#path = path;
    this.#send = send;
    // Whoever writes is told by what they called.
    this.on("error", () => {});
  }

  setContentType(type) {
    if (this.#written) throw new InvalidStreamingOperation("Cannot set content-type, too late.");
    // Loaded where it is needed: it takes its time.
    if (/[^\t\x20-\x7e\x80-\xff]/.test(type)) createRequire(import.meta.url)("node:http").validateHeaderValue("Content-Type", type);
    this.#type = String(type);
  }

  write(chunk, ...rest) {
    const plain = typeof chunk === "string" || chunk instanceof Uint8Array;
    if (!this.#written) this._onBeforeFirstWrite?.((part) => super.write(part));
    this.#written = true;
    return super.write(plain ? chunk : JSON.stringify(chunk), ...rest);
  }

  _write(chunk, _, done) {
    this.#pass([chunk], done);
  }

  _writev(chunks, done) {
    this.#pass(chunks.map(({ chunk }) => chunk), done);
  }

  _final(done) {
    this.#end(done);
  }

  #pass(chunks, done) {
    const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    // A chunk without bytes would be the last.
    if (size === 0) return done();
    this.#send(Buffer.concat([Buffer.from(`${this.#head()}${size.toString(16)}\r\n`, "latin1"), ...chunks, Buffer.from("\r\n")]), () => done());
  }

  #head() {
    if (this.#begun) return "";
    this.#begun = this.#written = true;
    const start = `POST ${this.#path} HTTP/1.1\r\nhost: runtime\r\nlambda-runtime-function-response-mode: streaming\r\n`;
    return `${start}content-type: ${this.#type}\r\ntransfer-encoding: chunked\r\ntrailer: ${TYPE}, ${BODY}\r\n\r\n`;
  }

  #end(done) {
    if (this.#ended) return done();
    this.#ended = true;
    this.#send(Buffer.from(`${this.#head()}0\r\n${this.#trailers}\r\n`, "latin1"), () => done());
  }

  // Until the response has come to its end; fails where it was given up before.
  async whole() {
    if (!this.closed) await new Promise((done) => this.once("close", done));
    if (!this.writableFinished) throw new Error("Response stream is not finished.");
  }

  // Ends the response with an error, where it has not come to its end. What was written before is sent.
  async fail(error, modern) {
    const told = describe(error, modern);
    const kind = String(told.errorType).replace(/[^\x20-\x7e]/g, "?");
    // What has ended is not told of any more.
    if (!this.writableEnded) this.#trailers = `${TYPE}: ${kind}\r\n${BODY}: ${Buffer.from(JSON.stringify(told)).toString("base64")}\r\n`;
    if (!this.writableEnded) await new Promise((done) => this.end(done));
    // One that was destroyed ends nothing by itself.
    if (!this.writableFinished) await new Promise((done) => this.#end(done));
  }
}
