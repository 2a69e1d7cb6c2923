// One process of a function, and the Lambda Runtime API (2018-06-01) that it talks to.
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { command, functionId, variables } from "./environment.mjs";
import { words } from "./exit.mjs";
import { folder } from "./definition.mjs";
import { traceId } from "./text.mjs";

const BASE = "/2018-06-01/runtime/";
// Largest response, in bytes (AWS Lambda quotas).
export const MAX_PAYLOAD = 6 * 1024 * 1024;
// A process that asks for no invocation within this time, or its function's longer one, is killed.
const INIT_S = 10;
// So long the last lines of a process that has ended are waited for.
const LAST_LINES_MS = 500;

export const failure = (errorType, errorMessage) => ({ errorType, payload: Buffer.from(JSON.stringify({ errorType, errorMessage })) });

// `pool` is told of the process: `idle(worker)`, `ended(worker, failure)`; it gives jobs with `run`.
export class Worker {
  current = undefined;
  ready = false;
  #taking;
  #failed;
  #verdict;
  #clock;
  #child;
  #server;
  #lines = [];

  constructor(pool) {
    this.pool = pool;
    this.#server = createServer((request, response) => {
      // A process that ends in the middle of its answer ends nothing else.
      this.#answer(request, response).catch(() => response.destroy());
    });
    this.#server.keepAliveTimeout = 0;
    this.#server.requestTimeout = 0;
    this.#server.listen(0, "127.0.0.1", () => this.#start());
    this.#server.unref();
  }

  #start() {
    const { definition, settings, environment, credentials } = this.pool;
    const api = `127.0.0.1:${this.#server.address().port}`;
    const env = variables(definition, settings, environment, api, credentials);
    // A group of its own: what it starts ends with it.
    const options = { cwd: settings.code, env, stdio: ["ignore", "pipe", "pipe"], detached: true };
    let child;
    try {
      const [program, rest] = command(definition, settings, folder);
      child = this.#child = spawn(program, rest, options);
    } catch (error) {
      return this.#end(`the function's process cannot be started: ${error.message}`);
    }
    child.unref();
    const seconds = Math.max(INIT_S, settings.timeout_s);
    const late = () => this.#condemn("Sandbox.Timedout", `Init phase timed out after ${seconds}.00 seconds`);
    this.#clock = setTimeout(late, seconds * 1000);
    this.#clock.unref();
    const closed = [child.stdout, child.stderr].map((pipe) => {
      pipe.unref?.();
      return follow(pipe, (line) => this.#print(line));
    });
    child.once("error", (error) => this.#end(`the function's process cannot be started: ${error.message}`));
    child.once("exit", async (code, signal) => {
      // Children of the process must not outlive it.
      this.kill();
      await Promise.race([Promise.all(closed), new Promise((done) => setTimeout(done, LAST_LINES_MS).unref())]);
      this.#end(words(code, signal));
    });
  }

  #print(line) {
    this.pool.log(this.current ?? this.#lines.at(-1), line);
  }

  // Gives the process `job`.
  run(job) {
    const taking = this.#taking;
    this.#taking = undefined;
    this.current = job;
    this.#lines = [job];
    job.started = Date.now();
    const limit = this.pool.settings.timeout_s;
    this.#clock = setTimeout(() => this.#condemn("Sandbox.Timedout", `${job.requestId} Task timed out after ${limit}.00 seconds`), limit * 1000);
    const headers = {
      "content-type": "application/json",
      "lambda-runtime-aws-request-id": job.requestId,
      "lambda-runtime-deadline-ms": String(job.started + limit * 1000),
      "lambda-runtime-invoked-function-arn": functionId(this.pool.settings, this.pool.environment),
      // It comes from a client, and not all of what those send can be a header here.
      "lambda-runtime-trace-id": /^[\x20-\x7e]+$/.test(job.traceId ?? "") ? job.traceId : traceId(),
      "content-length": Buffer.byteLength(job.event),
    };
    taking.writeHead(200, headers).end(job.event);
  }

  #condemn(errorType, text) {
    this.#verdict ??= { errorType, text };
    this.kill();
  }

  kill() {
    try {
      process.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  }

  #finish(id) {
    const job = this.current;
    if (job?.requestId !== id) return undefined;
    this.current = undefined;
    clearTimeout(this.#clock);
    return job;
  }

  // The request for the next invocation comes in one write with an answer, and may be seen first.
  async #answer(request, response) {
    const path = request.url.startsWith(BASE) ? request.url.slice(BASE.length) : "";
    const settled = this.answering ?? Promise.resolve();
    let done;
    this.answering = new Promise((resolve) => (done = resolve));
    if (request.method === "GET" && path === "invocation/next") {
      await settled;
      done();
      if (!this.ready) clearTimeout(this.#clock);
      this.ready = true;
      this.#taking = response;
      return this.pool.idle(this);
    }
    const body = await read(request);
    await settled;
    const [what, id, how] = path.split("/");
    const kind = request.headers["lambda-runtime-function-error-type"] ?? "Unhandled";
    let accepted = true;
    // A response that was written in parts tells at its end that it has failed.
    const failed = request.trailers["lambda-runtime-function-error-type"];
    if (what === "invocation" && how === "response" && failed) {
      accepted = this.#fail(id, failed, Buffer.from(request.trailers["lambda-runtime-function-error-body"] ?? "", "base64"));
    } else if (what === "invocation" && how === "response") accepted = this.#respond(id, body);
    else if (what === "invocation" && how === "error") accepted = this.#fail(id, kind, body);
    else if (path === "init/error") this.#failed = { errorType: kind, payload: this.#told(kind, body) };
    else return done(reply(response, 404, { errorType: "NotFound", errorMessage: "no such path" }));
    reply(response, ...(accepted ? [202, { status: "OK" }] : [400, { errorType: "InvalidRequestID", errorMessage: "Invalid request ID" }]));
    done();
  }

  #respond(id, payload) {
    const job = this.#finish(id);
    if (!job) return false;
    if (payload.length <= MAX_PAYLOAD) job.answer({ payload });
    else job.answer(failure("Function.ResponseSizeTooLarge", `Response payload size exceeded maximum allowed payload size (${MAX_PAYLOAD} bytes).`));
    return true;
  }

  #fail(id, errorType, body) {
    const job = this.#finish(id);
    if (!job) return false;
    job.answer({ errorType, payload: this.#told(errorType, body, job) });
    return true;
  }

  // A program of the user's own may print nothing of its failure.
  #told(errorType, body, job) {
    if (this.pool.definition.runtime.startsWith("provided")) this.pool.log(job, `[ERROR] ${errorType}: ${body.toString("utf8")}`);
    return body;
  }

  #end(text) {
    if (!this.pool) return;
    clearTimeout(this.#clock);
    const pool = this.pool;
    const verdict = this.#verdict ?? { errorType: "Runtime.ExitError", text };
    const job = this.current;
    this.current = undefined;
    if (job) {
      pool.log(job, verdict.text);
      const message = verdict.errorType === "Sandbox.Timedout" ? verdict.text : `RequestId: ${job.requestId} ${verdict.text}`;
      job.answer(failure(verdict.errorType, message));
    } else if (!this.ready && !this.#failed) pool.log(undefined, verdict.text);
    this.#server.closeAllConnections();
    this.#server.close();
    pool.ended(this, this.ready || job ? undefined : (this.#failed ?? failure(verdict.errorType, verdict.text)));
    this.pool = undefined;
  }
}

const follow = (pipe, line) => new Promise((closed) => createInterface({ input: pipe, crlfDelay: Infinity }).on("line", line).on("close", closed));

function reply(response, status, body) {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) }).end(text);
}

// What is larger than may be is read to its end too: a process that is cut off in its answer cannot go on.
async function read(request) {
  const [chunks, state] = [[], { size: 0 }];
  for await (const chunk of request) {
    state.size += chunk.length;
    if (state.size <= MAX_PAYLOAD + 1) chunks.push(chunk);
  }
  return state.size <= MAX_PAYLOAD ? Buffer.concat(chunks) : Buffer.alloc(MAX_PAYLOAD + 1);
}
