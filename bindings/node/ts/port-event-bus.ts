/** Event buses written in TypeScript. */

import { bridge } from "./bridge.js";
import { delivered } from "./delivered.js";
import { HandlerFailedError, InvalidInputError } from "./errors.js";
import { asJson, kindOf, shown } from "./options.js";
import { Calls, memberOf, type Method, type Port, Role } from "./port.js";
import { isEvent, written } from "./port-event.js";
import type { Raised } from "./port-raised.js";
import { EventFilter, type SubscribedHandler } from "./ports/event-bus.js";
import type { CloudEventObject, Event } from "./ports/event-store.js";
import { type ErrorData, recordOf } from "./thrown.js";

/** What an event bus is. @internal */
export const EVENT_BUS: Role = new Role("event_bus", ["publish", "subscribe", "unsubscribe"], [], HandlerFailedError);

/**
 * An event bus for the native module.
 *
 * @throws InvalidInputError It is none.
 *
 * @internal
 */
export function eventBus(port: unknown, raised: Raised): Port {
  EVENT_BUS.check(port);
  const name = kindOf(port);
  const target = new EventBusCalls(port, name, raised);
  return { target, role: EVENT_BUS.name, name, methods: EVENT_BUS.methodsOf(port), schemes: [] };
}

/** Lets go of handlers that a bus has let go of. */
const unheard = new FinalizationRegistry<number>((number) => bridge().native.giveBack(number));

/** A handler of the core, as the bus sees it: it can be called for as long as the bus has it. */
class Subscriber implements SubscribedHandler {
  readonly name: string;
  #number: number | null;

  constructor(lent: { readonly handler: number; readonly name: string }) {
    this.name = lent.name;
    this.#number = lent.handler;
    unheard.register(this, lent.handler, this);
  }

  /** It hears no more. */
  end(): void {
    if (this.#number !== null) bridge().native.giveBack(this.#number);
    this.#number = null;
    unheard.unregister(this);
  }

  async handle(event: Event | CloudEventObject): Promise<void> {
    if (!isEvent(event)) {
      const text = `a handler takes an event or a CloudEvents object, not ${shown(event)}`;
      throw new InvalidInputError(text, { operation: "event_bus.deliver" });
    }
    // A bus may outlive the project, and go on calling.
    const number = this.#number;
    if (number === null) return;
    const text = asJson(written(event), "the event");
    await bridge().ask((call) => bridge().native.deliver(call, number, text));
  }
}

class EventBusCalls extends Calls {
  readonly #raised: Raised;
  #subscribers = new Map<number, Subscriber>();

  constructor(port: object, name: string, raised: Raised) {
    super(EVENT_BUS, port, name);
    this.#raised = raised;
  }

  protected readonly methods: { readonly [method: string]: Method } = {
    publish: async ([events], context) => {
      const given = (events as CloudEventObject[]).map((event) => delivered(event));
      const failed = this.items("publish", await this.ask("publish", given, context), "FailedDelivery");
      return failed.map((one) => this.#failed(one));
    },
    subscribe: async ([filter, lent], context) => {
      const subscriber = new Subscriber(lent);
      const answer = await this.ask("subscribe", new EventFilter(filter.names, filter.streams), subscriber, context);
      const number = this.number("subscribe", answer, "the number of the subscription");
      this.#subscribers.set(number, subscriber);
      return number;
    },
    unsubscribe: async ([subscription], context) => {
      this.#subscribers.delete(subscription);
      await this.ask("unsubscribe", subscription, context);
      return null;
    },
  };

  /** The bus may outlive the project, and would go on calling. */
  override async end(): Promise<void> {
    const ending = this.#subscribers;
    this.#subscribers = new Map();
    for (const subscriber of ending.values()) subscriber.end();
    const { signal } = new AbortController();
    for (const subscription of ending.keys()) await this.ask("unsubscribe", subscription, { signal });
  }

  #failed(failed: object): object {
    const text = (name: string): string => {
      return this.text("publish", memberOf(failed, name), `FailedDelivery with text as its \`${name}\``);
    };
    const [handler, eventId] = [text("handler"), text("eventId")];
    return { handler, event_id: eventId, error: this.#why(handler, eventId, memberOf(failed, "error")) };
  }

  #why(handler: string, eventId: string, error: unknown): string | ErrorData {
    // Words of the bus's own, or text that was thrown: nobody can tell.
    if (typeof error === "string") return error;
    // The core keeps the words; who publishes gets what was thrown.
    this.#raised.keep(handler, eventId, error);
    return recordOf(error, "handler_failed", "handler.handle", `handler \`${handler}\``);
  }
}
