/** Keys in camelCase, written as data has them. */

import { type Codec, Unfit } from "./record.js";
import { put } from "./value.js";

type Texts = Readonly<Record<string, string>>;

/** Keys that are known, of an object. What nobody knows stays: the core refuses it, with its suggestion. */
export class Keys {
  readonly #written: ReadonlyMap<string, string>;
  readonly #inside: ReadonlyMap<string, Keys>;
  readonly #each: Keys | null;

  /**
   * @param written How keys are written that are written otherwise.
   * @param inside The keys of objects inside, by the key as it is written.
   * @param each The keys of every object inside, where the keys of this one are the user's.
   */
  constructor(written: Texts, inside: Readonly<Record<string, Keys>> = {}, each: Keys | null = null) {
    this.#written = new Map(Object.entries(written));
    this.#inside = new Map(Object.entries(inside));
    this.#each = each;
  }

  /** Keys of every object in a map whose own keys are the user's. */
  each(): Keys {
    return new Keys({}, {}, this);
  }

  /** A copy of a value as `anything` reads it, with the known keys as they are written. */
  write(value: unknown): unknown {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return value;
    }
    const copy: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      const written = this.#written.get(key) ?? key;
      if (Object.hasOwn(copy, written)) {
        throw new Unfit("is given twice, in two spellings", written);
      }
      put(copy, written, this.#below(key, written, item));
    }
    return Object.freeze(copy);
  }

  #below(key: string, written: string, item: unknown): unknown {
    const inside = this.#each ?? this.#inside.get(written);
    try {
      return inside === undefined ? item : inside.write(item);
    } catch (error) {
      throw Unfit.of(error).below(key);
    }
  }
}

/** What reads the same, and takes known keys in camelCase from a caller. */
export function withKeys<T>(keys: Keys, codec: Codec<T>): Codec<T> {
  return {
    read: (value, given) => {
      const read = codec.read(value, given);
      return given ? (keys.write(read) as T) : read;
    },
    write: (value) => codec.write(value),
    holds: (value) => codec.holds(value),
  };
}
