/** Whatever an event may come as, read into an envelope. */

import { isUint8Array } from "node:util/types";

import type { CloudEventObject } from "../cloudevent.js";
import { InvalidInputError } from "../errors.js";
import { cloudEventOf, isEvent } from "../live-event.js";
import { checkEnvelope } from "./envelope.js";
import { parse, plain } from "./json-value.js";
import { fromPythonedaForm } from "./pythoneda-form.js";
import { invalidInput } from "./refusal.js";
import { fromSemantestForm, type Parsed } from "./semantest-form.js";

const READ = "event.read";

/** What may be said about an event that comes from elsewhere. */
export interface ReadOptions {
  /** Who says so; where not given, what the event itself says. A CloudEvents object keeps its own. */
  readonly source?: string | undefined;
}

/**
 * Reads an event in any form into an envelope: a live event object (ours, or one that derives from the `DomainEvent` of
 * Semantest's core), or JSON, as text, as bytes or parsed: CloudEvents, PythonEDA's in both dialects, a line of Semantest's
 * store, what its WebSocket server sends, its persisted and its flat form.
 *
 * @throws InvalidInputError It is no event, or one that could not be published.
 */
export function fromSemantest(event: unknown, options: ReadOptions = {}): CloudEventObject {
  const { source } = options;
  if (typeof event === "string" || isUint8Array(event)) return fromObject(parse(event), source);
  const written = readable(() => (isEvent(event) ? cloudEventOf(event) : event));
  return fromObject(written, source);
}

function fromObject(given: unknown, source: string | undefined): CloudEventObject {
  const copy = readable(() => (isObject(given) ? plain(given, "event") : undefined));
  if (!isObject(copy)) throw invalidInput(READ, "an event is an object, or its JSON");
  if (Object.hasOwn(copy, "specversion")) return checkEnvelope(copy);
  if (Object.hasOwn(copy, "_internal")) return fromPythonedaForm(copy, source);
  const read = fromSemantestForm(copy, source);
  if (read !== undefined) return read;
  const text = "this is no event: it has no `specversion`, `_internal`, `eventType` or `payload`";
  throw invalidInput(READ, text);
}

function isObject(value: unknown): value is Parsed {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Objects of others may have getters that throw, and proxies do what they like. */
function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof InvalidInputError) throw error;
    throw invalidInput(READ, "this event cannot be read: it throws when it is looked at");
  }
}
