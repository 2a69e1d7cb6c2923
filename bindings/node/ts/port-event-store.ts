/** Event stores written in TypeScript. */

import type { CloudEventObject } from "./cloudevent.js";
import { delivered } from "./delivered.js";
import { StorageError } from "./errors.js";
import { kindOf } from "./options.js";
import { Calls, memberOf, type Method, type Port, Role, type Shape } from "./port.js";
import { isEvent, written } from "./port-event.js";
import type { Append, Fence } from "./ports/event-store.js";
import { type Codec, field, recordOf, shown, text, Unfit, whole } from "./record.js";

/** What an event store is. @internal */
export const EVENT_STORE: Role = new Role(
  "event_store",
  ["append", "readStream", "readAll", "streams", "head", "wait"],
  [],
  StorageError,
);

/** A time, as RFC 3339 text. */
const moment: Codec<unknown> = {
  read: (value) => {
    if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
    throw new Unfit(value instanceof Date ? "is a Date of no time" : `must be a Date, not ${shown(value)}`);
  },
  write: (value) => value,
  holds: (value) => value instanceof Date,
};

const APPENDED: Shape = {
  name: "Appended",
  fields: { position: field("position", whole), version: field("version", whole) },
};
const STREAM_INFO: Shape = {
  name: "StreamInfo",
  fields: { name: field("name", text), version: field("version", whole), updated: field("updated", moment) },
};
const FENCE = recordOf<Fence>("Fence", { name: field("name", text), token: field("token", whole) });

/**
 * An event store for the native module.
 *
 * @throws InvalidInputError It is none.
 *
 * @internal
 */
export function eventStore(port: unknown): Port {
  EVENT_STORE.check(port);
  const name = kindOf(port);
  const target = new EventStoreCalls(EVENT_STORE, port, name);
  return { target, role: EVENT_STORE.name, name, methods: EVENT_STORE.methodsOf(port), schemes: [] };
}

class EventStoreCalls extends Calls {
  protected readonly methods: { readonly [method: string]: Method } = {
    append: async ([stream, expected, events, fence], context) => {
      const append: Append = {
        stream,
        expected,
        events: (events as CloudEventObject[]).map((event) => delivered(event)),
        fence: fence === null ? null : FENCE.fromJSON(fence),
      };
      return this.record("append", await this.ask("append", append, context), APPENDED);
    },
    read_stream: async ([stream, after, limit], context) => {
      return this.#events("readStream", await this.ask("readStream", stream, after, limit, context));
    },
    read_all: async ([after, limit], context) => {
      return this.#events("readAll", await this.ask("readAll", after, limit, context));
    },
    streams: async ([prefix], context) => {
      return this.records("streams", await this.ask("streams", prefix, context), STREAM_INFO);
    },
    head: async (_, context) => {
      return this.number("head", await this.ask("head", context), "a position, 0 for an empty log");
    },
    wait: async ([after, atMostMs], context) => {
      await this.ask("wait", after, atMostMs / 1000, context);
      return null;
    },
  };

  #events(method: string, answer: unknown): object[] {
    return this.items(method, answer, "RecordedEvent").map((recorded) => this.#recorded(method, recorded));
  }

  #recorded(method: string, recorded: object): object {
    const stream = memberOf(recorded, "stream");
    const event = memberOf(recorded, "event");
    const place = (name: string): number => {
      const expected = `RecordedEvent with a number from 1 on as its \`${name}\``;
      return this.number(method, memberOf(recorded, name), expected);
    };
    if (!isEvent(event)) {
      const expected = "RecordedEvent with an event, or a CloudEvents object, as its `event`";
      throw this.refuse(method, event, expected);
    }
    return {
      position: place("position"),
      stream: this.text(method, stream, "RecordedEvent with text as its `stream`"),
      version: place("version"),
      event: written(event),
    };
  }
}
