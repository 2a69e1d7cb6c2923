/** `EventHandler`: a class whose objects handle events. */

import type { EventOf } from "./listen.js";
import { type Handle, markKey } from "./listener.js";
import { called, type EventClass, type ListenOptions, markOf, refused, splitOptions } from "./mark.js";

/** An object that handles events. Semantest's core knows the same form. */
export interface EventHandler<E> {
  readonly handle: Handle<E>;
}

/** Marks classes whose objects can `handle` such an event. */
export type MarksClassesOf<E> = <C extends abstract new (...given: never[]) => EventHandler<E>>(
  handler: C,
  context?: ClassDecoratorContext<C>,
) => void;

/**
 * Says which events the objects of a class `handle`:
 *
 *     @EventHandler(FunctionDeployed)
 *     class Announce {
 *       async handle(event: FunctionDeployed) { console.log(event.functionName, event.endpoint); }
 *     }
 *
 *     iac.include(new Announce());
 *
 * Events and options are given as to `listen`. What the class asks for in its constructor is its own business: it is
 * whoever includes it who makes the object.
 *
 * @throws InvalidInputError For what is no event, and without any.
 */
export function EventHandler<Named extends readonly (EventClass | string)[]>(
  ...events: Named
): MarksClassesOf<EventOf<Named[number]>>;
export function EventHandler<Named extends readonly (EventClass | string)[]>(
  ...given: [...events: Named, options: ListenOptions]
): MarksClassesOf<EventOf<Named[number]>>;
export function EventHandler(...given: readonly unknown[]): (handler: unknown) => void {
  const [events, options] = splitOptions(given);
  if (events.length === 0) throw refused("EventHandler needs the events to handle: @EventHandler(FunctionDeployed)");
  const mark = markOf(events, options);
  return (handler) => {
    const prototype = typeof handler === "function" ? (handler.prototype as unknown) : undefined;
    if (typeof prototype !== "object" || prototype === null) {
      throw refused(`EventHandler marks classes, not ${called(handler)}; functions need listen only`);
    }
    markKey(prototype, "handle", mark);
  };
}
