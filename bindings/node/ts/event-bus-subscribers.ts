/** The handlers of an `EventBus`, in order, and what happens when an event is delivered to them. */

import { idOf } from "./causation.js";
import type { HandlerFailure } from "./error.js";
import { CancelledError, HandlerFailedError } from "./errors.js";
import { invalid } from "./event-bus-failures.js";
import { Subscriber } from "./event-bus-subscriber.js";
import { type Handle, type Listener, listenersOf, needsInstance, sameListener } from "./listener.js";
import { isEvent, type AnyEvent } from "./live-event.js";
import { called, type ListenOptions, type Mark, markOf, nameOf } from "./mark.js";
import { untilAborted } from "./until-aborted.js";

/** Publishes what a handler gave back. @internal */
export type PublishGiven = (event: AnyEvent, signal: AbortSignal | undefined) => Promise<unknown>;

/** Handlers, and the events that they get. @internal */
export class Subscribers {
  readonly #operation: string;
  readonly #publish: PublishGiven;
  #all: readonly Subscriber[] = [];

  /** `operation` is where they are: `bus`. */
  constructor(operation: string, publish: PublishGiven) {
    this.#operation = operation;
    this.#publish = publish;
  }

  /** What they ask for. */
  get marks(): readonly Mark[] {
    return this.#all.map(({ mark }) => mark);
  }

  /** Adds those marked in `owner` itself, before all others. */
  begin(owner: object): void {
    this.#all = [...listenersOf(owner).map((listener) => new Subscriber(listener)), ...this.#all];
  }

  /**
   * Adds a function, or an object with `handle`, for events by name or class.
   *
   * @returns What ends it again.
   * @throws InvalidInputError It is none, or there is no such event.
   */
  subscribe(event: unknown, handler: unknown, options: ListenOptions): () => void {
    const subscriber = new Subscriber(this.#listenerFor(handler, event, options));
    this.#all = [...this.#all, subscriber];
    return () => {
      this.#all = this.#all.filter((each) => each !== subscriber);
    };
  }

  /**
   * Adds everything marked in `handlers`, or nothing.
   *
   * @throws InvalidInputError One of them is there already, or is none.
   */
  include(handlers: readonly unknown[]): void {
    const included: Subscriber[] = [];
    for (const listener of handlers.flatMap((handler) => this.#listenersIn(handler))) {
      const known = [...this.#all, ...included].some((each) => sameListener(each.listener, listener));
      if (known) throw this.#invalid("include", `${listener.name} is included already`, listener.name);
      included.push(new Subscriber(listener));
    }
    this.#all = [...this.#all, ...included];
  }

  /**
   * Hands the event to all that ask for it, one after the other, and tells which of them failed.
   *
   * Rejects with a `CancelledError` where `signal` is aborted.
   */
  async deliver(event: object, signal?: AbortSignal): Promise<HandlerFailure[]> {
    const failures: HandlerFailure[] = [];
    // Those of now: handlers may be included meanwhile.
    for (const subscriber of this.#all) {
      if (signal?.aborted === true) throw cancelled(event, signal);
      if (!subscriber.mark.wants(event) || !subscriber.begin(event)) continue;
      failures.push(...(await this.#handOver(subscriber, event, signal)));
    }
    return failures;
  }

  async #handOver(
    subscriber: Subscriber,
    event: object,
    signal: AbortSignal | undefined,
  ): Promise<readonly HandlerFailure[]> {
    const { name } = subscriber.listener;
    const publishAll = (given: readonly AnyEvent[]): Promise<readonly HandlerFailure[]> => {
      return this.#publishAll(name, given, signal);
    };
    try {
      return await untilAborted(subscriber.handle(event, publishAll, signal), signal, (left) => cancelled(event, left));
    } catch (error) {
      subscriber.forget(event);
      if (signal?.aborted === true) throw cancelled(event, signal);
      return [{ handler: name, eventId: idOf(event), error }];
    }
  }

  /** What a handler gave back: one that fails somebody keeps no other from being published. */
  async #publishAll(
    handler: string,
    events: readonly AnyEvent[],
    signal: AbortSignal | undefined,
  ): Promise<readonly HandlerFailure[]> {
    const failures: HandlerFailure[] = [];
    for (const event of events) {
      try {
        await this.#publish(event, signal);
      } catch (error) {
        const inside = error instanceof HandlerFailedError ? error.failures : [];
        failures.push(...(inside.length > 0 ? inside : [{ handler, eventId: idOf(event), error }]));
      }
    }
    return failures;
  }

  #listenersIn(handler: unknown): readonly Listener[] {
    const name = called(handler);
    if (isEvent(handler)) {
      throw this.#invalid("include", `${name} is an event; include what listens for it`, name);
    }
    if (needsInstance(handler)) {
      throw this.#invalid("include", `${name} has handlers that need an instance: include new ${name}(…)`, name);
    }
    const listeners = listenersOf(handler);
    if (listeners.length > 0) return listeners;
    const kind = typeof handler === "function" ? name : `an object of type ${name}`;
    const text = `${kind} is no handler: include functions and objects with methods marked by listen(Event)`;
    throw this.#invalid("include", text, name);
  }

  #listenerFor(handler: unknown, event: unknown, options: ListenOptions): Listener {
    const mark = markOf([event], options);
    if (typeof handler === "function") {
      return { name: mark.name ?? called(handler), call: handler as Handle, marks: [mark] };
    }
    const held = typeof handler === "object" && handler !== null ? (handler as { handle?: unknown }) : {};
    if (typeof held.handle === "function") {
      const call = held.handle.bind(handler) as Handle;
      return { name: mark.name ?? `${called(handler)}.handle`, call, marks: [mark] };
    }
    const text = `a handler is a function, or an object with \`handle\`, not ${called(handler)}`;
    throw this.#invalid("subscribe", text, called(handler));
  }

  #invalid(what: string, message: string, handler: string): Error {
    return invalid(`${this.#operation}.${what}`, message, { handler });
  }
}

function cancelled(event: object, signal: AbortSignal): CancelledError {
  const context = { event: nameOf(event), event_id: idOf(event) };
  const message = `${nameOf(event)} was not delivered to all: whoever published it gave up`;
  return new CancelledError(message, { operation: "bus.publish", context, cause: signal.reason });
}
