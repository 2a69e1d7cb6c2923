/**
 * The envelope of an event: CloudEvents 1.0, structured JSON mode.
 *
 * Source: CloudEvents 1.0.2, section "Context attributes", and its JSON event format.
 */

import { many, text, Unfit } from "./record.js";
import { objectOf, shown, taken } from "./value.js";

/** What the type of every event of semantest-iac begins with. @internal */
export const TYPE_PREFIX = "com.semantest.iac.";
/** The content type that an event has where it names none. @internal */
export const JSON_CONTENT = "application/json";

// CloudEvents asks for a source; the project's own takes its place when the event is published.
const SOURCE_OF_NOBODY = "/semantest-iac";
const MOMENT = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** An event in CloudEvents' structured JSON mode. */
export interface CloudEventObject {
  specversion: "1.0";
  id: string;
  source: string;
  type: string;
  subject?: string;
  /** As in RFC 3339. */
  time?: string;
  datacontenttype?: string;
  dataschema?: string;
  correlationid?: string;
  causationid?: string;
  /** Ancestry, newest first, joined by commas. */
  previouseventids?: string;
  sequence?: string;
  traceparent?: string;
  data?: unknown;
  [attribute: string]: unknown;
}

/** What may be said about any new event, beside its data. */
export interface About {
  /** Unique with `source`; a new UUIDv7 where it is not given. */
  readonly eventId?: string | undefined;
  /** Who says so, as a URI reference; the project where it is not given. */
  readonly source?: string | null | undefined;
  /** The stream; the deployment's where it is not given. */
  readonly subject?: string | null | undefined;
  /** When it happened; now where it is not given. */
  readonly time?: Date | string | undefined;
  /** Groups everything that one request brought about. */
  readonly correlationId?: string | null | undefined;
  /** The event that brought this one about. */
  readonly causationId?: string | null | undefined;
  /** Ancestry, newest first. */
  readonly previousEventIds?: readonly string[] | null | undefined;
  /** W3C trace context. */
  readonly traceparent?: string | null | undefined;
}

/** An event as it is kept inside of an event object: nobody else has this object. @internal */
export type Wire = Readonly<Record<string, unknown>>;

/** How attributes of an event object are read off a CloudEvents object, by property. @internal */
export type Readers = Readonly<Record<string, (wire: Wire) => unknown>>;

/** What the envelope says. @internal */
export const ENVELOPE: Readers = {
  eventId: attribute("id", filled),
  source: attribute("source", filled),
  subject: attribute("subject", textOrEmpty),
  time: attribute("time", moment),
  correlationId: attribute("correlationid", optionalText),
  causationId: attribute("causationid", optionalText),
  previousEventIds: attribute("previouseventids", splitIds),
  sequence: attribute("sequence", place),
  traceparent: attribute("traceparent", optionalText),
};

const GIVEN: Readonly<Record<string, (value: unknown) => unknown>> = {
  eventId: filled,
  source: textOrEmpty,
  subject: textOrEmpty,
  time: moment,
  correlationId: optionalText,
  causationId: optionalText,
  previousEventIds: (value) => many(text).read(value ?? [], true),
  traceparent: optionalText,
};

/** Attributes that an event object has a place for. `datacontenttype` has none: ours is always JSON. @internal */
export const UNDERSTOOD: ReadonlySet<string> = new Set(
  (
    "specversion id source type subject time dataschema correlationid causationid previouseventids sequence " +
    "traceparent data"
  ).split(" "),
);

/** Checks what every CloudEvents object has. @internal */
export function checkEnvelope(wire: Wire): Record<string, unknown> {
  if (wire["specversion"] !== "1.0") {
    throw new Unfit("must be `1.0`", "specversion");
  }
  const values: Record<string, unknown> = {};
  for (const [property, read] of Object.entries(ENVELOPE)) {
    values[property] = read(wire);
  }
  return values;
}

/** The envelope's properties of a new event, of which `about` gives some. @internal */
export function givenAttributes(about: object, newId: () => string): Record<string, unknown> {
  const given = objectOf(about);
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(GIVEN, name));
  if (unknown !== undefined) {
    throw new Unfit(`is not known: there are ${Object.keys(GIVEN).join(", ")}`, unknown);
  }
  const values: Record<string, unknown> = { sequence: null };
  for (const [property, read] of Object.entries(GIVEN)) {
    const value = taken(given, property);
    try {
      values[property] = value === undefined ? fallback(property, newId) : read(value);
    } catch (error) {
      throw Unfit.of(error).below(property);
    }
  }
  return values;
}

/** The CloudEvents object for such properties. @internal */
export function writeEnvelope(
  values: Readonly<Record<string, unknown>>,
  type: string,
  dataschema: string | null,
  data: unknown,
): Wire {
  const written: Record<string, unknown> = {
    specversion: "1.0",
    id: values["eventId"],
    source: values["source"] || SOURCE_OF_NOBODY,
    type,
  };
  const add = (key: string, value: unknown): void => {
    if (value !== null && value !== "") {
      written[key] = value;
    }
  };
  add("subject", values["subject"]);
  add("time", (values["time"] as Date).toISOString());
  add("datacontenttype", JSON_CONTENT);
  add("dataschema", dataschema);
  add("correlationid", values["correlationId"]);
  add("causationid", values["causationId"]);
  add("previouseventids", joinIds(values["previousEventIds"] as readonly string[]));
  add("traceparent", values["traceparent"]);
  written["data"] = data;
  return written;
}

/** A moment, from text as in RFC 3339 or from a `Date`. @internal */
export function moment(value: unknown): Date {
  const time = value instanceof Date ? new Date(value.getTime()) : new Date(rfc3339(value));
  if (Number.isNaN(time.getTime())) {
    throw new Unfit("must be a moment that exists");
  }
  return time;
}

/** Ids that `joinIds` put into one text. @internal */
export function splitIds(value: unknown): readonly string[] {
  const parts = textOrEmpty(value).split(",").map((part) => part.trim());
  const ids = parts.filter((part) => part !== "");
  return Object.freeze(ids.map((id) => id.replaceAll("%2C", ",").replaceAll("%25", "%")));
}

/** One text for several ids. Foreign ones may hold a comma: it is written as in a URI. @internal */
export function joinIds(ids: readonly string[]): string {
  return ids.map((id) => id.replaceAll("%", "%25").replaceAll(",", "%2C")).join(",");
}

/** Text that is not empty. @internal */
export function filled(value: unknown): string {
  const filled = requiredText(value);
  if (filled === "") {
    throw new Unfit("must not be empty");
  }
  return filled;
}

/** Text, or null. @internal */
export function optionalText(value: unknown): string | null {
  return value === undefined || value === null ? null : text.read(value, true);
}

function attribute(key: string, read: (value: unknown) => unknown): (wire: Wire) => unknown {
  return (wire) => {
    try {
      return read(Object.hasOwn(wire, key) ? wire[key] : undefined);
    } catch (error) {
      throw Unfit.of(error).below(key);
    }
  };
}

function fallback(property: string, newId: () => string): unknown {
  switch (property) {
    case "eventId":
      return newId();
    case "time":
      return new Date();
    default:
      return GIVEN[property]?.(null);
  }
}

function rfc3339(value: unknown): string {
  if (MOMENT.test(requiredText(value))) {
    return (value as string).toUpperCase();
  }
  throw new Unfit("must be a moment as in RFC 3339, with its offset from UTC: 2026-01-31T12:00:00Z");
}

function requiredText(value: unknown): string {
  if (value === undefined) {
    throw new Unfit("is missing");
  }
  return text.read(value, true);
}

function textOrEmpty(value: unknown): string {
  return value === undefined || value === null ? "" : text.read(value, true);
}

// CloudEvents has the sequence as text. What is no number is another domain's own way to count.
function place(value: unknown): number | null {
  if (value === undefined || value === null) {
    return null;
  }
  if (typeof value !== "number" && typeof value !== "string") {
    throw new Unfit(`must be a whole number, not ${shown(value)}`);
  }
  const number = typeof value === "number" ? value : /^\d+$/.test(value) ? Number(value) : Number.NaN;
  return Number.isSafeInteger(number) ? number : null;
}
