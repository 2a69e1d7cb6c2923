/** An open project: how calls reach the native module, and how they end. */

import { type Begun, bridge } from "./bridge.js";
import { CancelledError, type InvalidInputError } from "./errors.js";
import type { ErrorDetails } from "./error.js";
import { Engine } from "./native.js";
import { asJson, refused } from "./options.js";
import { waiting } from "./patience.js";
import type { Port } from "./port.js";
import type { Settings } from "./settings.js";

/** Where to go on, for whoever uses an Iac that is closed. */
const CLOSED = "open the project anew with Iac.open(…)";

/**
 * The error of what was ended by a signal: it says so as other platform APIs do, and its `cause` is the signal's reason.
 *
 * @internal
 */
export function aborted(
  signal: AbortSignal,
  message = "it was aborted before it began",
  details: ErrorDetails = {},
): CancelledError {
  const error = new CancelledError(message, { operation: "node.call", ...details, cause: signal.reason as unknown });
  return Object.defineProperty(error, "name", { value: "AbortError", configurable: true, writable: true });
}

function question(name: string, about: object): (engine: Engine, call: number) => void {
  const text = `{"${name}":${asJson(about, name)}}`;
  return (engine, call) => engine.query(call, text);
}

/** A project that is open. @internal */
export class Session {
  readonly #engine: Engine;
  readonly #bus: Port | null;
  readonly #targets: readonly number[];
  readonly #running = new Set<Promise<unknown>>();
  readonly #asked = new Set<Begun<unknown>>();
  #closing: Promise<void> | null = null;
  #closed = false;

  private constructor(
    engine: Engine,
    readonly project: string,
    bus: Port | null,
    targets: readonly number[],
  ) {
    this.#engine = engine;
    this.#bus = bus;
    this.#targets = targets;
  }

  /** Opens the project that `settings` name. */
  static async open(settings: Settings): Promise<Session> {
    const targets: number[] = [];
    const engine = new Engine(bridge().native);
    const serve = (port: Port): number => {
      const target = bridge().serve(
        (request, attendance) => port.target.answer(request, attendance),
        (thrown, request) => port.target.failure(thrown, request),
      );
      targets.push(target);
      return target;
    };
    try {
      const text = settings.toJson(serve);
      const { project } = await bridge().ask<{ project: string }>((call) => engine.open(call, text));
      return new Session(engine, project, settings.ports.bus, targets);
    } catch (error) {
      for (const target of targets) bridge().forget(target);
      engine.close();
      throw error;
    }
  }

  /** Whether it is being closed, or closed. */
  get isClosing(): boolean {
    return this.#closing !== null;
  }

  /** Whether nothing can be asked any more. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** The error for a call that comes too late. */
  static refusal(): InvalidInputError {
    return refused(`this Iac is closed: ${CLOSED}`);
  }

  /** Asks a question (`semantest_iac::query` in Rust) and gives its answer. */
  ask<T>(name: string, about: object, signal: AbortSignal | null): Promise<T> {
    return this.waitFor(question(name, about), signal === null ? [] : [signal]);
  }

  /** As `ask`, for a question whose answer is recorded. */
  async record<T>(name: string, about: object, signal: AbortSignal | null): Promise<T> {
    return this.carryOut(question(name, about), (answer) => answer as T, signal);
  }

  /**
   * Waits for something that changes nothing. Where this is closed meanwhile, or one of `signals` aborts, it ends with an
   * error at once.
   */
  async waitFor<T>(start: (engine: Engine, call: number) => void, signals: readonly AbortSignal[] = []): Promise<T> {
    const gone = signals.find((signal) => signal.aborted);
    if (gone !== undefined) throw aborted(gone);
    if (this.#closed) throw Session.refusal();
    const asked = bridge().begin<T>((call) => start(this.#engine, call));
    const leave = (event: Event): void => {
      this.#engine.cancel(asked.call);
      asked.abandon(aborted(event.target as AbortSignal, "it was aborted while it waited for its answer"));
    };
    this.#asked.add(asked);
    for (const signal of signals) signal.addEventListener("abort", leave);
    try {
      return await waiting(() => asked.promise);
    } finally {
      this.#asked.delete(asked);
      for (const signal of signals) signal.removeEventListener("abort", leave);
    }
  }

  /**
   * Waits for something that changes something. Where `signal` aborts meanwhile, it is asked to end, and ends in order: a run
   * finishes what is under way and records that it was cancelled. `read` makes of its end what the caller is told.
   */
  async carryOut<T>(
    start: (engine: Engine, call: number) => void,
    read: (answer: unknown) => T,
    signal: AbortSignal | null,
  ): Promise<T> {
    if (signal?.aborted === true) throw aborted(signal);
    if (this.#closed) throw Session.refusal();
    const run = bridge().begin((call) => start(this.#engine, call), read);
    if (signal === null) return waiting(() => run.promise);
    const cancel = (): void => this.#engine.cancel(run.call);
    signal.addEventListener("abort", cancel);
    try {
      return await waiting(() => run.promise);
    } catch (error) {
      if (!(error instanceof CancelledError) || !signal.aborted) throw error;
      throw aborted(signal, error.message, { operation: error.operation, context: error.context });
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  /** When all that is under way now has ended. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  /** Closing waits for `work`. */
  running<T>(work: Promise<T>): Promise<T> {
    const ended = (): void => void this.#running.delete(work);
    this.#running.add(work);
    work.then(ended, ended);
    return work;
  }

  /** Waits for what is under way, then ends. Twice is harmless. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
    this.#closed = true;
    try {
      // The application's bus may outlive this, and would go on calling.
      await this.#bus?.target.end();
    } finally {
      this.#engine.close();
      // No answer can come any more.
      for (const asked of this.#asked) {
        this.#engine.cancel(asked.call);
        asked.abandon(refused(`this Iac was closed meanwhile: ${CLOSED}`));
      }
      for (const target of this.#targets) bridge().forget(target);
    }
  }
}
