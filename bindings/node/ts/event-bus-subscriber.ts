/** One handler of an `EventBus`, and the events that it gets: each once, and in time. */

import { handling, idOf } from "./causation.js";
import { overdue } from "./event-bus-failures.js";
import type { Listener } from "./listener.js";
import { isEvent, type AnyEvent } from "./live-event.js";
import { called, type Mark, merged } from "./mark.js";
import { Clock, RanOut } from "./patience.js";

/** How many events a handler remembers to have seen. */
const REMEMBERED = 4096;

/** A listener on a bus, with its memory of the events it was given last. @internal */
export class Subscriber {
  readonly listener: Listener;
  /** What it asks for; it is called once however many marks do. */
  readonly mark: Mark;
  readonly #given = new Set<string>();

  constructor(listener: Listener) {
    this.listener = listener;
    this.mark = merged(listener.marks);
  }

  /** Whether the event is new to the handler, which remembers it from now on. */
  begin(event: object): boolean {
    const id = idOf(event);
    if (this.#given.has(id)) return false;
    this.#given.add(id);
    if (this.#given.size > REMEMBERED) {
      for (const oldest of this.#given) {
        this.#given.delete(oldest);
        break;
      }
    }
    return true;
  }

  /** The handler failed: it gets the event again where that is published once more. */
  forget(event: object): void {
    this.#given.delete(idOf(event));
  }

  /**
   * Calls the handler, and then `after` with the events that it gave back, both with `event` as their cause.
   *
   * Rejects with what the handler throws, and with a `TimeoutError` of ours when it takes too long.
   */
  handle<T>(event: object, after: (given: readonly AnyEvent[]) => Promise<T>, outer?: AbortSignal): Promise<T> {
    const { name, call } = this.listener;
    const clock = new Clock(this.mark.timeout);
    const work = async (signal: AbortSignal): Promise<unknown> => call(this.mark.asked(event), { signal });
    return handling(
      event,
      async () => {
        const result = await clock.spend(work, outer).catch((error: unknown) => {
          throw error instanceof RanOut ? overdue(name, event, this.mark.timeout ?? 0) : error;
        });
        return after(eventsIn(name, result));
      },
      clock,
    );
  }
}

/** The events that a handler gave back. @throws TypeError It gave something else. */
function eventsIn(handler: string, result: unknown): readonly AnyEvent[] {
  if (result === undefined || result === null) return [];
  const given: readonly unknown[] = Array.isArray(result) ? result : [result];
  for (const each of given) {
    if (isEvent(each)) continue;
    const inside = Array.isArray(result) ? " in a list" : "";
    const kind = typeof each === "function" ? `the class ${called(each)}` : called(each);
    throw new TypeError(`${handler} returned ${kind}${inside}; a handler returns nothing, an event or a list of events`);
  }
  return given as readonly AnyEvent[];
}
