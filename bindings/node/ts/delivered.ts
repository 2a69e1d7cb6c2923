/** Event objects of the class that a CloudEvents object names. */

import { type CloudEventObject, TYPE_PREFIX, type Wire } from "./cloudevent.js";
import { ApplicationEvent, type InfrastructureEvent, revived } from "./event.js";
import { EVENT_CLASSES } from "./events/index.js";
import type { KnownEventClass } from "./known-event.js";
import { taken } from "./value.js";

/**
 * Reads a CloudEvents 1.0 object; data of an older version is brought up to date.
 *
 * The event is of the class that the type names; a type of another domain gives an `ApplicationEvent`.
 *
 * @throws {InvalidInputError} An attribute or a field is missing or malformed.
 */
export function fromCloudEvent(event: unknown): InfrastructureEvent | ApplicationEvent {
  const its = typeof event === "object" && event !== null ? classOf(typeIn(event)) : undefined;
  return its === undefined ? ApplicationEvent.fromCloudEvent(event) : its.fromCloudEvent(event);
}

/**
 * The event object on a CloudEvents object or its text, as the core gave it: from now on nobody else's.
 *
 * Each property is read when it is first asked for, and what is wrong with it is told then.
 *
 * @internal
 */
export function delivered(
  raw: CloudEventObject | string,
  position: number | null = null,
): InfrastructureEvent | ApplicationEvent {
  const wire = (typeof raw === "string" ? JSON.parse(raw) : raw) as Wire;
  const its = classOf(wire["type"]) ?? ApplicationEvent;
  return revived(its, { wire, values: {}, position }) as InfrastructureEvent | ApplicationEvent;
}

function classOf(type: unknown): KnownEventClass | undefined {
  const ours = typeof type === "string" && type.startsWith(TYPE_PREFIX);
  return ours ? EVENT_CLASSES.get(type.slice(TYPE_PREFIX.length)) : undefined;
}

// Whoever cannot be asked is refused by name further on.
function typeIn(event: object): unknown {
  try {
    return taken(event, "type");
  } catch {
    return undefined;
  }
}
