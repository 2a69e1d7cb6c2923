/** Values that JSON can hold: what fits where, and what to say of what does not. */

/** How deep data may be nested. The core reads no deeper, and what holds itself ends here. */
const DEEPEST = 128;
/** Of a key that somebody else chose, this much is repeated in a message. */
const SHOWN = 80;
/** Of a way that leads deep into something, so many steps are told from each end. */
const ENDS = 5;

/** A value that is not what its place takes, and where inside of it that is. @internal */
export class Unfit extends Error {
  readonly why: string;
  readonly #steps: readonly string[];

  constructor(why: string, step = "", cause?: unknown, steps: readonly string[] = step === "" ? [] : [step]) {
    super(why, cause === undefined ? undefined : { cause });
    this.why = why;
    this.#steps = steps;
  }

  /** The way to it, outermost first: `steps.0.diff`. Of a long way, where it begins and where it ends. */
  get path(): string {
    const steps = this.#steps;
    return (steps.length > 2 * ENDS ? [...steps.slice(0, ENDS), "…", ...steps.slice(-ENDS)] : steps).join(".");
  }

  /** The same, seen from one level further up. */
  below(step: string): Unfit {
    const short = step.length > SHOWN ? `${step.slice(0, SHOWN)}…` : step;
    return new Unfit(this.why, "", this.cause, [short, ...this.#steps]);
  }

  /** What was thrown while something was looked at: by us, or by a getter or a proxy of the caller's. */
  static of(thrown: unknown): Unfit {
    return thrown instanceof Unfit ? thrown : new Unfit("cannot be read: it throws when it is looked at", "", thrown);
  }
}

/** How values of one type are read and written. */
export interface Codec<T> {
  /** The value for what JSON has, or for what a caller gave: a copy that does not change. */
  read(value: unknown, given: boolean): T;
  /** What JSON has for it. */
  write(value: T): unknown;
  /** Whether it looks like one: decides between several that could be meant. */
  holds(value: unknown): boolean;
}

/** Text. @internal */
export const text: Codec<string> = word();
/** A whole number that JavaScript holds exactly. @internal */
export const whole: Codec<number> = scalar("number", (value, given) => {
  if (Number.isSafeInteger(value)) {
    return value;
  }
  // The rest of the number would be lost without a word.
  throw new Unfit(given || !Number.isInteger(value) ? "must be a whole number" : "is a number too big for JavaScript");
}, "a whole number");
/** A number. @internal */
export const number: Codec<number> = scalar("number", finite, "a number");
/** True or false. @internal */
export const flag: Codec<boolean> = scalar("boolean", (value) => value, "true or false");
/** Whatever JSON can hold. @internal */
export const anything: Codec<unknown> = {
  read: (value, given) => copied(value, given, 0),
  write: (value) => fresh(value),
  holds: () => true,
};

/** One of several words. A newer version may know more: they are kept as they are. @internal */
export function word<Word extends string>(): Codec<Word> {
  return scalar<Word>("string", (value, given) => (given ? unicode(value) : value), "text");
}

/** A list. @internal */
export function many<T>(item: Codec<T>): Codec<readonly T[]> {
  return {
    read: (value, given) => items(value, (each) => item.read(each, given)),
    write: (value) => value.map((each) => item.write(each)),
    holds: (value) => Array.isArray(value),
  };
}

/** An object whose keys are the user's: they stay as they are. @internal */
export function table<T>(item: Codec<T>): Codec<Readonly<Record<string, T>>> {
  return {
    read: (value, given) => entries(value, given, (each) => item.read(each, given)),
    write: (value) => {
      const written: Record<string, unknown> = {};
      for (const key of Object.keys(value)) {
        put(written, key, item.write(value[key] as T));
      }
      return written;
    },
    holds: (value) => typeof value === "object",
  };
}

/** The first of several that a value looks like. @internal */
export function either<Choices extends readonly unknown[]>(
  ...choices: { readonly [Index in keyof Choices]: Codec<Choices[Index]> }
): Codec<Choices[number]> {
  const all: readonly Codec<unknown>[] = choices;
  const chosen = (value: unknown): Codec<unknown> =>
    all.find((choice) => choice.holds(value)) ?? all.at(-1) ?? anything;
  return {
    read: (value, given) => chosen(value).read(value, given),
    write: (value) => chosen(value).write(value),
    holds: (value) => all.some((choice) => choice.holds(value)),
  };
}

/** An own property, as it is; undefined where there is none. What an object inherits is not data. @internal */
export function taken(object: object, key: string): unknown {
  try {
    return Object.hasOwn(object, key) ? (object as Readonly<Record<string, unknown>>)[key] : undefined;
  } catch (error) {
    throw Unfit.of(error).below(key);
  }
}

/** Sets a property, also where an assignment would change the prototype instead. @internal */
export function put(object: object, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    (object as Record<string, unknown>)[key] = value;
  }
}

/** An object with named values: no list, no `Map`, no `Date`. @internal */
export function objectOf(value: unknown): object {
  if (isObject(value)) {
    return value;
  }
  throw new Unfit(`must be an object, not ${shown(value)}`);
}

/** What a value is, in words. It may be a secret that was put in the wrong place: its type says enough. @internal */
export function shown(value: unknown): string {
  if (value === null || value === undefined) {
    return String(value);
  }
  return `a value of type ${Array.isArray(value) ? "array" : typeof value}`;
}

/** A copy that may be changed, of what `anything` read. @internal */
export function fresh(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(fresh);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    put(copy, key, fresh((value as Readonly<Record<string, unknown>>)[key]));
  }
  return copy;
}

/** From here on a whole number is written as the core writes what is none, and comes back as it is. */
const NO_WHOLE_NUMBER = 2 ** 64;

/**
 * What `anything` read, if it may go to the core: a whole number over 2^53 - 1 may have lost digits before it came here, and no
 * handler and no port would be given it.
 *
 * @internal
 */
export function exact<T>(value: T): T {
  if (typeof value === "number") {
    const inexact = Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < NO_WHOLE_NUMBER;
    if (inexact) throw new Unfit("must be a number that JavaScript holds exactly, not a whole one over 2^53 - 1: give it as text");
  } else if (typeof value === "object" && value !== null) {
    for (const key of Object.keys(value)) below(key, () => exact((value as Readonly<Record<string, unknown>>)[key]));
  }
  return value;
}

function scalar<T>(type: string, check: (value: T, given: boolean) => T, called: string): Codec<T> {
  return {
    read: (value, given) => {
      if (typeof value === type) {
        return check(value as T, given);
      }
      throw new Unfit(`must be ${called}, not ${shown(value)}`);
    },
    write: (value) => value,
    holds: (value) => typeof value === type,
  };
}

function finite(value: number): number {
  if (Number.isFinite(value)) {
    return value;
  }
  throw new Unfit("must be a number that JSON can hold: not infinite, not NaN");
}

function unicode<Text extends string>(value: Text): Text {
  // In every Node that this package runs on; TypeScript has it with a later library only.
  if (!(value as unknown as { isWellFormed(): boolean }).isWellFormed()) {
    throw new Unfit("must not hold half a surrogate pair, which is not Unicode");
  }
  return value;
}

function copied(value: unknown, given: boolean, depth: number): unknown {
  if (depth > DEEPEST) {
    throw new Unfit(`holds itself, or is nested deeper than ${DEEPEST} levels`);
  }
  switch (typeof value) {
    case "string":
      return given ? unicode(value) : value;
    case "boolean":
      return value;
    case "number":
      return finite(value);
    case "object":
      return value === null ? null : container(value, given, depth);
    default:
      throw new Unfit(`must be something that JSON can hold, not ${shown(value)}`);
  }
}

function container(value: object, given: boolean, depth: number): unknown {
  const inner = (each: unknown): unknown => copied(each, given, depth + 1);
  if (Array.isArray(value)) {
    return items(value, inner);
  }
  // As `JSON.stringify` has it: a `Date` is its text.
  const toJSON = given ? (value as { toJSON?: unknown }).toJSON : undefined;
  if (typeof toJSON === "function") {
    return inner(toJSON.call(value, ""));
  }
  if (isObject(value)) {
    return entries(value, given, inner);
  }
  throw new Unfit("must be something that JSON can hold, not an object of a class that has no `toJSON`");
}

function items<T>(value: unknown, read: (item: unknown) => T): readonly T[] {
  if (!Array.isArray(value)) {
    throw new Unfit(`must be an array, not ${shown(value)}`);
  }
  const list: T[] = [];
  for (let index = 0; index < value.length; index += 1) {
    list.push(below(String(index), () => read(value[index])));
  }
  return Object.freeze(list);
}

function entries<T>(value: unknown, given: boolean, read: (item: unknown) => T): Readonly<Record<string, T>> {
  const object = objectOf(value);
  if (given && Object.getOwnPropertySymbols(object).length > 0) {
    throw new Unfit("must have text as keys, not a symbol");
  }
  const copy: Record<string, T> = {};
  for (const key of Object.keys(object)) {
    const item = taken(object, key);
    // As `JSON.stringify` has it: what is undefined is not there.
    if (item !== undefined) {
      put(copy, given ? unicode(key) : key, below(key, () => read(item)));
    }
  }
  return Object.freeze(copy);
}

function below<T>(step: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw Unfit.of(error).below(step);
  }
}

function isObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  const plain = prototype === Object.prototype || prototype === null;
  // Objects of classes, and of other realms; no `Map`, no `Promise`, no `Error`.
  return plain || Object.prototype.toString.call(value) === "[object Object]";
}
