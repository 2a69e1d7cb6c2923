/**
 * Events in the forms that Semantest stores, sends and has sent, read.
 *
 * Persisted, the form to match:
 *
 *     {eventId, aggregateId, eventType, eventVersion, payload,
 *      metadata: {correlationId, causationId, timestamp, …}}
 *
 * A store line wraps it as `{event, streamPosition, globalPosition, committedAt}`, the WebSocket server wraps that as
 * `{type: "event", envelope}`. Also met: `{id, timestamp, correlationId, eventType, …flat data}`, the same with `payload`,
 * and `{type: "<Name>Event", payload, correlationId, timestamp}`.
 */

import { joinIds, JSON_CONTENT, TYPE_PREFIX, type CloudEventObject } from "../cloudevent.js";
import { newId } from "../native.js";
import { derivedId } from "./derived-id.js";
import { checkEnvelope } from "./envelope.js";
import { snakeKeys } from "./keys.js";
import { moment, now } from "./moments.js";
import { fullType, isOurs, lastSegment, SEMANTEST } from "./names.js";
import { invalidInput } from "./refusal.js";

/** Parsed JSON that nobody else has. @internal */
export type Parsed = Readonly<Record<string, unknown>>;

const READ = "event.read";
const SUFFIX = "Event";
// What flat events have beside their data.
const BASE: ReadonlySet<string> = new Set([
  "aggregateId",
  "causationId",
  "correlationId",
  "eventId",
  "eventType",
  "eventVersion",
  "id",
  "metadata",
  "timestamp",
]);

/** Reads parsed JSON of any of these forms; undefined where it is none of them. @internal */
export function fromSemantestForm(event: Parsed, source: string | undefined): CloudEventObject | undefined {
  if (Object.hasOwn(event, "event") && Object.hasOwn(event, "globalPosition")) return fromLine(event, source);
  if (event["type"] === "event" && Object.hasOwn(event, "envelope")) {
    return fromLine(objectIn(event["envelope"], "envelope"), source);
  }
  if (Object.hasOwn(event, "eventType")) {
    const payload = Object.hasOwn(event, "payload") ? event["payload"] : flatData(event);
    return described(event, event["eventType"], payload, source);
  }
  if (Object.hasOwn(event, "type") && Object.hasOwn(event, "payload")) {
    return described(event, withoutSuffix(event["type"]), event["payload"], source);
  }
  return undefined;
}

function fromLine(line: Parsed, source: string | undefined): CloudEventObject {
  const event = objectIn(line["event"], "event");
  const inside = { timestamp: line["committedAt"] ?? null, ...event };
  // A line inside a line is nothing that the store writes.
  const nested = Object.hasOwn(event, "globalPosition") || !Object.hasOwn(event, "eventType");
  const read = nested ? undefined : fromSemantestForm(inside, source);
  if (read !== undefined) return read;
  throw invalidInput(READ, "a line of the store holds an event with `eventType`", { field: "event" });
}

function flatData(event: Parsed): Parsed {
  return Object.fromEntries(Object.entries(event).filter(([key]) => !BASE.has(key)));
}

function withoutSuffix(type: unknown): unknown {
  const suffixed = typeof type === "string" && type.length > SUFFIX.length && type.endsWith(SUFFIX);
  return suffixed ? type.slice(0, -SUFFIX.length) : type;
}

function described(event: Parsed, name: unknown, payload: unknown, source: string | undefined): CloudEventObject {
  if (typeof name !== "string") throw invalidInput(READ, "the type of an event is text", { field: "eventType" });
  const data = snakeKeys(objectIn(payload ?? {}, "payload"), READ);
  const metadata = metadataOf(event);
  // `ceId` and `ceTime` are ours: the server makes up an id and a time of its own.
  const time = first(metadata["ceTime"], metadata["timestamp"], event["timestamp"]);
  // The same text delivered twice is one event, where its time tells that it is the same.
  const made = (): string => (time === undefined ? newId() : derivedId(JSON.stringify(sorted(event))));
  const id = first(metadata["ceId"], event["eventId"], event["id"]) ?? made();
  const cause = first(metadata["causationId"], event["causationId"]);
  const previous = idsIn(metadata["previousEventIds"], cause);
  const said = metadata["source"];
  return checkEnvelope({
    specversion: "1.0",
    id,
    source: source ?? (typeof said === "string" && said !== "" ? said : SEMANTEST),
    type: typeOf(name, metadata["ceType"]),
    subject: first(event["aggregateId"]) ?? null,
    time: time === undefined ? now() : moment(time, READ, "timestamp"),
    datacontenttype: JSON_CONTENT,
    dataschema: schemaOf(name, metadata["ceDataschema"], event["eventVersion"]),
    correlationid: first(event["correlationId"], metadata["correlationId"], previous.at(-1), id),
    causationid: first(cause, previous[0]) ?? null,
    previouseventids: previous.length === 0 ? null : joinIds(previous),
    traceparent: first(metadata["traceparent"]) ?? null,
    data,
  });
}

/** The full type that our own writing keeps beside the name, where it is one of that name. */
function typeOf(name: string, ceType: unknown): string {
  const fits = typeof ceType === "string" && lastSegment(ceType) === name && !ceType.startsWith(TYPE_PREFIX);
  return fits ? ceType : fullType(name);
}

/**
 * The schema that our own writing keeps. The version is no help alone: the server writes 1 whatever it was, and data of the
 * current version must not be taken for old.
 */
function schemaOf(name: string, ceDataschema: unknown, version: unknown): string | null {
  if (typeof ceDataschema === "string" && ceDataschema !== "") return ceDataschema;
  const told = isOurs(name) && Number.isSafeInteger(version) && (version as number) > 1;
  return told ? `urn:semantest-iac:${name}:${version as number}` : null;
}

function idsIn(previous: unknown, cause: unknown): readonly string[] {
  const given = first(previous);
  const ids = given ?? (cause === undefined ? [] : [cause]);
  if (Array.isArray(ids) && ids.length === 0 && cause !== undefined) return idsIn(undefined, cause);
  if (Array.isArray(ids) && ids.every((id) => typeof id === "string" && id !== "")) return ids as string[];
  throw invalidInput(READ, "`previousEventIds` is a list of ids", { field: "previousEventIds" });
}

function metadataOf(event: Parsed): Parsed {
  const metadata = event["metadata"];
  return typeof metadata === "object" && metadata !== null && !Array.isArray(metadata) ? (metadata as Parsed) : {};
}

/** The first that is there: nothing and empty text are not. */
function first(...values: readonly unknown[]): unknown {
  return values.find((value) => value !== undefined && value !== null && value !== "");
}

/** With its keys in order, all the way down: the same event may be written in another one. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

function objectIn(value: unknown, field: string): Parsed {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Parsed;
  throw invalidInput(READ, `\`${field}\` is no object`, { field });
}
