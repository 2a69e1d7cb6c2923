/** Where the marks of handlers are kept, and how they are found again. */

import { called, type Mark, refused } from "./mark.js";

/** What a handler is given beside the event. */
export interface HandlerContext {
  /** Aborted when nobody waits for the handler any more: it ran out of time, or its publisher gave up. */
  readonly signal: AbortSignal;
}

/** A handler that can be called, with its marks. @internal */
export interface Listener {
  /** For messages: `DeployRestApiHandler.handle`. */
  readonly name: string;
  /** The function, or the method on its object: the same one each time it is asked for. */
  readonly call: Handle;
  readonly marks: readonly Mark[];
}

/** What a handler does with an event; events that it gives back are published. */
export type Handle<E = any> = (event: E, context: HandlerContext) => unknown;

type Key = string | symbol;

/** Marks of functions, and of methods by the functions that they are. */
const ofFunctions = new WeakMap<object, readonly Mark[]>();
/** Marks by prototype and key, where the function is not there yet or may still be wrapped. */
const ofKeys = new WeakMap<object, Map<Key, readonly Mark[]>>();
const bound = new WeakMap<object, Map<Handle, Handle>>();

/** Adds a mark to a function. Those that were added last come first, as decorators are read from above. @internal */
export function markFunction(handler: object, mark: Mark): void {
  ofFunctions.set(handler, [mark, ...(ofFunctions.get(handler) ?? [])]);
}

/** Adds a mark to what is under `key` on objects of that prototype. @internal */
export function markKey(prototype: object, key: Key, mark: Mark): void {
  const keys = ofKeys.get(prototype) ?? new Map<Key, readonly Mark[]>();
  keys.set(key, [mark, ...(keys.get(key) ?? [])]);
  ofKeys.set(prototype, keys);
}

/** Gives what a decorator further up has made of a marked method the marks of that. @internal */
export function markWrapped(method: object, wrapper: unknown): void {
  const marks = ofFunctions.get(method);
  if (typeof wrapper === "function" && marks !== undefined && !ofFunctions.has(wrapper)) {
    ofFunctions.set(wrapper, marks);
  }
}

/**
 * The handlers in `target`, in the order of their definition, those of base classes first.
 *
 * A marked function is one handler. Of an object: all marked methods, and `handle` where its class is an `EventHandler`. Of
 * a class: the marked static methods, which need no object. A method that overrides a marked one listens as that did, unless
 * it is marked itself.
 *
 * @throws InvalidInputError Something is marked that cannot be called.
 *
 * @internal
 */
export function listenersOf(target: unknown): readonly Listener[] {
  if (typeof target === "function") {
    const marks = ofFunctions.get(target);
    if (marks !== undefined) return [{ name: nameIn(marks) ?? called(target), call: target as Handle, marks }];
    return found(target, chainOf(target, Function.prototype));
  }
  if (typeof target !== "object" || target === null) return [];
  return found(target, chainOf(Object.getPrototypeOf(target) as object | null, Object.prototype));
}

/** Whether it is a class with marked methods that are not static. @internal */
export function needsInstance(target: unknown): boolean {
  if (typeof target !== "function") return false;
  const { prototype } = target as { prototype?: unknown };
  if (typeof prototype !== "object" || prototype === null) return false;
  return marksIn(chainOf(prototype, Object.prototype)).size > 0;
}

/** Whether both are the same handler. @internal */
export function sameListener(one: Listener, other: Listener): boolean {
  return one.call === other.call;
}

function found(target: object, chain: readonly object[]): readonly Listener[] {
  const owner = called(target);
  return [...marksIn(chain)].map(([key, marks]) => {
    const method = (target as Record<Key, unknown>)[key];
    const name = nameIn(marks) ?? `${owner}.${String(key)}`;
    if (typeof method === "function") return { name, call: boundTo(target, method as Handle), marks };
    throw refused(`${owner} has no method \`${String(key)}\`, which is marked as a handler of events`, { handler: name });
  });
}

/** Prototypes, the base first. */
function chainOf(last: object | null, end: object): readonly object[] {
  const chain: object[] = [];
  for (let at = last; at !== null && at !== end; at = Object.getPrototypeOf(at) as object | null) chain.unshift(at);
  return chain;
}

function marksIn(chain: readonly object[]): Map<Key, readonly Mark[]> {
  const marked = new Map<Key, readonly Mark[]>();
  for (const prototype of chain) {
    const keyed = ofKeys.get(prototype);
    for (const key of Reflect.ownKeys(prototype)) {
      // Not by reading it: it may be a getter.
      const method: unknown = Object.getOwnPropertyDescriptor(prototype, key)?.value;
      if (key === "constructor" || typeof method !== "function") continue;
      const marks = ofFunctions.get(method) ?? keyed?.get(key) ?? marked.get(key);
      if (marks !== undefined) marked.set(key, marks);
    }
    for (const [key, marks] of keyed ?? []) marked.set(key, marks);
  }
  return marked;
}

function boundTo(target: object, method: Handle): Handle {
  const known = bound.get(target) ?? new Map<Handle, Handle>();
  bound.set(target, known);
  const call = known.get(method) ?? (method.bind(target) as Handle);
  known.set(method, call);
  return call;
}

function nameIn(marks: readonly Mark[]): string | null {
  return marks.find((mark) => mark.name !== null)?.name ?? null;
}
