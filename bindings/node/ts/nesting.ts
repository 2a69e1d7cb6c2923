/**
 * Events that bring each other about, one inside the other: handlers that publish in a circle would do so until no memory
 * is left.
 */

import { current } from "./causation.js";
import { refused } from "./options.js";

/** More, one inside the other, are taken for a circle. */
const DEEPEST = 50;

/** Ids of what is being published in this environment. */
const underWay = new Set<unknown>();

/**
 * Has `event` published.
 *
 * @throws InvalidInputError Too many wait for each other already.
 *
 * @internal
 */
export async function nested<E extends { readonly id: unknown }, T>(
  event: E,
  publish: (event: E) => Promise<T>,
): Promise<T> {
  const cause = current();
  if (cause !== null) {
    const waiting = [cause.eventId, ...cause.previousEventIds].filter((id) => underWay.has(id));
    if (waiting.length >= DEEPEST) {
      const text = `${DEEPEST} events brought each other about, each inside of the one before`;
      throw refused(`${text}: handlers publish in a circle`);
    }
  }
  underWay.add(event.id);
  try {
    return await publish(event);
  } finally {
    underWay.delete(event.id);
  }
}
