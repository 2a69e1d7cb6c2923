/** `EventBus`: who gets an event, in which order, how often, and what of failures. */

import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";

import {
  ApplicationEvent,
  CancelledError,
  EventBus,
  EventHandler,
  FunctionDeployed,
  HandlerFailedError,
  InvalidInputError,
  listen,
  TimeoutError,
  UnavailableError,
} from "semantest-iac";

import { DomainEvent, OrderPlaced } from "./core-events.js";
import { failure, gate } from "./project.js";

const ping = (number = 0): ApplicationEvent => new ApplicationEvent("Ping", { number });
const pong = (number = 0): ApplicationEvent => new ApplicationEvent("Pong", { number });
const numberOf = (event: ApplicationEvent): number => (event.data as { number: number }).number;

/** A bus, and what is heard on it. */
class Heard {
  readonly bus = new EventBus();
  readonly log: string[] = [];

  /** Includes a handler that notes what it hears, and does `work`. */
  handler(name: string, events: string | readonly string[], work: (event: any) => unknown = () => undefined): this {
    this.bus.include(
      listen(...[events].flat(), { name })((event: ApplicationEvent) => {
        this.log.push(`${name}:${event.eventType}`);
        return work(event);
      }),
    );
    return this;
  }
}

test("handlers hear in the order of their inclusion", async () => {
  const heard = new Heard().handler("a", "Ping").handler("b", ["Pong", "Ping"]).handler("c", "Pong");
  await heard.bus.publish(ping());
  assert.deepEqual(heard.log, ["a:Ping", "b:Ping"]);
});

test("a bus without handlers takes any event", async () => {
  const event = ping();
  assert.deepEqual(await new EventBus().publish(event), { event, answer: null });
});

test("what is given for an event of the core is nothing, as declared, so that a handler may give it back", async () => {
  const bus = new EventBus();
  assert.equal(await bus.publish(new OrderPlaced(1)), undefined);
  const heard = new Heard().handler("first", "Ping", () => bus.publish(new OrderPlaced(2)));
  await heard.bus.publish(ping());
  assert.deepEqual(heard.log, ["first:Ping"]);
});

test("an event published by a handler is delivered before its publish ends", async () => {
  const heard = new Heard();
  heard.handler("first", "Ping", async () => {
    await heard.bus.publish(pong());
    heard.log.push("after");
  });
  heard.handler("late", "Ping").handler("pong", "Pong");
  await heard.bus.publish(ping());
  assert.deepEqual(heard.log, ["first:Ping", "pong:Pong", "after", "late:Ping"]);
});

test("events that a handler gives back are published", async () => {
  const numbers: number[] = [];
  const heard = new Heard().handler("one", "Ping", () => pong(1)).handler("more", "Ping", async () => [pong(2), pong(3)]);
  heard.handler("pong", "Pong", (event) => void numbers.push(numberOf(event)));
  await heard.bus.publish(ping());
  assert.deepEqual(numbers, [1, 2, 3]);
});

for (const junk of ["text", 7, { a: 1 }, [ping(-1), "text"], FunctionDeployed, new Map()]) {
  test(`giving back anything but events is a failure that says so: ${JSON.stringify(junk) ?? String(junk)}`, async () => {
    const heard = new Heard().handler("wrong", "Ping", () => junk).handler("other", "Ping").handler("pong", "Pong");
    const error: any = await failure(heard.bus.publish(ping()));
    assert(error.cause instanceof TypeError);
    assert.match(error.message, /wrong returned .*nothing, an event or a list of events/);
    assert.deepEqual(heard.log, ["wrong:Ping", "other:Ping"]);
  });
}

test("a failing handler keeps the event from nobody, and what it threw is the cause", async () => {
  const [first, second] = [new Error("boom"), "bang"];
  const heard = new Heard();
  heard.handler("one", "Ping", async () => Promise.reject(first)).handler("between", "Ping");
  heard.handler("two", "Ping", () => {
    throw second;
  });
  heard.handler("last", "Ping");
  const event = ping();
  const error: any = await failure(heard.bus.publish(event));
  assert(error instanceof HandlerFailedError);
  assert.deepEqual(heard.log, ["one:Ping", "between:Ping", "two:Ping", "last:Ping"]);
  assert.deepEqual(error.failures, [
    { handler: "one", eventId: event.eventId, error: first },
    { handler: "two", eventId: event.eventId, error: second },
  ]);
  assert.equal(error.cause, first);
  assert.match(error.message, /2 handlers failed on Ping: one: Error: boom; two: it threw string/);
  assert.equal(error.context["event_id"], event.eventId);
  assert.equal(error.retry, "never");
});

test("what is worth another try says so", async () => {
  const heard = new Heard().handler("a", "Ping", () => {
    throw new UnavailableError("not yet", { retry: "later" });
  });
  assert.equal(((await failure(heard.bus.publish(ping()))) as HandlerFailedError).retry, "later");
});

test("a failure inside is told through the handler that published", async () => {
  const boom = new Error("boom");
  const heard = new Heard();
  heard.handler("outer", "Ping", () => heard.bus.publish(pong()).then(() => undefined));
  heard.handler("inner", "Pong", () => {
    throw boom;
  });
  const error = (await failure(heard.bus.publish(ping()))) as HandlerFailedError;
  assert.deepEqual(error.failures.map(({ handler }) => handler), ["outer"]);
  const inner = error.failures[0]?.error as HandlerFailedError;
  assert.deepEqual(inner.failures.map((each) => [each.handler, each.error]), [["inner", boom]]);
});

test("all events given back are published though one fails somebody", async () => {
  const numbers: number[] = [];
  const heard = new Heard().handler("answer", "Ping", () => [pong(1), pong(2)]);
  heard.handler("picky", "Pong", (event) => {
    numbers.push(numberOf(event));
    assert.notEqual(numberOf(event), 1, "boom");
  });
  const error = (await failure(heard.bus.publish(ping()))) as HandlerFailedError;
  assert.deepEqual(numbers, [1, 2]);
  assert.deepEqual(error.failures.map(({ handler }) => handler), ["picky"]);
});

test("a handler sees an event once, by its id", async () => {
  const heard = new Heard().handler("a", "Ping");
  const event = ping();
  await heard.bus.publish(event);
  await heard.bus.publish(event);
  heard.handler("b", "Ping");
  await heard.bus.publish(event);
  await heard.bus.publish(new ApplicationEvent("Ping", {}, { eventId: event.eventId }));
  assert.deepEqual(heard.log, ["a:Ping", "b:Ping"]);
});

test("objects of Semantest's core are events, each with an id of its own", async () => {
  const heard = new Heard().handler("a", "OrderPlaced");
  const order = new OrderPlaced(1);
  await heard.bus.publish(order);
  await heard.bus.publish(order);
  await heard.bus.publish(new OrderPlaced(1));
  assert.deepEqual(heard.log, ["a:OrderPlaced", "a:OrderPlaced"]);
});

test("a handler that failed gets the event again when it is published again", async () => {
  let tries = 0;
  const heard = new Heard().handler("other", "Ping").handler("flaky", "Ping", () => {
    tries += 1;
    assert.notEqual(tries, 1, "not yet");
  });
  const event = ping();
  await failure(heard.bus.publish(event));
  await heard.bus.publish(event);
  await heard.bus.publish(event);
  assert.equal(tries, 2);
  assert.deepEqual(heard.log, ["other:Ping", "flaky:Ping", "flaky:Ping"]);
});

test("a handler remembers a limited number of events", async () => {
  const heard = new Heard().handler("a", "Ping");
  const first = ping();
  await heard.bus.publish(first);
  for (let count = 0; count < 4096; count += 1) await heard.bus.publish(ping());
  await heard.bus.publish(first);
  assert.equal(heard.log.length, 4098);
});

test("a handler that passes its event on does not hear it again", async () => {
  const heard = new Heard();
  heard.handler("a", "Ping", async (event) => {
    await heard.bus.publish(event);
    return event;
  });
  await heard.bus.publish(ping());
  assert.deepEqual(heard.log, ["a:Ping"]);
});

test("handlers that publish in a circle are stopped", async () => {
  const heard = new Heard();
  heard.handler("ping", "Ping", () => pong()).handler("pong", "Pong", () => heard.bus.publish(ping()).then(() => undefined));
  let error: unknown = await failure(heard.bus.publish(ping()));
  while (error instanceof HandlerFailedError) error = error.failures[0]?.error;
  assert(error instanceof InvalidInputError);
  assert.match(error.message, /in a circle/);
});

test("a handler that starts the next round and ends is no circle", async () => {
  const heard = new Heard();
  const done = gate();
  heard.handler("ping", "Ping", (event) => {
    if (numberOf(event) === 120) done.open();
    else setImmediate(() => void heard.bus.publish(ping(numberOf(event) + 1)));
  });
  await heard.bus.publish(ping());
  await done.opened;
  assert.equal(heard.log.length, 121);
});

test("a handler that takes too long is not waited for: its signal is aborted and it counts as failed", async () => {
  const bus = new EventBus();
  let signal: AbortSignal | undefined;
  const hangs = (_event: unknown, context: { readonly signal: AbortSignal }): Promise<never> => {
    signal = context.signal;
    return new Promise(() => undefined);
  };
  bus.include(listen("Ping", { timeout: 0.01, name: "hangs" })(hangs));
  // What the test waits for keeps the process alive; a handler's clock does not.
  const alive = setInterval(() => undefined, 1000);
  const error = (await failure(bus.publish(ping()))) as HandlerFailedError;
  clearInterval(alive);
  assert(error.cause instanceof TimeoutError);
  assert.match(error.message, /hangs took more than 0\.01 s on Ping/);
  assert.equal(signal?.aborted, true);
});

test("what becomes of a handler that is not waited for any more is nobody's business", async () => {
  const bus = new EventBus();
  const ended = gate();
  const late = async (): Promise<never> => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    ended.open();
    throw new Error("too late");
  };
  bus.include(listen("Ping", { timeout: 0.01 })(late));
  assert((await failure(bus.publish(ping()))) instanceof HandlerFailedError);
  await ended.opened;
  await turn();
});

test("time that a handler waits for what it publishes is not its own", async () => {
  const bus = new EventBus();
  bus.include(
    listen("Ping", { timeout: 0.3 })(() => bus.publish(pong()).then(() => undefined)),
    listen("Pong")(() => new Promise((resolve) => setTimeout(resolve, 600))),
  );
  await bus.publish(ping());
});

test("a publisher that gives up is let go at once, and nobody else is called", async () => {
  const heard = new Heard();
  const abort = new AbortController();
  let signal: AbortSignal | undefined;
  heard.bus.include(
    listen("Ping")((_event, context) => {
      signal = context.signal;
      queueMicrotask(() => abort.abort("enough"));
      return new Promise(() => undefined);
    }),
  );
  heard.handler("next", "Ping");
  const error: any = await failure(heard.bus.publish(ping(), { signal: abort.signal }));
  assert(error instanceof CancelledError);
  assert.equal(error.cause, "enough");
  assert.equal(signal?.aborted, true);
  await turn();
  assert.deepEqual(heard.log, []);
  assert((await failure(heard.bus.publish(ping(), { signal: abort.signal }))) instanceof CancelledError);
});

for (const junk of [null, undefined, "Ping", 7, FunctionDeployed, { number: 1 }, { eventType: "Ping" }]) {
  test(`publishing what is no event is refused: ${JSON.stringify(junk) ?? String(junk)}`, async () => {
    const error = await failure(new EventBus().publish(junk as never));
    assert(error instanceof InvalidInputError);
    assert.match(error.message, /publish takes an event/);
  });
}

test("data that are not JSON are refused before anybody hears of them", async () => {
  const heard = new Heard().handler("a", "OrderPlaced");
  const error = await failure(heard.bus.publish(new OrderPlaced(Number.NaN)));
  assert(error instanceof InvalidInputError);
  assert.match(error.message, /orderNumber/);
  assert.deepEqual(heard.log, []);
});

test("events published at the same time do not mix", async () => {
  const bus = new EventBus();
  const pairs: [string, string | null][] = [];
  const pings = Array.from({ length: 20 }, (_, number) => ping(number));
  bus.include(
    listen("Ping")(async (event: ApplicationEvent) => {
      for (let turns = numberOf(event) % 3; turns > 0; turns -= 1) await turn();
      await bus.publish(pong(numberOf(event)));
    }),
    listen("Pong")((event: ApplicationEvent) => {
      pairs.push([pings[numberOf(event)]?.eventId ?? "", event.causationId]);
    }),
  );
  await Promise.all(pings.map((event) => bus.publish(event)));
  assert.equal(pairs.length, 20);
  for (const [id, cause] of pairs) assert.equal(id, cause);
});

test("functions and objects with `handle` subscribe, until they end it", async () => {
  const bus = new EventBus();
  const heard: string[] = [];
  class Handler {
    constructor(private readonly name: string) {}
    async handle(event: { readonly eventType: string }): Promise<void> {
      heard.push(`${this.name} ${event.eventType}`);
    }
  }
  const end = bus.subscribe("Ping", (event) => void heard.push(`function ${event.eventType}`));
  bus.subscribe("Ping", new Handler("object"));
  bus.subscribe(OrderPlaced, (event) => void heard.push(`order ${event.orderNumber}`));
  await bus.publish(ping());
  await bus.publish(new OrderPlaced(7));
  end();
  end();
  await bus.publish(ping());
  assert.deepEqual(heard, ["function Ping", "object Ping", "order 7", "object Ping"]);
});

for (const wrong of [null, undefined, "handler", 3, {}, { handle: "text" }]) {
  test(`what cannot handle does not subscribe: ${JSON.stringify(wrong) ?? "undefined"}`, () => {
    assert.throws(() => new EventBus().subscribe("Ping", wrong as never), /a function, or an object with `handle`/);
  });
}

class Marked {
  handle(): void {}
}
EventHandler("Ping")(Marked);

const unmarked = (): void => {};
const marked = listen("Ping")(() => undefined);

for (const [given, said] of [
  [Marked, /Marked has handlers that need an instance: include new Marked/],
  [EventBus, /EventBus is no handler/],
  [new (class Unmarked {})(), /an object of type Unmarked is no handler/],
  [unmarked, /unmarked is no handler/],
  [3, /an object of type number is no handler/],
  [null, /is no handler/],
  [ping(), /ApplicationEvent is an event; include what listens for it/],
  [new OrderPlaced(1), /OrderPlaced is an event/],
] as const) {
  test(`what is no handler is refused: ${String(said)}`, () => {
    assert.throws(() => new EventBus().include(given), (error: any) => {
      return error instanceof InvalidInputError && said.test(error.message);
    });
  });
}

test("nothing is included twice, and of several all or none", async () => {
  const bus = new EventBus();
  const object = new Marked();
  bus.include(marked, object);
  assert.throws(() => bus.include(marked), /is included already/);
  assert.throws(() => bus.include(object), /Marked\.handle is included already/);
  bus.include(new Marked());
  assert.throws(() => new EventBus().include(marked, marked), /is included already/);
  const heard = new Heard();
  const noting = listen("Ping")(() => void heard.log.push("heard"));
  assert.throws(() => heard.bus.include(noting, 3), InvalidInputError);
  await heard.bus.publish(ping());
  assert.deepEqual(heard.log, []);
  heard.bus.include(noting);
});

test("a bus may be made by a class that tells nobody", async () => {
  class Bus extends EventBus {
    #count = 0;
    readonly events: DomainEvent[] = [];
    note(event: DomainEvent): number {
      this.events.push(event);
      return (this.#count += 1);
    }
  }
  const bus = new Bus();
  bus.subscribe("OrderPlaced", (event) => void bus.note(event));
  await bus.publish(new OrderPlaced(1));
  assert.equal(bus.events.length, 1);
});
