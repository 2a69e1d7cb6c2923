/** `EventBus`: handlers of one process, and what they publish. */

import type { PublishAnswer } from "./answers.js";
import { depth, idOf, stamped } from "./causation.js";
import { type HandlerFailure, IacError } from "./error.js";
import { CloudEvent } from "./event.js";
import { type Carrier, Connection } from "./event-bus-connection.js";
import { handlerFailed, invalid } from "./event-bus-failures.js";
import { Subscribers } from "./event-bus-subscribers.js";
import type { EventHandler } from "./event-handler.js";
import type { Handle } from "./listener.js";
import { cloudEventOf, isEvent, type AnyEvent } from "./live-event.js";
import { called, type EventClass, type ListenOptions, nameOf } from "./mark.js";
import { waiting } from "./patience.js";

/** An event that was published. */
export interface Published<E> {
  /** The event as it was delivered, stamped. */
  readonly event: E;
  /** How it was carried out; `null` where the connected `Iac` had no part in it. */
  readonly answer: PublishAnswer | null;
}

/** How an event is published. */
export interface BusPublishOptions {
  /** Aborted: no further handler is called, and a run that the event began is ended in order. */
  readonly signal?: AbortSignal | undefined;
}

/** Events that bring each other about, one inside the other: more are taken for a circle. */
const DEEPEST = 50;

/**
 * Delivers events to handlers in this process. Derive from it to give it handlers of its own, methods marked by `listen`.
 *
 * - Handlers get an event in the order they were included, one after the other; methods of the bus come first.
 * - What a handler publishes is delivered before its `publish` ends, and so is what it gives back after it: an event or a
 *   list of events.
 * - A handler sees an event once, by its id, however often that is published: it remembers the last 4096. One that failed
 *   has not handled it, and gets it again if it is published again.
 * - A handler that fails keeps the event from nobody. `publish` tells of all failures when the others are done.
 * - Correlation, causation and ancestry of what a handler publishes come from the event that it handles.
 *
 * It has the members of the `EventBus` of Semantest's core, whose events it takes as they are.
 */
export class EventBus {
  readonly #subscribers = new Subscribers("bus", (event, signal) => this.publish(event, { signal }));
  #connection: Connection | null = null;
  /** Ids of events that are on their way out: handlers here have been given them already. */
  readonly #outgoing = new Set<string>();
  #begun = false;

  /**
   * Delivers `event`, and has it carried out where the bus is connected.
   *
   * Rejects
   * - with an `InvalidInputError` for what is no event, or has data that are not JSON;
   * - with a `HandlerFailedError` when all handlers are through and some failed: `failures` has their names and errors,
   *   `cause` is the first of these, `answer` is that of the request;
   * - with the error of the request itself where that could not be carried out;
   * - with a `CancelledError` where `signal` is aborted.
   *
   * What it fulfils with is no event: a handler waits for it (`await bus.publish(event)`) rather than give it back. For an
   * event of Semantest's core it is nothing, as on the core's own bus.
   */
  publish<E extends CloudEvent>(event: E, options?: BusPublishOptions): Promise<Published<E>>;
  publish(event: AnyEvent, options?: BusPublishOptions): Promise<void>;
  async publish(event: unknown, options: BusPublishOptions = {}): Promise<Published<AnyEvent> | void> {
    if (!isEvent(event)) {
      const kind = typeof event === "function" ? `the class ${called(event)}` : called(event);
      throw invalid("bus.publish", `publish takes an event, not ${kind}`);
    }
    const published = stamped(event);
    // Refused before anybody hears of it, where its data have no form in JSON.
    if (!(published instanceof CloudEvent)) cloudEventOf(published);
    if (depth() >= DEEPEST) throw circle(nameOf(event));
    const done = await waiting(() => this.#publish(published, options.signal));
    return event instanceof CloudEvent ? done : undefined;
  }

  /**
   * Has `handler`, a function or an object with `handle`, called for events of that name or class.
   *
   * @returns What ends it again.
   * @throws InvalidInputError For what is no event class or name, or no handler.
   */
  subscribe<E = any>(eventType: string, handler: Handle<E> | EventHandler<E>, options?: ListenOptions): () => void;
  subscribe<E extends AnyEvent>(
    eventClass: EventClass<E>,
    handler: Handle<E> | EventHandler<E>,
    options?: ListenOptions,
  ): () => void;
  subscribe(event: unknown, handler: unknown, options: ListenOptions = {}): () => void {
    this.#begin();
    return this.#subscribers.subscribe(event, handler, options);
  }

  /**
   * Includes functions marked by `listen`, and objects with methods marked so or of an `EventHandler` class. All of
   * `handlers` are included, or none.
   *
   * @throws InvalidInputError One of them is included already, or is none.
   */
  include(...handlers: readonly unknown[]): void {
    this.#begin();
    this.#subscribers.include(handlers);
  }

  /**
   * Connects the bus to an open `Iac`, until `disconnect`.
   *
   * Requests published here (`DeploymentRequested`, …, also classes of yours by those names) are carried out, and so is an
   * application event that no handler here listens for by name; `publish` ends when that is done. Everything that the
   * `Iac` records is delivered to the handlers here, each event once.
   *
   * @throws InvalidInputError The bus is connected to another one.
   */
  connect(iac: Carrier): void {
    if (this.#connection?.carrier === iac) return;
    if (this.#connection !== null) {
      throw invalid("bus.connect", "this bus is connected to another Iac; disconnect it first");
    }
    this.#begin();
    this.#connection = new Connection(iac, called(this), async (event) => {
      return this.#outgoing.has(idOf(event)) ? [] : this.#subscribers.deliver(event);
    });
  }

  /** Undoes `connect`: from now on the bus is on its own. */
  disconnect(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  /** Methods of derived classes are handlers. Not in the constructor: their decorators may not be through then. */
  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#subscribers.begin(this);
  }

  async #publish(event: AnyEvent, signal: AbortSignal | undefined): Promise<Published<AnyEvent>> {
    this.#begin();
    const failures = await this.#subscribers.deliver(event, signal);
    const answer = await this.#carryOut(event, signal, failures);
    const [first, ...others] = failures;
    if (first !== undefined) throw handlerFailed(event, [first, ...others], answer);
    return { event, answer };
  }

  async #carryOut(
    event: AnyEvent,
    signal: AbortSignal | undefined,
    failures: HandlerFailure[],
  ): Promise<PublishAnswer | null> {
    if (this.#connection === null) return null;
    const id = idOf(event);
    const heard = this.#subscribers.marks.some((mark) => !mark.everything && mark.wants(event));
    this.#outgoing.add(id);
    try {
      const carried = await this.#connection.carryOut(event, heard, signal);
      failures.push(...carried.failures);
      return carried.answer;
    } catch (error) {
      // The request comes first; who else failed is not lost.
      if (error instanceof IacError) also(error, failures);
      throw error;
    } finally {
      this.#outgoing.delete(id);
    }
  }
}

function circle(name: string): Error {
  const text = `${DEEPEST} events brought each other about, ${name} last: handlers publish in a circle`;
  return invalid("bus.publish", text, { event: name });
}

function also(error: IacError, failures: readonly HandlerFailure[]): void {
  if (failures.length === 0) return;
  (error as { failures: readonly HandlerFailure[] }).failures = Object.freeze([...error.failures, ...failures]);
}
