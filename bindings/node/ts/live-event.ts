/** Event objects, whoever's class they have: ours, an application's, and those that derive from the `DomainEvent` of
 * Semantest's core, which have data but no id. */

import { joinIds, type CloudEventObject } from "./cloudevent.js";
import { newId } from "./native.js";
import { moment } from "./semantest/moments.js";
import { fullType, SEMANTEST } from "./semantest/names.js";
import { plain } from "./semantest/json-value.js";
import { snakeKeys } from "./semantest/keys.js";

/** What every event object has. The events of Semantest's core have it too. */
export interface AnyEvent {
  /** The event's name: `FunctionDeployed`. */
  readonly eventType: string;
  /** Groups everything that one request brought about. */
  readonly correlationId: string;
  /** What the event is about. */
  readonly aggregateId?: string | undefined;
  /** When it happened. */
  readonly timestamp: Date;
}

const OPERATION = "event.read";

/** What an object of Semantest's core has no place for, kept as long as the object itself is. */
interface Kept {
  readonly id: string;
  causationId: string | null;
  previousEventIds: readonly string[];
}

const kept = new WeakMap<object, Kept>();

// What these objects have beside their data.
const BASE = ["eventType", "eventId", "id", "correlationId", "causationId", "aggregateId", "timestamp", "eventVersion"];
const BASE_OF_INTEGRATION = [...BASE, "source", "version"];

/** Whether `value` is an event object, whichever class it has. Plain data is none. @internal */
export function isEvent(value: unknown): value is AnyEvent {
  if (typeof value !== "object" || value === null) return false;
  return writesItself(value) || isCoreEvent(value);
}

/** Whether it is an object as classes make it that derive from the `DomainEvent` of Semantest's core. @internal */
export function isCoreEvent(value: object): value is AnyEvent {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype || Array.isArray(value)) return false;
  const { eventType, correlationId, timestamp } = value as Partial<AnyEvent>;
  return typeof eventType === "string" && typeof correlationId === "string" && timestamp instanceof Date;
}

/**
 * The event as a CloudEvents object.
 *
 * @throws InvalidInputError It has data that JSON cannot carry.
 *
 * @internal
 */
export function cloudEventOf(event: object): CloudEventObject {
  return writesItself(event) ? event.toCloudEvent() : ofCoreEvent(event as AnyEvent);
}

/** What is known of such an object beside what it says itself: its id is made up once. @internal */
export function keptOf(event: object): Kept {
  const known = kept.get(event);
  if (known !== undefined) return known;
  const { eventId, id, causationId } = event as { eventId?: unknown; id?: unknown; causationId?: unknown };
  const cause = texted(causationId) ?? null;
  const made: Kept = {
    id: texted(eventId) ?? texted(id) ?? newId(),
    causationId: cause,
    previousEventIds: cause === null ? [] : [cause],
  };
  kept.set(event, made);
  return made;
}

function ofCoreEvent(event: AnyEvent): CloudEventObject {
  const { id, causationId, previousEventIds } = keptOf(event);
  const integration = isIntegrationEvent(event);
  const { source } = event as { source?: unknown };
  const subject = texted(event.aggregateId);
  const data = dataOf(event, integration ? BASE_OF_INTEGRATION : BASE);
  return {
    specversion: "1.0",
    id,
    source: (integration ? texted(source) : undefined) ?? SEMANTEST,
    type: fullType(event.eventType),
    ...(subject === undefined ? {} : { subject }),
    time: moment(event.timestamp, OPERATION, "timestamp"),
    datacontenttype: "application/json",
    correlationid: texted(event.correlationId) ?? id,
    ...(causationId === null ? {} : { causationid: causationId }),
    ...(previousEventIds.length === 0 ? {} : { previouseventids: joinIds(previousEventIds) }),
    data: snakeKeys(data, OPERATION),
  };
}

/** Own properties: its `toJSON` would leave out what derived classes add. */
function dataOf(event: object, base: readonly string[]): Record<string, unknown> {
  const own = Object.entries(event).filter(([key, value]) => {
    return !base.includes(key) && !key.startsWith("_") && typeof value !== "function" && value !== undefined;
  });
  const [[only, value] = []] = own;
  const wrapped = own.length === 1 && only === "payload" && typeof value === "object" && value !== null;
  return plain(wrapped ? value : Object.fromEntries(own), "payload") as Record<string, unknown>;
}

function isIntegrationEvent(event: object): boolean {
  // By name: the class is the application's, and never imported here.
  for (let at: unknown = Object.getPrototypeOf(event); at !== null; at = Object.getPrototypeOf(at)) {
    if ((at as { constructor?: { name?: unknown } }).constructor?.name === "IntegrationEvent") return true;
  }
  return false;
}

function writesItself(value: object): value is AnyEvent & { toCloudEvent(): CloudEventObject } {
  return typeof (value as { toCloudEvent?: unknown }).toCloudEvent === "function";
}

function texted(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
