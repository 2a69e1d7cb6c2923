/** Handlers of the application, as the native module calls them. */

import type { Answering, Explaining } from "./bridge.js";
import { handling } from "./causation.js";
import { delivered } from "./delivered.js";
import { TimeoutError } from "./errors.js";
import type { HandlerContext, Listener, Mark } from "./listen.js";
import { isEvent } from "./live-event.js";
import { kindOf, shown } from "./options.js";
import { Clock, isThenable } from "./patience.js";
import { recordOf } from "./thrown.js";

/** Publishes what a handler returned. @internal */
export type Publish = (event: object) => Promise<unknown>;

/** What the native module calls with an event that `mark` of `listener` asks for. @internal */
export function deliverer(listener: Listener, mark: Mark, publish: Publish): Answering {
  const { name, call } = listener;
  const limit = mark.timeout;
  const ranOut = (): Error => hangs(name, limit);
  return (request, attendance) => {
    const event = delivered(request);
    // Names did not tell: every event comes, and base classes ask for some.
    if (!mark.namesTell && !mark.wants(event)) return null;
    const clock = new Clock(limit);
    const work = (context: HandlerContext): unknown => {
      return afterwards(name, call(mark.asked(event) as never, context), publish);
    };
    return handling(event, () => clock.within(attendance, work, ranOut), clock);
  };
}

/** What is said of a handler that threw. @internal */
export function explained(name: string): Explaining {
  return (thrown) => recordOf(thrown, "handler_failed", "handler.handle", `handler \`${name}\``);
}

function afterwards(name: string, result: unknown, publish: Publish): unknown {
  if (isThenable(result)) {
    // What only looks like a promise may do anything but that.
    return Promise.resolve(result).then((value) => (isNothing(value) ? null : publishAll(name, value, publish)));
  }
  return isNothing(result) ? null : publishAll(name, result, publish);
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null;
}

async function publishAll(name: string, result: unknown, publish: Publish): Promise<null> {
  const events: unknown[] = Array.isArray(result) ? [...(result as unknown[])] : [result];
  for (const event of events) {
    if (!isEvent(event)) {
      const kind = typeof event === "object" && event !== null ? kindOf(event) : shown(event);
      throw new TypeError(`${name} returned ${kind}; a handler returns nothing, an event or a list of events`);
    }
  }
  for (const event of events as object[]) await publish(event);
  return null;
}

function hangs(name: string, limit: number | null): TimeoutError {
  const text =
    `handler \`${name}\` did not end within ${limit} s and is not waited for any more: give it more time with ` +
    "`timeout` of listen, or have it start what takes long and return";
  return new TimeoutError(text, { operation: "handler.handle" });
}
