/** Whatever an event may come as, read into an envelope. */

import type { CloudEventObject } from "../cloudevent.js";
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
  const given = typeof event === "string" || event instanceof Uint8Array ? parse(event) : event;
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw invalidInput(READ, "an event is an object, or its JSON");
  }
  const live = given !== event || !readable(() => isEvent(given)) ? given : readable(() => cloudEventOf(given));
  return fromObject(plain(live, "event") as Parsed, options.source);
}

function fromObject(event: Parsed, source: string | undefined): CloudEventObject {
  if (Object.hasOwn(event, "specversion")) return checkEnvelope(event);
  if (Object.hasOwn(event, "_internal")) return fromPythonedaForm(event, source);
  const read = fromSemantestForm(event, source);
  if (read !== undefined) return read;
  const text = "this is no event: it has no `specversion`, `_internal`, `eventType` or `payload`";
  throw invalidInput(READ, text);
}

/** Objects of others may have getters that throw, and proxies do what they like. */
function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && "operation" in error) throw error;
    throw invalidInput(READ, "this event cannot be read");
  }
}
