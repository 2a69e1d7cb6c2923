/** Values that JSON can carry, to the core's limits. */

import { InvalidInputError } from "../errors.js";
import { checkTokens } from "./json-tokens.js";
import { invalidInput } from "./refusal.js";

/** Longest text that is read as an event, in bytes. @internal */
export const MOST_BYTES: number = 8 * 1024 * 1024;
/** How deep lists and objects may stand inside each other; the core reads 127 levels, envelope included. @internal */
export const MOST_DEPTH: number = 100;
/** How many values an event may have: more cannot stand in the longest text. */
const MOST_VALUES = MOST_BYTES / 2;

const READ = "event.read";

/**
 * Reads JSON, as strictly as the core: every name once, no number that loses digits.
 *
 * @throws InvalidInputError It is too long, or no JSON.
 *
 * @internal
 */
export function parse(text: string | Uint8Array): unknown {
  const decoded = typeof text === "string" ? text : decode(text);
  // A character is a byte at least; those of other scripts are counted where it is close.
  if (decoded.length > MOST_BYTES || (decoded.length > MOST_BYTES / 3 && Buffer.byteLength(decoded) > MOST_BYTES)) {
    throw invalidInput(READ, `an event is at most ${MOST_BYTES} bytes of JSON`);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(decoded);
  } catch {
    // Its message shows some of the text, which may hold a secret.
    throw invalidInput(READ, "this is no JSON");
  }
  checkTokens(decoded, MOST_DEPTH);
  return parsed;
}

function decode(bytes: Uint8Array): string {
  if (bytes.byteLength > MOST_BYTES) throw invalidInput(READ, `an event is at most ${MOST_BYTES} bytes of JSON`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalidInput(READ, "an event is JSON in UTF-8");
  }
}

/**
 * A copy of `value` made of what JSON has.
 *
 * @throws InvalidInputError Something in it has no form in JSON, named by `field` or by its key.
 *
 * @internal
 */
export function plain(value: unknown, field: string): unknown {
  try {
    return copied(value, field, 0, { left: MOST_VALUES });
  } catch (error) {
    if (error instanceof InvalidInputError) throw error;
    // A getter that throws, a proxy.
    throw new InvalidInputError(`\`${field}\` cannot be read`, { operation: READ, context: { field }, cause: error });
  }
}

interface Budget {
  left: number;
}

function copied(value: unknown, field: string, depth: number, budget: Budget): unknown {
  budget.left -= 1;
  if (depth > MOST_DEPTH) throw invalidInput(READ, `\`${field}\` is more than ${MOST_DEPTH} levels deep`, { field });
  if (budget.left < 0) throw invalidInput(READ, `\`${field}\` holds more values than an event may`, { field });
  switch (typeof value) {
    case "boolean":
      return value;
    case "string":
      return unicode(value, field);
    case "number":
      if (Number.isFinite(value)) return value;
      throw invalidInput(READ, `\`${field}\` is no number that JSON has`, { field });
    case "bigint":
      if (Number.isSafeInteger(Number(value))) return Number(value);
      throw invalidInput(READ, `\`${field}\` is a number out of range`, { field });
    case "object":
      return value === null ? null : copiedObject(value, field, depth, budget);
    default:
      throw invalidInput(READ, `\`${field}\` holds a ${typeof value}, which JSON cannot carry`, { field });
  }
}

function copiedObject(value: object, field: string, depth: number, budget: Budget): unknown {
  if (Array.isArray(value) || value instanceof Set) {
    return Array.from(value, (item: unknown) => (item === undefined ? null : copied(item, field, depth + 1, budget)));
  }
  const written = (value as { toJSON?: unknown }).toJSON;
  if (typeof written === "function") {
    const json: unknown = written.call(value, field);
    // One that gives itself would go round for ever.
    return json === value ? copiedEntries(value, field, depth, budget) : copied(json, field, depth + 1, budget);
  }
  return copiedEntries(value, field, depth, budget);
}

function copiedEntries(value: object, field: string, depth: number, budget: Budget): Record<string, unknown> {
  const entries: (readonly [string, unknown])[] = [];
  for (const [key, item] of value instanceof Map ? (value as Map<unknown, unknown>) : Object.entries(value)) {
    if (typeof key !== "string") throw invalidInput(READ, `\`${field}\` has a key that is no text`, { field });
    if (key === "__proto__") {
      // Whatever reads the event next might take it for more than data.
      throw invalidInput(READ, `\`${field}\` has the key \`__proto__\`, which no event may have`, { field });
    }
    if (item === undefined) continue;
    const name = depth === 0 ? key.slice(0, 80) : field;
    entries.push([unicode(key, name), copied(item, name, depth + 1, budget)]);
  }
  return Object.fromEntries(entries);
}

function unicode(text: string, field: string): string {
  if ((text as unknown as { isWellFormed(): boolean }).isWellFormed()) return text;
  throw invalidInput(READ, `\`${field}\` is no Unicode text`, { field });
}
