/** How events reach handlers: in order per stream, at least once. */

import type { CloudEventObject, Event } from "./event-store.js";
import type { MaybePromise, PortContext } from "./maybe-promise.js";

/** Which events a subscriber wants. An empty set means all. */
export class EventFilter {
  /** Names of events: the last segment of their type. */
  readonly names: ReadonlySet<string>;
  /** Streams: their subject. */
  readonly streams: ReadonlySet<string>;

  constructor(names: Iterable<string> = [], streams: Iterable<string> = []) {
    this.names = new Set(names);
    this.streams = new Set(streams);
    Object.freeze(this);
  }

  /** Whether `event` passes. */
  admits(event: Event): boolean {
    return (
      (this.names.size === 0 || this.names.has(event.eventType)) &&
      (this.streams.size === 0 || this.streams.has(event.subject))
    );
  }
}

/** A handler that was subscribed. */
export interface SubscribedHandler {
  /** For messages, and for `FailedDelivery`. */
  readonly name: string;

  /**
   * Handles an event, given as an object or as a CloudEvents object.
   *
   * @throws IacError It failed; with `retry` `later`, trying again can help.
   */
  handle(event: Event | CloudEventObject): Promise<void>;
}

/** A delivery that failed for good. */
export interface FailedDelivery {
  /** The handler's name. */
  readonly handler: string;
  /** The event's id. */
  readonly eventId: string;
  /** What `handle` threw, or why in words. */
  readonly error: unknown;
}

/** Delivers events to handlers. */
export interface EventBus {
  /**
   * Delivers events, in order, to every subscriber that wants them, and answers which deliveries failed for good.
   *
   * Whoever publishes waits for this. A failing handler never keeps an event from the others, nor the next event from
   * itself. A failure whose `retry` is `later` is tried again a few times. A handler may publish, subscribe and
   * unsubscribe while it handles.
   */
  publish(events: readonly Event[], context: PortContext): MaybePromise<readonly FailedDelivery[]>;

  /** Adds a handler, which sees what is published from now on, and answers the number of its subscription. */
  subscribe(filter: EventFilter, handler: SubscribedHandler, context: PortContext): MaybePromise<number>;

  /** Removes a handler; nothing happens if it is not there. */
  unsubscribe(subscription: number, context: PortContext): MaybePromise<void>;
}
