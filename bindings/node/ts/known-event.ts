/** What the generated event classes stand on. */

import {
  type About,
  checkEnvelope,
  givenAttributes,
  type Readers,
  TYPE_PREFIX,
  type Wire,
  writeEnvelope,
} from "./cloudevent.js";
import { nativeError } from "./error.js";
import { type Held, InfrastructureEvent, owned, READERS, revived } from "./event.js";
import { newId, upcast } from "./native.js";
import { type Fields, readField, readFields, refusing, Unfit, writeFields } from "./record.js";
import { objectOf, taken } from "./value.js";

/** The fields of a class of events, by property. @internal */
export const FIELDS: unique symbol = Symbol("semantest-iac.fields");

/** What a class of events says of itself. */
export interface Described<E extends KnownEvent = KnownEvent> {
  readonly prototype: E;
  /** The event's name: `FunctionDeployed`. */
  readonly eventType: string;
  /** Version of its data. */
  readonly schemaVersion: number;
  /** @internal */
  readonly [FIELDS]: Fields;
}

/** A class of events whose data has the fields of its schema. */
export interface KnownEventClass<E extends KnownEvent = KnownEvent> extends Described<E> {
  new (...given: never[]): E;
  /**
   * Reads a CloudEvents 1.0 object of this event; data of an older version is brought up to date.
   *
   * @throws {InvalidInputError} An attribute or a field is missing or malformed, or the type is another one.
   */
  fromCloudEvent(event: unknown): E;
}

/** An event whose data has the fields of its schema. */
export abstract class KnownEvent extends InfrastructureEvent {
  /** The data as it is in the envelope: the wire's snake_case names for keys. */
  declare readonly data: Readonly<Record<string, unknown>>;
  /** @internal */
  declare static readonly [FIELDS]: Fields;

  /** @internal */
  static get [READERS](): Readers {
    const readers = Object.entries(this[FIELDS]).map(([property, field]) => [
      property,
      (wire: Wire) => fieldOf(wire, field),
    ]);
    return Object.fromEntries(readers) as Readers;
  }

  /** @internal */
  constructor(fields: object, about: About = {}) {
    super(made(new.target as unknown as Described, fields, about));
  }

  /**
   * Reads a CloudEvents 1.0 object of this event; data of an older version is brought up to date.
   *
   * @throws {InvalidInputError} An attribute or a field is missing or malformed, or the type is another one.
   */
  static fromCloudEvent<E extends KnownEvent>(this: Described<E>, event: unknown): E {
    return revived(this as unknown as Function, read(this, event)) as E;
  }
}

function made(its: Described, fields: object, about: About): Held {
  return refusing(its.eventType, "event.make", () => {
    const data = readFields(its[FIELDS], fields, true);
    const envelope = givenAttributes(about, newId);
    const written = writeFields(its[FIELDS], data);
    const wire = writeEnvelope(envelope, TYPE_PREFIX + its.eventType, schemaOf(its), written);
    return { wire, values: { ...envelope, ...data }, position: null };
  });
}

function read(its: Described, event: unknown): Held {
  const type = TYPE_PREFIX + its.eventType;
  const held = refusing(its.eventType, "event.read", () => {
    const wire = owned(event);
    if (wire["type"] !== type) {
      throw new Unfit(`must be \`${type}\``, "type");
    }
    return { wire, values: checkEnvelope(wire), position: null };
  });
  // Other versions are the core's to read: it knows how older data is brought up to date.
  const schema = held.wire["dataschema"] ?? null;
  return schema === null || schema === schemaOf(its) ? withFields(its, held) : upToDate(held);
}

function withFields(its: Described, held: Held): Held {
  return refusing(its.eventType, "event.read", () => {
    const data = held.wire["data"] ?? null;
    if (data === null) {
      throw new Unfit("is missing", "data");
    }
    return { ...held, values: { ...held.values, ...readFields(its[FIELDS], data, false) } };
  });
}

function upToDate(held: Held): Held {
  try {
    const wire = JSON.parse(upcast(JSON.stringify(held.wire))) as Wire;
    return { ...held, wire, values: {} };
  } catch (error) {
    throw nativeError(error);
  }
}

function fieldOf(wire: Wire, field: Fields[string]): unknown {
  const value = taken(objectOf(wire["data"]), field.key);
  try {
    return readField(field, value, false);
  } catch (error) {
    throw Unfit.of(error).below(field.key);
  }
}

function schemaOf(its: Described): string {
  return `urn:semantest-iac:${its.eventType}:${its.schemaVersion}`;
}
