// The processes of one function: as on Lambda, each has one invocation at a time.
import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { Worker, failure } from "./worker.mjs";

// So many at most: each is a process of 20 to 50 MB, and an instance of the Consumption plan has 1.5 GB.
const MOST = 16;
// So many are started without waiting.
const BASE = Math.max(2, availableParallelism() * 2);
// Invocations that have waited this long are reason for more, in milliseconds.
const PATIENCE = 100;
// Idle ones end after this long, in milliseconds.
const IDLE = 600_000;

export class Pool {
  #idle = [];
  #alive = new Set();
  #queue = [];

  constructor(definition, settings, environment, credentials) {
    Object.assign(this, { definition, settings, environment, credentials });
  }

  // Runs the function on an event (JSON text): {requestId, payload, errorType?, duration}, or nothing where it takes
  // longer than `milliseconds`. `log` takes its lines.
  invoke(event, { traceId, log, milliseconds }) {
    return new Promise((resolve) => {
      const job = { event, traceId, log, requestId: randomUUID() };
      const clock = milliseconds && setTimeout(() => {
        this.#forget(job);
        resolve();
      }, milliseconds);
      job.answer = ({ payload, errorType }) => {
        clearTimeout(clock);
        const duration = job.started === undefined ? 0 : Date.now() - job.started;
        resolve({ requestId: job.requestId, payload, errorType, duration });
      };
      this.#queue.push(job);
      this.#next();
      if (this.#queue.includes(job)) setTimeout(() => this.#grow(job), PATIENCE);
    });
  }

  // What nobody waits for any more is not begun; what was begun goes on.
  #forget(job) {
    this.#queue = this.#queue.filter((other) => other !== job);
  }

  #next() {
    while (this.#queue.length && this.#idle.length) {
      const worker = this.#idle.pop();
      clearTimeout(worker.idleClock);
      worker.run(this.#queue.shift());
    }
    const starting = [...this.#alive].filter((worker) => !worker.ready).length;
    if (this.#queue.length > starting && this.#alive.size < BASE) this.#add();
  }

  #grow(job) {
    if (!this.#queue.includes(job)) return;
    const starting = [...this.#alive].some((worker) => !worker.ready);
    if (!starting && this.#alive.size < MOST) this.#add();
    setTimeout(() => this.#grow(job), PATIENCE);
  }

  #add() {
    this.#alive.add(new Worker(this));
  }

  idle(worker) {
    this.#idle.push(worker);
    worker.idleClock = setTimeout(() => {
      // It gets nothing more, though its end is seen later.
      this.#idle = this.#idle.filter((other) => other !== worker);
      worker.kill();
    }, IDLE);
    worker.idleClock.unref();
    this.#next();
  }

  // `failed`: why it never became ready.
  ended(worker, failed) {
    this.#alive.delete(worker);
    this.#idle = this.#idle.filter((other) => other !== worker);
    clearTimeout(worker.idleClock);
    if (failed) this.#queue.shift()?.answer(failed);
    this.#next();
  }

  // A line of a function's, for its log.
  log(job, message) {
    const entry = { function_name: this.settings.function_name, ...(job && { request_id: job.requestId }), message };
    (job?.log ?? console.log)(JSON.stringify(entry));
  }

  end() {
    this.#alive.forEach((worker) => worker.kill());
  }
}

// Functions by role.
export class Runtime {
  #pools;

  constructor(definition, environment, credentials) {
    const entries = definition.functions.map((settings) => [settings.role, new Pool(definition, settings, environment, credentials)]);
    this.#pools = new Map(entries);
    process.once("exit", () => this.end());
  }

  has = (role) => this.#pools.has(role);

  async invoke(role, event, options) {
    const pool = this.#pools.get(role);
    if (!pool) return { requestId: randomUUID(), duration: 0, ...failure("ResourceNotFoundException", `Function not found: ${role}`) };
    return pool.invoke(event, options);
  }

  // Notes something about an invocation in the log of its function.
  log(role, requestId, message, log) {
    this.#pools.get(role)?.log({ requestId, log }, message);
  }

  end() {
    this.#pools.forEach((pool) => pool.end());
  }
}
