/** What ports and their handlers threw, for whoever waits for the run: the core keeps errors of a run as data. */

import { inspect } from "node:util";

import type { IacError } from "./error.js";

/** Of what nobody asked for, the oldest is forgotten first. */
const KEPT = 256;

/** Secrets at least this long are looked for in what was thrown; shorter ones would be found where they are not. */
const SHORTEST_SECRET = 4;

/** Something that was thrown: anything, `undefined` too. @internal */
export interface Thrown {
  readonly thrown: unknown;
}

/** What was thrown, by what failed: a resource of a deployment, a handler with an event. @internal */
export class Raised {
  readonly #kept = new Map<string, Thrown>();

  /** Remembers what failed last. */
  keep(one: string, other: string, thrown: unknown): void {
    const key = JSON.stringify([one, other]);
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
    const key = JSON.stringify([one, other]);
    const kept = this.#kept.get(key) ?? null;
    this.#kept.delete(key);
    return kept;
  }

  /** What the provider threw in the step that a failed run's error tells of. */
  causeOf(error: Pick<IacError, "context">, deployment: string): Thrown | null {
    const [first = ""] = (error.context["failed"] ?? "").split(", ");
    return this.take(deployment, first);
  }
}

/** Whether something thrown, or what it came of, says one of `secrets`. What cannot be looked at may. @internal */
export function shows(thrown: unknown, secrets: Iterable<string>): boolean {
  const wanted = [...secrets].filter((secret) => secret.length >= SHORTEST_SECRET);
  if (wanted.length === 0) return false;
  try {
    // Its properties, `cause`, `errors` and stack too.
    const everything = { depth: Infinity, showHidden: true, maxArrayLength: Infinity, maxStringLength: Infinity, breakLength: Infinity };
    const text = `${inspect(thrown, everything)}\n${String(thrown)}`;
    return wanted.some((secret) => [secret, JSON.stringify(secret).slice(1, -1), inspect(secret).slice(1, -1)].some((form) => text.includes(form)));
  } catch {
    return true;
  }
}
