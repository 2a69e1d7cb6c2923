/** Secrets: references in, values in memory only. */

import { inspect } from "node:util";

import type { MaybePromise, PortContext } from "./maybe-promise.js";

// By another name in older compilers.
type Texts = ReturnType<ReadonlyMap<string, string>["keys"]>;
type Pairs = ReturnType<ReadonlyMap<string, string>["entries"]>;

/** Values of secrets by reference. Printed, and written as JSON, it shows the references only. */
export class Secrets implements ReadonlyMap<string, string> {
  readonly #values: ReadonlyMap<string, string>;

  constructor(values: Iterable<readonly [reference: string, value: string]> = []) {
    this.#values = new Map(values);
  }

  /** How many there are. */
  get size(): number {
    return this.#values.size;
  }

  /** The value of a reference. */
  get(reference: string): string | undefined {
    return this.#values.get(reference);
  }

  /** Whether there is a value of this reference. */
  has(reference: string): boolean {
    return this.#values.has(reference);
  }

  /** The references. */
  keys(): Texts {
    return this.#values.keys();
  }

  /** The values. */
  values(): Texts {
    return this.#values.values();
  }

  /** References with their values. */
  entries(): Pairs {
    return this.#values.entries();
  }

  /** Calls `each` with every value and its reference. */
  forEach(each: (value: string, reference: string, secrets: ReadonlyMap<string, string>) => void): void {
    for (const [reference, value] of this.#values) each(value, reference, this);
  }

  [Symbol.iterator](): Pairs {
    return this.#values.entries();
  }

  /** The references. */
  toJSON(): string[] {
    return [...this.keys()];
  }

  toString(): string {
    return `Secrets(${this.toJSON().join(", ")})`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** Resolves references such as `vault:database/password`. */
export interface SecretResolver {
  /** What stands before the colon: lower-case names, e.g. `["vault"]`. Each is resolved by one resolver. */
  readonly schemes: Iterable<string>;

  /**
   * The value of `reference` (`<scheme>:<rest>`), or null where there is no such secret.
   *
   * `region` is where it is needed: a reference that names no region means this one. Null where it does not matter.
   *
   * @throws SecretUnresolvedError Saying what to do, and never a value.
   */
  resolve(reference: string, region: string | null, context: PortContext): MaybePromise<string | null | undefined>;

  /**
   * Tells whether a value changed without telling what it is: a keyed digest of 1 to 256 bytes.
   *
   * A project never asks for it: it makes its own, with its own key.
   */
  digest?(value: string, context: PortContext): MaybePromise<string>;
}
