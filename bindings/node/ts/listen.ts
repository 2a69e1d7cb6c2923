/** `listen`: says which events a function or a method wants to see. */

import { type Handle, markFunction, markKey, markWrapped } from "./listener.js";
import { called, type EventClass, type ListenOptions, type Mark, markOf, refused, splitOptions } from "./mark.js";

export type { Handle, HandlerContext } from "./listener.js";
export type { EventClass, ListenOptions } from "./mark.js";
/** @internal */
export { listenersOf, needsInstance, sameListener, type Listener } from "./listener.js";
/** @internal */
export { called, Mark, markOf, merged, nameOf, splitOptions } from "./mark.js";

/** The events that classes and names stand for. Names as text say nothing about types. */
export type EventOf<Named> = Named extends string ? any : Named extends EventClass<infer E> ? E : never;

/** Marks functions and methods that can be called with such an event. */
export interface MarksHandlersOf<E> {
  /** A method, as decorators are in JavaScript. */
  <H extends Handle<E>>(method: H, context: ClassMethodDecoratorContext): void;
  /** A method, under `experimentalDecorators`. */
  <H extends Handle<E>>(prototype: object, key: string | symbol, descriptor: TypedPropertyDescriptor<H>): void;
  /** A function. */
  <H extends Handle<E>>(handler: H): H;
}

/**
 * Marks a function or a method as a handler of events, which are named by their classes or by their names as text; events
 * of the same name meet whichever class they have. A base class stands for all that is derived from it.
 *
 *     const announce = listen(FunctionDeployed)(async (event) => console.log(event.endpoint));
 *
 *     class Audit {
 *       @listen(FunctionDeployed, ApiGatewayDeployed, { timeout: 5 })
 *       async keep(event: FunctionDeployed | ApiGatewayDeployed) {}
 *     }
 *
 * As a decorator it works as they are in JavaScript, and under `experimentalDecorators`; both are type-checked.
 *
 * @throws InvalidInputError For what is no event, and without any.
 */
export function listen<Named extends readonly (EventClass | string)[]>(
  ...events: Named
): MarksHandlersOf<EventOf<Named[number]>>;
export function listen<Named extends readonly (EventClass | string)[]>(
  ...given: [...events: Named, options: ListenOptions]
): MarksHandlersOf<EventOf<Named[number]>>;
export function listen(...given: readonly unknown[]): (...target: unknown[]) => unknown {
  const [events, options] = splitOptions(given);
  if (events.length === 0) throw refused("listen needs the events to listen for: listen(FunctionDeployed)");
  const mark = markOf(events, options);
  return (...target) => decorate(mark, target);
}

function decorate(mark: Mark, [target, second, third]: readonly unknown[]): unknown {
  const context = second as Partial<ClassMethodDecoratorContext> | undefined;
  if (typeof second === "object" && second !== null && typeof context?.kind === "string") {
    return decorateMethod(mark, target, context as ClassMethodDecoratorContext);
  }
  if (typeof second === "string" || typeof second === "symbol") {
    const method = (third as PropertyDescriptor | undefined)?.value as unknown;
    if (typeof method !== "function") throw refused(`listen marks methods, and \`${String(second)}\` is none`);
    // By its key: a decorator further up may put another function in its place.
    return markKey(target as object, second, mark);
  }
  if (typeof target !== "function" || isClass(target)) {
    const given = typeof target === "function" ? `the class ${called(target)}` : called(target);
    throw refused(`listen marks functions and methods, not ${given}; EventHandler marks classes`);
  }
  markFunction(target, mark);
  return target;
}

function decorateMethod(mark: Mark, method: unknown, context: ClassMethodDecoratorContext): void {
  const kind: string = context.kind;
  if (kind === "class") {
    throw refused(`listen marks functions and methods, not the class ${called(method)}; EventHandler marks classes`);
  }
  if (kind !== "method" || typeof method !== "function") {
    throw refused(`listen marks methods, and \`${String(context.name)}\` is no method (${kind}): write it as one`);
  }
  if (context.private) throw refused(`listen cannot call ${String(context.name)}, which is private to its class`);
  markFunction(method, mark);
  context.addInitializer(function (this: unknown) {
    markWrapped(method, (this as Record<string | symbol, unknown>)[context.name]);
  });
}

function isClass(given: object): boolean {
  return Object.getOwnPropertyDescriptor(given, "prototype")?.writable === false;
}
