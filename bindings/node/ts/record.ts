/** Data with named fields: reading it from JSON, taking it from a caller, and writing it back. */

import { InvalidInputError } from "./errors.js";
import { type Codec, objectOf, put, taken, Unfit } from "./value.js";

/** @internal */
export { anything, either, exact, flag, many, number, shown, table, text, Unfit, whole, word } from "./value.js";
export type { Codec } from "./value.js";

/** How one field is read and written. @internal */
export interface Field<T> {
  /** Its name in JSON. */
  readonly key: string;
  readonly codec: Codec<T>;
  /** Whether there is no value to fall back on. */
  readonly required: boolean;
  /** The value where there is none. */
  readonly fallback: T | null;
  /** Whether the value is written where it is the fallback as well. */
  readonly written: boolean;
}

/** Fields by property. @internal */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** The fields of a type, each of its property's own type. @internal */
export type FieldsOf<T> = { readonly [Property in keyof T]: Field<T[Property]> };

/** A field that must be there. @internal */
export function field<T>(key: string, codec: Codec<T>): Field<T> {
  return { key, codec, required: true, fallback: null, written: true };
}

/** A field that is written always, and may hold null. @internal */
export function nullable<T>(key: string, codec: Codec<T>): Field<T | null> {
  return { key, codec: codec as Codec<T | null>, required: false, fallback: null, written: true };
}

/** A field that is null where it is absent, and then not written. @internal */
export function optional<T>(key: string, codec: Codec<T>): Field<T | null> {
  return { key, codec: codec as Codec<T | null>, required: false, fallback: null, written: false };
}

/** A field with a value to fall back on, given as JSON has it. @internal */
export function defaulted<T>(key: string, codec: Codec<T>, fallback: unknown, written = false): Field<T> {
  return { key, codec, required: false, fallback: codec.read(fallback, false), written };
}

/** A kind of record: makes records of JSON, and JSON of records. */
export interface RecordKind<T extends object> extends Codec<T> {
  /**
   * Reads what `toJSON` writes. Keys that this version does not know are passed over.
   *
   * @throws {InvalidInputError} A key is missing, or holds something of another type.
   */
  fromJSON(data: unknown): T;
  /**
   * The record as JSON has it, with its own names for keys.
   *
   * @throws {InvalidInputError} It is no such record.
   */
  toJSON(record: T): Record<string, unknown>;
}

/** The kind of record that has these fields, and what `beside` offers. @internal */
export function recordOf<T extends object, Beside extends object = object>(
  name: string,
  fieldsOf: FieldsOf<Omit<T, keyof Beside>>,
  beside: Beside | null = null,
): RecordKind<T> {
  const fields = fieldsOf as unknown as Fields;
  const read = (data: unknown, given: boolean): T => {
    const record: T = Object.create(beside ?? Object.prototype);
    return Object.freeze(Object.assign(record, readFields(fields, data, given)));
  };
  return Object.freeze({
    read,
    write: (record: T) => writeFields(fields, record),
    holds: (value: unknown) => typeof value === "object",
    fromJSON: (data: unknown) => refusing(name, "record.read", () => read(data, false)),
    toJSON: (record: T) => refusing(name, "record.write", () => writeFields(fields, read(record, true))),
  });
}

/** The value of a field for what JSON has: nothing and null are the same. @internal */
export function readField(field: Field<unknown>, value: unknown, given: boolean): unknown {
  if (value !== undefined && value !== null) {
    return field.codec.read(value, given);
  }
  if (field.required) {
    throw new Unfit("is missing");
  }
  return field.fallback;
}

/**
 * The value of every field, by property.
 *
 * What a caller gives has properties for keys, or is as JSON has it. What nobody knows is refused there: it is a
 * spelling mistake.
 *
 * @internal
 */
export function readFields(fields: Fields, data: unknown, given: boolean): Record<string, unknown> {
  const object = objectOf(data);
  if (given) {
    refuseUnknown(fields, object);
  }
  const values: Record<string, unknown> = {};
  for (const property in fields) {
    const field = fields[property] as Field<unknown>;
    let step = given ? property : field.key;
    let value = taken(object, step);
    if (value === undefined && given) {
      value = taken(object, field.key);
      step = value === undefined ? step : field.key;
    }
    try {
      values[property] = readField(field, value, given);
    } catch (error) {
      throw Unfit.of(error).below(step);
    }
  }
  return values;
}

/** What `readFields` reads, from the properties of `holder`. @internal */
export function writeFields(fields: Fields, holder: object): Record<string, unknown> {
  const data: Record<string, unknown> = {};
  for (const property in fields) {
    const field = fields[property] as Field<unknown>;
    const value = (holder as Readonly<Record<string, unknown>>)[property] ?? null;
    if (field.written || !same(value, field.fallback)) {
      put(data, field.key, value === null ? null : field.codec.write(value));
    }
  }
  return data;
}

/**
 * Does `work`, and tells the user what is unfit about `name`.
 *
 * @throws {InvalidInputError} Something is unfit, or cannot even be looked at.
 *
 * @internal
 */
export function refusing<T>(name: string, operation: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw refusal(name, Unfit.of(error), operation);
  }
}

/** The error that tells the user what is unfit about `name`. @internal */
export function refusal(name: string, unfit: Unfit, operation: string): InvalidInputError {
  const { path, why } = unfit;
  const where = path === "" ? name : `\`${path}\` of ${name}`;
  const context = path === "" ? { name } : { name, field: path };
  const cause = unfit.cause === undefined ? {} : { cause: unfit.cause };
  return new InvalidInputError(`${where} ${why}`, { operation, context, ...cause });
}

/** Refuses properties that no field has, with the nearest one that is. */
function refuseUnknown(fields: Fields, given: object): void {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(fields, name) && !Object.values(fields).some(({ key }) => key === name)) {
      throw new Unfit(`is not known: there are ${Object.keys(fields).join(", ")}`, name);
    }
  }
}

// The only containers that are fallen back on are empty ones.
function same(value: unknown, fallback: unknown): boolean {
  return value === fallback || (empty(value) && empty(fallback));
}

function empty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
