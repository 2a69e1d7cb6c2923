/** How these adapters say no. */

import { InvalidInputError } from "../errors.js";

/** The error for what cannot be meant. `context` never holds values: they may be secrets. @internal */
export function invalidInput(
  operation: string,
  message: string,
  context: Readonly<Record<string, string>> = {},
): InvalidInputError {
  return new InvalidInputError(message, { operation, context });
}

/** A name that came from outside, for a message: not longer than a line, without what a terminal would obey. @internal */
export function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}
