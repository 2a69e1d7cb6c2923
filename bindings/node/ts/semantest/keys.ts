/** The keys of an event's data: snake_case in CloudEvents, camelCase in Semantest. */

import { camelCase, snakeCase } from "../key-case.js";
import { invalidInput, quoted } from "./refusal.js";

/** A key as Semantest writes it. Others (`API_KEY`, `x-y`) are the user's and stay. */
const CAMEL = /^[a-z][A-Za-z0-9]*$/;

/** The data with its own keys in snake case. Those inside the values are the user's. @internal */
export function snakeKeys(data: Readonly<Record<string, unknown>>, operation: string): Record<string, unknown> {
  return renamed(data, (key) => (CAMEL.test(key) ? snakeCase(key) : key), operation);
}

/** The data with its own keys in camel case: those that `snakeKeys` reads as they are here. @internal */
export function camelKeys(data: Readonly<Record<string, unknown>>, operation: string): Record<string, unknown> {
  return renamed(data, (key) => (snakeCase(camelCase(key)) === key ? camelCase(key) : key), operation);
}

function renamed(
  data: Readonly<Record<string, unknown>>,
  rename: (key: string) => string,
  operation: string,
): Record<string, unknown> {
  const found = new Map<string, unknown>();
  for (const [key, value] of Object.entries(data)) {
    const name = rename(key);
    if (found.has(name)) {
      throw invalidInput(operation, `${quoted(name)} is given twice, in two spellings`, { field: name.slice(0, 80) });
    }
    found.set(name, value);
  }
  // Not by assignment: a key may be called `__proto__`.
  return Object.fromEntries(found);
}
