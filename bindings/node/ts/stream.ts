/** The log as a stream: pages of events, one crossing into the native module each. */

import type { CloudEventObject } from "./cloudevent.js";
import { delivered } from "./delivered.js";
import type { ApplicationEvent, InfrastructureEvent } from "./event.js";
import { type Mark, markOf } from "./listen.js";
import { optionsOf, refused, shown, signalOrNull, textOrNull, time } from "./options.js";
import { aborted, type Session } from "./session.js";

/** Events a crossing. */
const PAGE = 256;
/** Seconds that one crossing waits for new events. */
const WAIT = 20;

/** Options of `iac.events`. */
export interface EventsOptions {
  /** Only those after this `position`: where one had come to before. */
  readonly after?: number | null | undefined;
  /** Only those recorded then or later. */
  readonly since?: Date | null | undefined;
  /** Of this component only. */
  readonly component?: string | null | undefined;
  /** Of this environment only. */
  readonly environment?: string | null | undefined;
  /** Go on waiting for what is recorded. */
  readonly follow?: boolean | null | undefined;
  /** Ends the stream with an error. */
  readonly signal?: AbortSignal | null | undefined;
}

type Event = InfrastructureEvent | ApplicationEvent;

const NAMES = ["after", "since", "component", "environment", "follow", "signal"] as const;

/** Which events of the log. @internal */
export class Wanted {
  private constructor(
    readonly mark: Mark,
    readonly after: number,
    readonly since: string | null,
    readonly component: string | null,
    readonly environment: string | null,
    readonly follow: boolean,
    readonly signal: AbortSignal | null,
  ) {}

  /**
   * As a user asks for them: events, then options.
   *
   * @throws InvalidInputError Something that is no event, or no option.
   */
  static checked(given: readonly unknown[]): Wanted {
    const last = given.at(-1);
    const events = typeof last === "object" && last !== null ? given.slice(0, -1) : given;
    const options = optionsOf("events", typeof last === "object" && last !== null ? last : null, NAMES);
    if (options.follow !== undefined && typeof options.follow !== "boolean") {
      throw refused(`follow must be true or false, not ${shown(options.follow)}`);
    }
    return new Wanted(
      markOf(events),
      positionOf(options.after),
      options.since === undefined ? null : time("since", options.since),
      textOrNull("component", options.component),
      textOrNull("environment", options.environment),
      options.follow ?? false,
      signalOrNull(options.signal),
    );
  }

  /** Whether it is one of those asked for, as far as their names did not tell. */
  admits(event: Event): boolean {
    if (!this.mark.namesTell && !this.mark.wants(event)) return false;
    if (this.component === null && this.environment === null) return true;
    const [, environment, ...component] = event.subject.split("/");
    return (
      (this.environment ?? environment) === environment &&
      (this.component ?? component.join("/")) === component.join("/")
    );
  }
}

function positionOf(after: unknown): number {
  if (after === undefined) return 0;
  if (typeof after === "number" && Number.isSafeInteger(after) && after >= 0) return after;
  const given = typeof after === "number" ? String(after) : shown(after);
  throw refused(`after must be a position in the log, from 0 on, not ${given}`);
}

/** Events of the log, oldest first. What waits for more of them ends at once where whoever iterates goes away. */
export class EventStream<E = Event> implements AsyncIterableIterator<E> {
  readonly #left = new AbortController();
  readonly #events: AsyncGenerator<E, undefined>;

  /** @internal */
  constructor(ready: () => Promise<Session>, wanted: Wanted) {
    this.#events = pages(ready, wanted, this.#left.signal) as AsyncGenerator<E, undefined>;
  }

  /** The next event. */
  next(): Promise<IteratorResult<E, undefined>> {
    return this.#events.next();
  }

  /** Nobody reads on. */
  return(): Promise<IteratorResult<E, undefined>> {
    this.#left.abort();
    return this.#events.return(undefined);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

async function* pages(
  ready: () => Promise<Session>,
  wanted: Wanted,
  left: AbortSignal,
): AsyncGenerator<Event, undefined> {
  const signals = wanted.signal === null ? [left] : [left, wanted.signal];
  const names = [...wanted.mark.namesToAskFor];
  let { after } = wanted;
  try {
    after = Math.max(after, await began(ready, wanted, signals));
    for (;;) {
      const session = await ready();
      const wait = wanted.follow ? WAIT : 0;
      const page = await session.waitFor<{ events: [number, CloudEventObject][]; next: number }>(
        (engine, call) => engine.events(call, after, PAGE, names, wait),
        signals,
      );
      for (const [position, written] of page.events) {
        if (wanted.signal?.aborted === true) throw aborted(wanted.signal);
        const event = delivered(written, position);
        if (wanted.admits(event)) yield event;
      }
      if (page.next === after && !wanted.follow) return;
      after = page.next;
    }
  } catch (error) {
    // Nobody reads on: there is nobody to tell.
    if (left.aborted) return;
    throw error;
  }
}

async function began(ready: () => Promise<Session>, wanted: Wanted, signals: AbortSignal[]): Promise<number> {
  const { since } = wanted;
  if (since === null) return 0;
  const session = await ready();
  return session.waitFor<number>((engine, call) => engine.recordedBefore(call, since), signals);
}
