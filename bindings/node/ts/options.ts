/** What a caller passes as options, read once and judged: nothing of it is trusted to be what the types say. */

import { InvalidInputError } from "./errors.js";
import { called } from "./listen.js";
import { anything, exact, refusing } from "./record.js";

/** The error for an argument that cannot be. @internal */
export function refused(message: string, context: Record<string, string> = {}): InvalidInputError {
  return new InvalidInputError(message, { operation: "node.call", context });
}

/** JSON text of `value`. @throws InvalidInputError JSON has no form for something in it. @internal */
export function asJson(value: unknown, what: string): string {
  return JSON.stringify(refusing(what, "node.call", () => exact(anything.read(value, true))));
}

/** Options by name, as `known` lists them; what is `undefined` or `null` is not there. @internal */
export type Given<K extends string> = { readonly [name in K]?: unknown };

/**
 * The options that `method` was called with.
 *
 * @throws InvalidInputError They are no object, one of them is not known, or they cannot be read.
 *
 * @internal
 */
export function optionsOf<K extends string>(method: string, given: unknown, known: readonly K[]): Given<K> {
  if (given === undefined || given === null) return {};
  if (typeof given !== "object" || Array.isArray(given)) {
    throw refused(`the options of ${method} are an object ({ ${known[0]}: … }), not ${shown(given)}`);
  }
  const read: { [name in K]?: unknown } = {};
  try {
    for (const name of Object.keys(given)) {
      if (!isOneOf(known, name)) {
        throw refused(`${method} has no option \`${name}\`; it has ${known.join(", ")}`, { option: name });
      }
      const value = (given as Record<string, unknown>)[name];
      if (value !== undefined && value !== null) read[name] = value;
    }
  } catch (error) {
    if (error instanceof InvalidInputError) throw error;
    throw refused(`the options of ${method} cannot be read`);
  }
  return read;
}

function isOneOf<K extends string>(known: readonly K[], name: string): name is K {
  return (known as readonly string[]).includes(name);
}

/** What a value is, in words: never which one, since it may be a secret. @internal */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  switch (typeof value) {
    case "string":
      return "text";
    case "number":
      return "a number";
    case "boolean":
      return "true or false";
    case "function":
      return isClass(value) ? `${called(value)} (a class)` : `the function ${called(value)}`;
    case "object":
      return Array.isArray(value) ? "a list" : kindOf(value);
    default:
      return `a ${typeof value}`;
  }
}

/** The name of an object's class. Proxies answer what they like, or throw. @internal */
export function kindOf(value: unknown): string {
  try {
    return called(value);
  } catch {
    return "an object";
  }
}

/** Whether it is a class rather than a function: it cannot be called without `new`. @internal */
export function isClass(value: unknown): boolean {
  if (typeof value !== "function") return false;
  try {
    return Object.getOwnPropertyDescriptor(value, "prototype")?.writable === false;
  } catch {
    return false;
  }
}

/** @throws InvalidInputError It is no text. @internal */
export function text(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw refused(`${name} must be text, not ${shown(value)}`, { argument: name });
}

/** @throws InvalidInputError It is neither text nor left out. @internal */
export function textOrNull(name: string, value: unknown): string | null {
  return value === undefined || value === null ? null : text(name, value);
}

/** A whole number from `least` on, `what` in words. @throws InvalidInputError It is none. @internal */
export function wholeFrom(least: number, name: string, value: unknown, what: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return value;
  throw refused(`${name} must be ${what} from ${least} on, not ${number(value)}`, { argument: name });
}

/** @throws InvalidInputError It is no number of seconds. @internal */
export function seconds(name: string, value: unknown): number {
  if (typeof value === "number" && value >= 0 && Number.isFinite(value)) return value;
  throw refused(`${name} must be a number of seconds, not ${number(value)}`, { argument: name });
}

/**
 * A time as RFC 3339 has it: the first moment of a `Date`'s millisecond. @throws InvalidInputError It is none.
 *
 * @internal
 */
export function time(name: string, value: unknown): string {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  const given = value instanceof Date ? "a Date of no time" : shown(value);
  throw refused(`${name} must be a Date, not ${given}`, { argument: name });
}

/**
 * The last moment of a `Date`'s millisecond: the log's times are finer, and what happened at `event.time` is not to come
 * after it.
 *
 * @throws InvalidInputError It is none.
 *
 * @internal
 */
export function endOf(name: string, value: unknown): string {
  return time(name, value).replace(/Z$/, "999999Z");
}

/** @throws InvalidInputError It is no signal. @internal */
export function signalOrNull(value: unknown): AbortSignal | null {
  if (value === undefined || value === null) return null;
  // By what it can do: there are several AbortSignals about.
  const signal = value as AbortSignal;
  if (typeof signal.aborted === "boolean" && typeof signal.addEventListener === "function") return signal;
  throw refused(`signal must be an AbortSignal, not ${shown(value)}`, { argument: "signal" });
}

function number(value: unknown): string {
  return typeof value === "number" ? String(value) : shown(value);
}
