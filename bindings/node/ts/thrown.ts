/**
 * What handlers and ports threw, in words and as data. Anything can be thrown, and may throw in its turn when it is looked
 * at.
 */

import { IacError } from "./error.js";

/** An error as the native module takes it. @internal */
export interface ErrorData {
  readonly kind: string;
  readonly message: string;
  readonly operation: string;
  readonly context: { readonly [name: string]: string };
  readonly retry: string;
}

/** JSON has no half of a surrogate pair, and who reads it would read nothing at all. */
function wellFormed(text: string): string {
  // In every Node that this package runs on; TypeScript has it with a later library only.
  return (text as unknown as { toWellFormed(): string }).toWellFormed();
}

/** What is said of something thrown: `TypeError: no paper`, or the text itself in quotes. @internal */
export function described(thrown: unknown): string {
  try {
    if (typeof thrown === "string") return JSON.stringify(thrown);
    if (thrown instanceof Error) {
      const { message } = thrown;
      return message === "" ? nameOf(thrown) : `${nameOf(thrown)}: ${message}`;
    }
    return typeof thrown === "object" && thrown !== null ? `an object (${nameOf(thrown)})` : String(thrown);
  } catch {
    return "something that cannot be looked at";
  }
}

function nameOf(thrown: object): string {
  // A class of one's own rarely sets `name`.
  const { name } = thrown as Error;
  const own: unknown = thrown.constructor?.name;
  const given = typeof name === "string" && name !== "" && name !== "Error";
  return given ? name : typeof own === "string" && own !== "" ? own : "Error";
}

/** The record of what `what` threw: an error of ours keeps its kind, anything else is of `kind`. @internal */
export function recordOf(thrown: unknown, kind: string, operation: string, what: string): ErrorData {
  const ours = own(thrown, operation);
  if (ours !== null) return ours;
  return { kind, message: wellFormed(`${what} threw ${described(thrown)}`), operation, context: {}, retry: "never" };
}

/** What an error of ours says of itself. */
function own(thrown: unknown, operation: string): ErrorData | null {
  try {
    if (!(thrown instanceof IacError)) return null;
    const { code, message, context, retry } = thrown;
    const facts = Object.entries(context).map(([name, fact]) => [wellFormed(name), wellFormed(String(fact))] as const);
    return {
      kind: String(code),
      message: wellFormed(String(message)),
      operation: wellFormed(thrown.operation || operation),
      context: Object.fromEntries(facts),
      retry,
    };
  } catch {
    return null;
  }
}
