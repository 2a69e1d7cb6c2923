/**
 * How TypeScript and Rust call each other: one queue for this JavaScript environment (the main thread, or a worker).
 *
 * Rust queues what there is to do and wakes the event loop; it is all done here. Nothing that users write can throw into the
 * native module: what they throw is kept here under a number, which Rust carries instead.
 */

import { AsyncResource } from "node:async_hooks";
import process from "node:process";

import { IacError, nativeError } from "./error.js";
import { NativeBridge, type Job } from "./native.js";
import { Attendance } from "./attendance.js";

const NOTHING = '{"ok":null}';

/** Answers a request of Rust's with what JSON can hold. `attendance` ends when nobody waits for it any more. */
export type Answering = (request: string, attendance: Attendance) => unknown;
/** An error's record for what `Answering` threw; what is left out of it is what the kind of target calls for. */
export type Explaining = (thrown: unknown, request: string) => object;

/** A call that was begun. */
export interface Begun<T> {
  /** Its number. */
  readonly call: number;
  /** Its end. */
  readonly promise: Promise<T>;
  /** Nobody waits for it any more: the promise is rejected with `error`, and what comes of the call is passed over. */
  abandon(error: unknown): void;
}

interface Asked {
  end(value: unknown): void;
  fail(error: unknown): void;
}

interface Served {
  readonly answer: Answering;
  readonly explain: Explaining;
  /** Answers see the asynchronous context in which they were given to us, not that of whoever woke the loop. */
  readonly context: AsyncResource;
}

/** The queue of this environment, as the rest of this package uses it. */
export class Bridge {
  /** For functions of the native module that take one. */
  readonly native: NativeBridge;
  readonly #asked = new Map<number, Asked>();
  readonly #served = new Map<number, Served>();
  readonly #attended = new Map<number, Attendance>();
  readonly #thrown = new Map<number, unknown>();
  #last = 0;
  #held = 0;

  constructor() {
    this.native = new NativeBridge(() => this.#drain());
    // Runs that are cut off by `process.exit` or an uncaught error stop in order.
    process.once("exit", () => this.native.close());
  }

  // Questions of ours

  /** Begins a call of the native module by `start` and resolves to its answer; the process is kept alive until then. */
  ask<T>(start: (call: number) => void): Promise<T> {
    return this.begin<T>(start).promise;
  }

  /** As `ask`, for calls that are cancelled or abandoned. `read` sees the answer before anything else happens. */
  begin<T>(start: (call: number) => void, read?: (answer: unknown) => T): Begun<T> {
    const call = this.#next();
    let asked: Asked | undefined;
    const promise = new Promise<T>((resolve, reject) => {
      asked = { end: (value) => resolve(read === undefined ? (value as T) : read(value)), fail: reject };
    });
    this.#asked.set(call, asked!);
    this.#hold();
    try {
      start(call);
    } catch (thrown) {
      this.#asked.get(call)?.fail(nativeError(thrown));
      this.#leave(call);
    }
    const abandon = (error: unknown): void => {
      this.#asked.get(call)?.fail(error);
      this.#leave(call);
    };
    return { call, promise, abandon };
  }

  /**
   * The error that is told as a record. Its `cause` is the very object that was thrown where that is behind it: only until the
   * answer that tells of it was read (`begin`).
   */
  errorOf(record: object): IacError {
    const behind = this.thrownOf(record);
    return IacError.of(record, null, behind === null ? {} : { cause: behind.thrown });
  }

  /** What was thrown, where a record tells of it and the answer that has it is being read. */
  thrownOf(record: object): { readonly thrown: unknown } | null {
    const number = (record as { readonly thrown?: unknown }).thrown;
    if (typeof number !== "number" || !this.#thrown.has(number)) return null;
    return { thrown: this.#thrown.get(number) };
  }

  // Questions of Rust's

  /** A target for Rust's calls, until it is forgotten. It keeps no process alive. */
  serve(answer: Answering, explain: Explaining): number {
    const target = this.#next();
    this.#served.set(target, { answer, explain, context: new AsyncResource("SemantestIacTarget") });
    return target;
  }

  /** Calls of `target` are refused from now on. */
  forget(target: number): void {
    this.#served.delete(target);
  }

  // What the native module wakes

  #drain(): void {
    let jobs: Job[] = [];
    try {
      jobs = this.native.drain();
    } catch (defect) {
      warn(defect);
    }
    for (const job of jobs) {
      try {
        this.#carryOut(job);
      } catch (defect) {
        warn(defect);
      }
    }
  }

  #carryOut({ kind, call, target, text }: Job): void {
    switch (kind) {
      case 0:
        return this.#end(call, text ?? NOTHING);
      case 1:
        return this.#answer(call, target, text ?? "");
      case 2: {
        const attendance = this.#attended.get(call);
        this.#attended.delete(call);
        return attendance?.end(new DOMException("nobody waits for this any more", "AbortError"));
      }
      case 3:
        this.#thrown.delete(call);
    }
  }

  #end(call: number, text: string): void {
    const asked = this.#asked.get(call);
    if (asked === undefined) return;
    try {
      const told = JSON.parse(text) as { ok?: unknown; error?: object };
      if (told.error === undefined) asked.end(told.ok);
      else asked.fail(this.errorOf(told.error));
    } catch (defect) {
      asked.fail(defect);
    } finally {
      this.#leave(call);
    }
  }

  #answer(call: number, target: number, request: string): void {
    const served = this.#served.get(target);
    if (served === undefined) {
      const message = "it is not there any more: it was unsubscribed, or its Iac was closed";
      return this.native.settle(call, JSON.stringify({ error: { kind: "unavailable", message } }));
    }
    const attendance = new Attendance();
    let result: unknown;
    try {
      result = served.context.runInAsyncScope(served.answer, undefined, request, attendance);
      if (isThenable(result)) {
        this.#attended.set(call, attendance);
        return void this.#later(call, served, request, result);
      }
    } catch (thrown) {
      return this.#threw(call, served, request, thrown);
    }
    this.#settle(call, result);
  }

  async #later(call: number, served: Served, request: string, result: PromiseLike<unknown>): Promise<void> {
    try {
      const value = await result;
      this.#attended.delete(call);
      this.#settle(call, value);
    } catch (thrown) {
      this.#attended.delete(call);
      this.#threw(call, served, request, thrown);
    }
  }

  #settle(call: number, value: unknown): void {
    let outcome = NOTHING;
    if (value !== undefined && value !== null) {
      try {
        outcome = JSON.stringify({ ok: value });
      } catch {
        // The native module knows whose answer it is, and what to say of it.
        outcome = "";
      }
    }
    this.native.settle(call, outcome);
  }

  #threw(call: number, served: Served, request: string, thrown: unknown): void {
    const number = this.#next();
    this.#thrown.set(number, thrown);
    let outcome: string;
    try {
      outcome = JSON.stringify({ error: served.explain(thrown, request) });
    } catch {
      outcome = JSON.stringify({ error: { message: "it threw something that cannot be described" } });
    }
    this.native.settle(call, outcome, number);
  }

  #next(): number {
    this.#last += 1;
    return this.#last;
  }

  #leave(call: number): void {
    if (!this.#asked.delete(call)) return;
    this.#held -= 1;
    if (this.#held === 0) this.native.release();
  }

  #hold(): void {
    this.#held += 1;
    if (this.#held === 1) this.native.hold();
  }
}

let made: Bridge | undefined;

/** The one bridge of this environment, made when it is first needed. */
export function bridge(): Bridge {
  made ??= new Bridge();
  return made;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  const held = (typeof value === "object" && value !== null) || typeof value === "function";
  return held && typeof (value as { then?: unknown }).then === "function";
}

function warn(defect: unknown): void {
  process.emitWarning(`a defect of semantest-iac: ${String(defect)}`);
}
