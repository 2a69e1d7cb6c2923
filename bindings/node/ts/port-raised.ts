/** What ports and their handlers threw, for whoever waits for the run: the core keeps errors of a run as data. */

import type { IacError } from "./error.js";

/** Of what nobody asked for, the oldest is forgotten first. */
const KEPT = 256;

/** Secrets at least this long are looked for in what was thrown; shorter ones would be found where they are not. */
const SHORTEST_SECRET = 4;

/** What holds more objects than this is not looked through. */
const MOST_OBJECTS = 10_000;

/** Something that was thrown: anything, `undefined` too. @internal */
export interface Thrown {
  readonly thrown: unknown;
}

/** What was thrown, by what failed: a resource of a deployment, a handler with an event. @internal */
export class Raised {
  readonly #kept = new Map<string, Thrown>();

  /** Remembers what failed last. */
  keep(one: string, other: string, thrown: unknown): void {
    const key = keyOf(one, other);
    this.#kept.delete(key);
    this.#kept.set(key, { thrown });
    if (this.#kept.size > KEPT) {
      for (const oldest of this.#kept.keys()) {
        this.#kept.delete(oldest);
        break;
      }
    }
  }

  /** What was remembered, once. */
  take(one: string, other: string): Thrown | null {
    const key = keyOf(one, other);
    const kept = this.#kept.get(key) ?? null;
    this.#kept.delete(key);
    return kept;
  }

  /** What the provider threw in the step that a failed run's error tells of. */
  causeOf(error: Pick<IacError, "context">, deployment: string): Thrown | null {
    const [first = ""] = (error.context["failed"] ?? "").split(", ");
    return this.take(deployment, first);
  }

  /** A run is over: what was thrown in it says nothing of the next one. */
  forget(one: string): void {
    const start = keyOf(one, "").slice(0, -'""]'.length);
    for (const key of this.#kept.keys()) if (key.startsWith(start)) this.#kept.delete(key);
  }
}

function keyOf(one: string, other: string): string {
  return JSON.stringify([one, other]);
}

/**
 * Whether something thrown, or anything that it holds, says one of `secrets`. What cannot be looked through may.
 *
 * @internal
 */
export function shows(thrown: unknown, secrets: Iterable<string>): boolean {
  const wanted = [...secrets].filter((secret) => secret.length >= SHORTEST_SECRET);
  if (wanted.length === 0) return false;
  // As they are, and as they stand in JSON.
  const forms = wanted.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  const says = (text: string | Buffer): boolean => forms.some((form) => text.includes(form));
  const seen = new Set<object>();
  const left = [thrown];
  try {
    while (left.length > 0) {
      const one = left.pop();
      if (typeof one === "string" && says(one)) return true;
      if (typeof one === "symbol") left.push(one.description);
      if ((typeof one !== "object" && typeof one !== "function") || one === null || seen.has(one)) continue;
      seen.add(one);
      if (seen.size > MOST_OBJECTS) return true;
      if (!ArrayBuffer.isView(one)) left.push(...partsOf(one));
      else if (says(Buffer.from(one.buffer, one.byteOffset, one.byteLength))) return true;
    }
  } catch {
    return true;
  }
  return false;
}

/** What an object holds; `cause`, `errors` and the stack are among it. */
function partsOf(one: object): unknown[] {
  const properties = Reflect.ownKeys(one).flatMap((key) => [key, Reflect.getOwnPropertyDescriptor(one, key)?.value as unknown]);
  if (one instanceof Error) return [...properties, one.message, one.stack, String(one)];
  return one instanceof Map || one instanceof Set ? [...properties, ...[...one.entries()].flat()] : properties;
}
