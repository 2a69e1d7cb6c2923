/**
 * The envelope: CloudEvents 1.0 in structured JSON mode, as a plain object.
 *
 * Source: CloudEvents 1.0.2, sections "Context attributes" and "Type system", and its JSON event format. What the core
 * refuses when an event is published is refused here, where it is made.
 */

import { joinIds, JSON_CONTENT, splitIds, type CloudEventObject } from "../cloudevent.js";
import { newId } from "../native.js";
import { plain } from "./json-value.js";
import { moment, now } from "./moments.js";
import { fullType, lastSegment, SEMANTEST } from "./names.js";
import { invalidInput, quoted } from "./refusal.js";

/** What may be said about a new event, beside its name and its data. */
export interface EnvelopeOptions {
  /** What brought it about: ids, or envelopes with all that came before them; newest first. */
  readonly previous?: string | CloudEventObject | Iterable<string | CloudEventObject> | null | undefined;
  /** Who says so, a URI reference; `/semantest` where not given. */
  readonly source?: string | null | undefined;
  /** Unique with `source`; a new UUID version 7 where not given. */
  readonly id?: string | null | undefined;
  /** When it happened: a `Date`, text, or milliseconds since 1970; now where not given. */
  readonly time?: Date | string | number | null | undefined;
  /** What it is about: the stream. */
  readonly subject?: string | null | undefined;
  /**
   * Groups all that one request brought about. Where not given: that of the envelope before, else the oldest id before,
   * else its own id.
   */
  readonly correlation?: string | null | undefined;
}

const READ = "event.read";
const MAKE = "semantest.envelope";
const MOST_BYTES_OF_TEXT = 4096;
const REQUIRED = ["id", "source", "type"];
const TEXTS = [
  "subject",
  "dataschema",
  "datacontenttype",
  "correlationid",
  "causationid",
  "previouseventids",
  "traceparent",
  "data_base64",
];
const ATTRIBUTE = /^[a-z0-9]+$/;
// Control characters of both kinds (Unicode's category Cc) and halves of surrogate pairs.
const UNFIT = /[\u0000-\u001f\u007f-\u009f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/**
 * A new event. The bare name of an event of ours, `DeploymentRequested`, becomes its full type; every other name stays
 * as it is. The data's keys are in snake_case, as in CloudEvents of ours.
 *
 * @throws InvalidInputError Something of it could not be published.
 */
export function envelope(
  name: string,
  data?: Readonly<Record<string, unknown>> | null,
  options: EnvelopeOptions = {},
): CloudEventObject {
  if (typeof name !== "string") throw invalidInput(MAKE, "the name of an event is text", { field: "name" });
  if (typeof (data ?? {}) !== "object" || Array.isArray(data)) {
    throw invalidInput(MAKE, "the data of an event is an object", { field: "data" });
  }
  const { ids, inherited } = ancestryOf(options.previous);
  const id = options.id ?? newId();
  return checkEnvelope({
    specversion: "1.0",
    id,
    source: options.source ?? SEMANTEST,
    type: fullType(name),
    subject: options.subject ?? null,
    time: options.time === undefined || options.time === null ? now() : moment(options.time, MAKE),
    datacontenttype: JSON_CONTENT,
    correlationid: options.correlation ?? inherited ?? ids.at(-1) ?? id,
    causationid: ids[0] ?? null,
    previouseventids: ids.length === 0 ? null : joinIds(ids),
    data: plain(data ?? {}, "data"),
  });
}

/**
 * The name of an event: the last segment of its type.
 *
 * @throws InvalidInputError It has no type.
 */
export function name(event: Pick<CloudEventObject, "type">): string {
  const type = (event as { type?: unknown } | null | undefined)?.type;
  if (typeof type === "string" && type !== "") return lastSegment(type);
  throw invalidInput("semantest.name", "an envelope has a `type`", { field: "type" });
}

/**
 * The event's own id and those of all that came before it, newest first.
 *
 * @throws InvalidInputError It has no id.
 */
export function chain(event: CloudEventObject): readonly string[] {
  const id = (event as { id?: unknown } | null | undefined)?.id;
  if (typeof id === "string" && id !== "") return [...new Set([id, ...previousIds(event)])];
  throw invalidInput("semantest.chain", "an envelope has an `id`", { field: "id" });
}

/** The ids of all that came before the event, newest first. @internal */
export function previousIds(event: CloudEventObject): readonly string[] {
  const joined: unknown = event.previouseventids;
  const ids = typeof joined === "string" ? splitIds(joined) : [];
  if (ids.length > 0) return ids;
  const cause: unknown = event.causationid;
  return typeof cause === "string" && cause !== "" ? [cause] : [];
}

/**
 * A copy of a CloudEvents object, checked as the core does, without what is null.
 *
 * @throws InvalidInputError It is none, or could not be published.
 *
 * @internal
 */
export function checkEnvelope(event: Readonly<Record<string, unknown>>): CloudEventObject {
  const there = Object.entries(event).filter(([key, value]) => key === "data" || (value ?? null) !== null);
  const checked: Record<string, unknown> = Object.fromEntries(there);
  if (checked["specversion"] !== "1.0") throw malformed("specversion", "must be `1.0`");
  for (const [key, value] of there) checkAttribute(key, value);
  for (const key of REQUIRED) {
    if (!Object.hasOwn(checked, key)) throw malformed(key, "is missing");
    checkText(key, checked[key]);
  }
  for (const key of TEXTS) {
    if (Object.hasOwn(checked, key) && typeof checked[key] !== "string") throw malformed(key, "must be text");
  }
  if (checked["subject"] !== undefined && checked["subject"] !== "") checkText("subject", checked["subject"]);
  if (Object.hasOwn(checked, "data") && Object.hasOwn(checked, "data_base64")) {
    throw malformed("data_base64", "and `data` exclude each other");
  }
  checkSequence(checked["sequence"]);
  checked["type"] = fullType(checked["type"] as string);
  checked["time"] = Object.hasOwn(checked, "time") ? moment(checked["time"], READ) : now();
  return checked as CloudEventObject;
}

function checkAttribute(key: string, value: unknown): void {
  if (key === "data") return;
  if (key !== "data_base64" && !ATTRIBUTE.test(key)) {
    const text = `${quoted(key)} is no name of an attribute: CloudEvents takes lower-case letters and digits`;
    throw invalidInput(READ, text, { field: key.slice(0, 80) });
  }
  if (!["string", "number", "boolean"].includes(typeof value)) {
    throw malformed(key, "must be text, a number or true or false");
  }
}

function checkSequence(sequence: unknown): void {
  if (sequence === undefined || typeof sequence === "string") return;
  if (!Number.isSafeInteger(sequence) || (sequence as number) < 0) {
    throw malformed("sequence", "must be text or a whole number");
  }
}

function checkText(key: string, value: unknown): void {
  if (typeof value !== "string") throw malformed(key, "must be text");
  if (value === "") throw malformed(key, "is empty");
  if (value.length > MOST_BYTES_OF_TEXT || Buffer.byteLength(value) > MOST_BYTES_OF_TEXT) {
    throw malformed(key, `is too long (${MOST_BYTES_OF_TEXT} bytes are the most)`);
  }
  if (UNFIT.test(value)) throw malformed(key, "holds a control character");
  if (key === "source" && /\s/.test(value)) throw malformed(key, "must be a URI reference, without spaces");
}

function ancestryOf(previous: EnvelopeOptions["previous"]): { ids: readonly string[]; inherited: string | undefined } {
  const events = listed(previous ?? []);
  const ids: string[] = [];
  for (const event of events) {
    if (typeof event === "object" && event !== null) ids.push(...chain(event as CloudEventObject));
    else if (typeof event === "string" && event !== "") ids.push(event);
    else throw invalidInput(MAKE, "`previous` holds ids and envelopes", { field: "previous" });
  }
  const first = events[0];
  const correlation = typeof first === "object" ? (first as CloudEventObject).correlationid : undefined;
  return { ids: [...new Set(ids)], inherited: typeof correlation === "string" ? correlation : undefined };
}

function listed(previous: NonNullable<EnvelopeOptions["previous"]>): readonly unknown[] {
  if (typeof previous === "string") return [previous];
  if (typeof previous === "object" && Symbol.iterator in previous) return [...(previous as Iterable<unknown>)];
  return [previous];
}

function malformed(key: string, why: string): Error {
  return invalidInput(READ, `\`${key}\` ${why}`, { field: key });
}
