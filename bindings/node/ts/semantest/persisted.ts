/** Events in the forms that Semantest stores and sends. */

import { splitIds, TYPE_PREFIX, type CloudEventObject } from "../cloudevent.js";
import { camelKeys } from "./keys.js";
import { invalidInput } from "./refusal.js";

const OPERATION = "semantest.write";
const OUR_SCHEMA = /^urn:semantest-iac:\w+:([1-9]\d{0,8})$/;

/** What is known of a persisted event beside its payload. */
export type PersistedMetadata = {
  readonly correlationId: string;
  readonly causationId: string | null;
  /** Who asked for it; a deployment does not know. */
  readonly userId: string | null;
  /** When it happened, as in RFC 3339. */
  readonly timestamp: string;
  /** Place in its stream, from 0 on. */
  readonly sequenceNumber: number;
  /** The event's own id: Semantest's server makes up an `eventId`, and keeps this. */
  readonly ceId: string;
  /** The event's own time, for the same reason. */
  readonly ceTime: string;
  readonly source: string;
  /** Ancestry, newest first; absent where there is none. */
  readonly previousEventIds?: readonly string[];
  /** The full type, where the name does not tell it. */
  readonly ceType?: string;
  /** The schema of the data, where the event says so: the server makes up the version too. */
  readonly ceDataschema?: string;
  readonly traceparent?: string;
};

// Not interfaces: whoever asks for `Record<string, unknown>`, as Semantest's core does, can be given these.
/** An event as Semantest persists it. */
export type PersistedEvent = {
  readonly eventId: string;
  /** The stream; absent where the event belongs to none yet. */
  readonly aggregateId?: string;
  /** The name: `FunctionDeployed`. */
  readonly eventType: string;
  readonly eventVersion: number;
  /** The data, its own keys in camelCase. */
  readonly payload: Readonly<Record<string, unknown>>;
  readonly metadata: PersistedMetadata;
};

/** An event as it is sent to Semantest's WebSocket server. */
export type WsMessage = PersistedEvent & {
  /** The server reads it here, an older one in `metadata`. */
  readonly correlationId: string;
};

/** A line of Semantest's store. */
export type StoreLine = {
  readonly event: PersistedEvent;
  /** Place in the stream of its `aggregateId`, from 0 on. */
  readonly streamPosition: number;
  /** Place in the whole store, from 0 on. */
  readonly globalPosition: number;
  /** When it was written, as in RFC 3339. */
  readonly committedAt: string;
};

/** Where a line stands. */
export interface StorePosition {
  readonly streamPosition: number;
  readonly globalPosition: number;
  /** When it is written; the event's own time where it is not given. */
  readonly committedAt?: Date | string | undefined;
}

/** What can be written: an event object, or a CloudEvents object. */
export type Writable = CloudEventObject | { toCloudEvent(): CloudEventObject };

/**
 * The event as Semantest persists it.
 *
 * @throws InvalidInputError It is no CloudEvents object, or its data is no JSON object.
 */
export function toSemantest(event: Writable): PersistedEvent {
  const cloud = cloudEventIn(event);
  return persistedOf(cloud, camelKeys(dataOf(cloud), OPERATION));
}

/**
 * The persisted form around a payload of any kind: what `toJSON()` shows of an event whose data has no such form.
 *
 * @internal
 */
export function persistedOf(cloud: CloudEventObject, payload: PersistedEvent["payload"]): PersistedEvent {
  const id = text(cloud, "id");
  const time = text(cloud, "time");
  const correlationId = optional(cloud, "correlationid") ?? id;
  const aggregateId = optional(cloud, "subject");
  return {
    eventId: id,
    ...(aggregateId === undefined ? {} : { aggregateId }),
    eventType: nameOf(text(cloud, "type")),
    eventVersion: Number(OUR_SCHEMA.exec(optional(cloud, "dataschema") ?? "")?.[1] ?? 1),
    payload,
    metadata: {
      correlationId,
      causationId: optional(cloud, "causationid") ?? null,
      userId: null,
      timestamp: time,
      sequenceNumber: sequenceOf(cloud),
      ceId: id,
      ceTime: time,
      source: text(cloud, "source"),
      ...beside(cloud),
    },
  };
}

/**
 * The event as a message for Semantest's WebSocket server, which stores and passes on whatever has an `eventType`.
 *
 * @throws InvalidInputError As `toSemantest`.
 */
export function toWsMessage(event: Writable): WsMessage {
  const persisted = toSemantest(event);
  return { ...persisted, correlationId: persisted.metadata.correlationId };
}

/**
 * The event as a line of Semantest's store. A number is its place in the whole store; its place in the stream is the
 * same then, unless the event knows its own.
 *
 * @throws InvalidInputError As `toSemantest`; and for a position that is none.
 */
export function toStoreLine(event: Writable, position: number | StorePosition): StoreLine {
  const cloud = cloudEventIn(event);
  const persisted = toSemantest(cloud);
  const alone = typeof position === "number";
  const globalPosition = alone ? position : position?.globalPosition;
  const own = optional(cloud, "sequence") === undefined ? globalPosition : persisted.metadata.sequenceNumber;
  const streamPosition = alone ? own : position?.streamPosition;
  for (const [field, value] of Object.entries({ streamPosition, globalPosition })) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw invalidInput(OPERATION, `\`${field}\` must be a whole number from 0 on`, { field });
    }
  }
  const at = alone ? undefined : position.committedAt;
  const committedAt = at instanceof Date ? at.toISOString() : (at ?? persisted.metadata.timestamp);
  return { event: persisted, streamPosition, globalPosition, committedAt };
}

function cloudEventIn(event: Writable): CloudEventObject {
  const given: unknown = event;
  if (typeof given === "object" && given !== null) {
    const written = (given as { toCloudEvent?: unknown }).toCloudEvent;
    const cloud: unknown = typeof written === "function" ? written.call(given) : given;
    if (typeof cloud === "object" && cloud !== null && (cloud as CloudEventObject).specversion === "1.0") {
      return cloud as CloudEventObject;
    }
  }
  throw invalidInput(OPERATION, "what is written is an event or a CloudEvents 1.0 object; see fromSemantest");
}

/** What Semantest has no place of its own for. Its server keeps keys of `metadata` that it does not know. */
function beside(cloud: CloudEventObject): Partial<PersistedMetadata> {
  const type = text(cloud, "type");
  const name = nameOf(type);
  const dataschema = optional(cloud, "dataschema");
  const traceparent = optional(cloud, "traceparent");
  const previousEventIds = splitIds(optional(cloud, "previouseventids"));
  return {
    ...(previousEventIds.length === 0 ? {} : { previousEventIds }),
    ...(type === name || type === TYPE_PREFIX + name ? {} : { ceType: type }),
    ...(dataschema === undefined ? {} : { ceDataschema: dataschema }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

function dataOf(cloud: CloudEventObject): Readonly<Record<string, unknown>> {
  const data: unknown = cloud.data;
  if ((data === undefined || data === null) && !Object.hasOwn(cloud, "data_base64")) return {};
  if (typeof data === "object" && data !== null && !Array.isArray(data)) return data as Record<string, unknown>;
  throw invalidInput(OPERATION, "the data of the event is no JSON object, and a payload is one", { field: "data" });
}

/** From 0 on there, from 1 on here; 0 for an event that no log has given a place yet. */
function sequenceOf(cloud: CloudEventObject): number {
  const sequence = Number(cloud.sequence ?? 1);
  return Number.isSafeInteger(sequence) && sequence > 0 ? sequence - 1 : 0;
}

function nameOf(type: string): string {
  return type.slice(type.lastIndexOf(".") + 1);
}

function text(cloud: CloudEventObject, key: string): string {
  const value = optional(cloud, key);
  if (value !== undefined) return value;
  throw invalidInput(OPERATION, `\`${key}\` of the event must be text that is not empty`, { field: key });
}

function optional(cloud: CloudEventObject, key: string): string | undefined {
  const value: unknown = Object.hasOwn(cloud, key) ? (cloud as Record<string, unknown>)[key] : undefined;
  if (typeof value === "number" && key === "sequence") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}
