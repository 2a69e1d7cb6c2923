/**
 * What brought an event about: correlation, causation and ancestry, stamped without anybody's help.
 *
 * While a handler runs, and in everything that it starts, `scope` holds the event that it handles. Whatever is published
 * meanwhile without a correlation of its own is stamped from it.
 */

import { AsyncLocalStorage } from "node:async_hooks";

import { joinIds, splitIds, type CloudEventObject } from "./cloudevent.js";
import { CloudEvent, CORRELATED, STAMP, type Cause } from "./event.js";
import { cloudEventOf, keptOf, type AnyEvent } from "./live-event.js";

export type { Cause } from "./event.js";

/** A clock that can be stopped: as often as it is paused it must be resumed to go on. @internal */
export interface Pausable {
  /** Stops the clock. */
  pause(): void;
  /** Undoes one `pause`. */
  resume(): void;
}

/** Where code runs that was started by a handler. Nothing is read off the event until something is published. @internal */
export interface Scope {
  /** The event being handled. */
  readonly event: object | null;
  /** The time that the handler has. */
  readonly clock: Pausable | null;
  /** How many handlers there are around it, one publishing for the next. */
  readonly depth: number;
  /** The nearest handler around it that had not ended when it began. */
  readonly around: Scope | null;
  /** Whether the handler has ended; what it left running goes on. */
  over: boolean;
}

/** The handler that is running. @internal */
export const scope = new AsyncLocalStorage<Scope>();

/**
 * Makes `event` the cause of what is published in `work`, and of what that leaves running. Once it has ended, what it left is
 * not counted among handlers that wait for each other.
 *
 * @internal
 */
export function handling<T>(event: object, work: () => T, clock?: Pausable): T {
  const inside = scopeOf(event, clock);
  const ended = (): void => {
    inside.over = true;
  };
  let result: T;
  try {
    result = scope.run(inside, work);
  } catch (thrown) {
    ended();
    throw thrown;
  }
  if (result instanceof Promise) result.then(ended, ended);
  else ended();
  return result;
}

/** How many handlers wait for what is published here. @internal */
export function depth(): number {
  return running(scope.getStore())?.depth ?? 0;
}

/** The event being handled, as the cause of others; `null` outside of handlers. @internal */
export function current(): Cause | null {
  const event = scope.getStore()?.event ?? null;
  return event === null ? null : causeOf(event);
}

/** The id of any event object. @internal */
export function idOf(event: object): string {
  if (event instanceof CloudEvent) return event.eventId;
  const writes = typeof (event as { toCloudEvent?: unknown }).toCloudEvent === "function";
  return writes ? cloudEventOf(event).id : keptOf(event).id;
}

/** An event as the cause of what its handlers publish. @internal */
export function causeOf(event: object): Cause {
  if (event instanceof CloudEvent) return event;
  if (typeof (event as { toCloudEvent?: unknown }).toCloudEvent !== "function") {
    const { id, previousEventIds } = keptOf(event);
    return { eventId: id, correlationId: (event as AnyEvent).correlationId || id, previousEventIds };
  }
  const cloud = cloudEventOf(event);
  return {
    eventId: cloud.id,
    correlationId: cloud.correlationid ?? cloud.id,
    previousEventIds: splitIds(cloud.previouseventids),
  };
}

/**
 * `event` with correlation, causation and ancestry from the event being handled: a copy where it is one of ours, which do
 * not change.
 *
 * Left alone: an event with another correlation, one that names its cause, and the event being handled when it is passed on.
 *
 * @internal
 */
export function stamped<E extends object>(event: E): E {
  const cause = current();
  if (cause === null) return event;
  if (event instanceof CloudEvent) {
    const correlated = event[CORRELATED] ? event.correlationId : null;
    return goesBackTo(cause, event.eventId, correlated, event.causationId) ? event[STAMP](cause) : event;
  }
  // What else writes itself is stamped as it is written.
  if (typeof (event as { toCloudEvent?: unknown }).toCloudEvent === "function") return event;
  const kept = keptOf(event);
  if (goesBackTo(cause, kept.id, (event as Partial<AnyEvent>).correlationId, kept.causationId)) {
    kept.causationId = cause.eventId;
    kept.previousEventIds = [cause.eventId, ...cause.previousEventIds];
  }
  return event;
}

/** `stamped` for a CloudEvents object, or only a part of one. @internal */
export function stampCloudEvent<C extends Partial<CloudEventObject>>(event: C): C {
  const cause = current();
  if (cause === null || !goesBackTo(cause, event.id, event.correlationid, event.causationid)) return event;
  return {
    ...event,
    correlationid: cause.correlationId,
    causationid: cause.eventId,
    previouseventids: joinIds([cause.eventId, ...cause.previousEventIds]),
  };
}

function scopeOf(event: object, clock: Pausable | undefined): Scope {
  const store = scope.getStore();
  const around = running(store);
  return { event, clock: clock ?? store?.clock ?? null, depth: (around?.depth ?? 0) + 1, around, over: false };
}

/** The innermost handler that has not ended. */
function running(inside: Scope | undefined): Scope | null {
  let at = inside ?? null;
  while (at?.over === true) at = at.around;
  return at;
}

function goesBackTo(cause: Cause, id: unknown, correlation: unknown, causation: unknown): boolean {
  const sameStory = (correlation ?? "") === "" || correlation === cause.correlationId;
  return id !== cause.eventId && sameStory && (causation ?? "") === "";
}
