/** Handlers of the application: how they are called, and what happens when they fail. */

import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";

import {
  ApplicationEvent,
  DeploymentRequested,
  EventHandler,
  FunctionDeployed,
  HandlerFailedError,
  Iac,
  InfrastructureEvent,
  InfrastructureUpdated,
  InvalidInputError,
  listen,
  ResourceCreated,
  TimeoutError,
  UnavailableError,
} from "semantest-iac";

import { all, failure, gate, noted, open } from "./project.js";

test("handlers hear what a deployment publishes, in order", async (t) => {
  const iac = await open(t);
  const heard: string[] = [];
  const announce = listen(FunctionDeployed)(async (event) => {
    await sleep(1);
    heard.push(`async ${event.functionName} ${event.endpoint !== null}`);
  });
  const count = listen(InfrastructureUpdated)((event) => {
    heard.push(`plain ${event.changes.created}`);
  });
  iac.include(announce, count);
  assert.equal((await iac.publish(new DeploymentRequested({ component: "rest-api" }))).status, "deployed");
  assert.deepEqual(heard, ["async shop-dev-rest-api true", "plain 2"]);
});

test("all that a run records goes back to its request", async (t) => {
  const iac = await open(t);
  const request = new DeploymentRequested({ component: "rest-api" }, { correlationId: "story-1" });
  await iac.publish(request);
  const [first, ...rest] = await iac.history("rest-api");
  assert.equal(first?.eventId, request.eventId);
  assert.ok(rest.length > 0);
  for (const event of rest) {
    assert.deepEqual([event.correlationId, event.causationId], ["story-1", request.eventId]);
    assert.deepEqual(event.previousEventIds, [request.eventId]);
  }
});

test("what a handler publishes goes back to what it handles", async (t) => {
  const iac = await open(t);
  const first = listen("First")(async () => {
    await sleep(1);
    await iac.publish(noted("Second"));
  });
  const second = listen("Second")(() => [noted("Third")]);
  const third = listen("Third")(async () => iac.publish({ type: "Fourth", data: {} }).then(() => {}));
  iac.include(first, second, third);
  const start = noted("First");
  await iac.publish(start);
  const [one, two, three, four] = await all(iac.events());
  assert.deepEqual([two?.causationId, three?.causationId, four?.causationId], [one?.eventId, two?.eventId, three?.eventId]);
  for (const event of [two, three, four]) assert.equal(event?.correlationId, start.eventId);
  assert.deepEqual(four?.previousEventIds, [three?.eventId, two?.eventId, one?.eventId]);
});

test("a failing handler stops nothing, and what it threw is the cause", async (t) => {
  const iac = await open(t);
  const boom = new RangeError("no paper");
  const heard: string[] = [];
  const printer = listen(FunctionDeployed, { name: "printer" })(async () => {
    throw boom;
  });
  const other = listen(FunctionDeployed, InfrastructureUpdated)((event) => void heard.push(event.eventType));
  iac.include(printer, other);
  const error = await failure(iac.publish(new DeploymentRequested({ component: "rest-api" })));
  assert.ok(error instanceof HandlerFailedError && error.code === "handler_failed");
  assert.equal(error.cause, boom);
  assert.equal(error.failures.length, 1);
  assert.equal(error.failures[0]?.handler, "printer");
  assert.equal(error.failures[0]?.error, boom);
  assert.ok(error.answer !== null && error.answer.status === "deployed");
  assert.match(error.message, /`printer` threw RangeError: no paper/);
  assert.equal((await iac.status("rest-api")).deployments[0]?.status, "deployed");
  assert.deepEqual(heard, ["FunctionDeployed", "InfrastructureUpdated"]);
});

class Odd extends Error {
  override get message(): string {
    throw new Error("looked at");
  }
}

const THROWN: readonly (readonly [name: string, thrown: unknown, said: RegExp])[] = [
  ["an error without a message", new TypeError(), /threw TypeError/],
  ["text", "no paper", /threw "no paper"/],
  ["an empty text", "", /threw ""/],
  ["a number", 0, /threw 0/],
  ["null", null, /threw null/],
  ["undefined", undefined, /threw undefined/],
  ["false", false, /threw false/],
  ["a symbol", Symbol("paper"), /threw Symbol\(paper\)/],
  ["a bigint", 7n, /threw 7/],
  ["a plain object", { message: "paper" }, /threw an object/],
  ["an object without a prototype", Object.create(null), /threw/],
  ["a function", (): void => {}, /threw/],
  ["a frozen error", Object.freeze(new Error("frozen")), /threw Error: frozen/],
  ["an error that cannot be read", new Odd(), /cannot be looked at/],
  [
    "a proxy that throws",
    new Proxy(
      {},
      {
        get: () => {
          throw new Error("looked at");
        },
        getPrototypeOf: () => {
          throw new Error("looked at");
        },
      },
    ),
    /cannot be looked at/,
  ],
];

test("whatever a handler throws comes out as the very same", async (t) => {
  const iac = await open(t);
  for (const [name, thrown, said] of THROWN) {
    for (const how of ["at once", "later"]) {
      await t.test(`${name}, ${how}`, async () => {
        const subscription = iac.subscribe(
          how === "later"
            ? async () => {
                await sleep(0);
                throw thrown;
              }
            : () => {
                throw thrown;
              },
          "SomethingNoted",
        );
        const error = await failure(iac.publish(noted()));
        await subscription.cancel();
        assert.ok(error instanceof HandlerFailedError);
        assert.ok(Object.hasOwn(error, "cause"));
        assert.ok(Object.is(error.cause, thrown));
        assert.ok(Object.is(error.failures[0]?.error, thrown));
        assert.match(error.message, said);
      });
    }
  }
});

test("half a surrogate pair in what a handler throws loses neither the cause nor another try", async (t) => {
  const iac = await open(t);
  const boom = new RangeError("half \ud800 of it");
  const thrown = iac.subscribe(() => Promise.reject(boom), "SomethingNoted");
  const error = await failure(iac.publish(noted()));
  await thrown.cancel();
  assert.ok(error instanceof HandlerFailedError);
  assert.equal(error.cause, boom);
  assert.match(error.message, /RangeError: half \ufffd of it/);
  let tries = 0;
  iac.subscribe(() => {
    tries += 1;
    if (tries < 3) throw new UnavailableError("not \udfff yet", { retry: "later", context: { "\ud800": "\ud800" } });
  }, "SomethingNoted");
  await iac.publish(noted());
  assert.equal(tries, 3);
});

test("every handler that fails is told", async (t) => {
  const iac = await open(t);
  const booms = [new Error("one"), new Error("two")];
  for (const boom of booms) {
    iac.subscribe(() => Promise.reject(boom), "SomethingNoted");
  }
  const error = await failure(iac.publish(noted()));
  assert.ok(error instanceof HandlerFailedError);
  assert.deepEqual(error.failures.map((failed) => failed.error), booms);
  assert.match(error.message, /\(and 1 more\)/);
});

test("a handler that asks for another try gets it", async (t) => {
  const iac = await open(t);
  const tries: string[] = [];
  iac.subscribe(async (event) => {
    tries.push(event.eventId);
    if (tries.length < 3) throw new UnavailableError("not yet", { retry: "later" });
  }, "SomethingNoted");
  await iac.publish(noted());
  assert.equal(tries.length, 3);
  assert.equal(new Set(tries).size, 1);
});

test("a handler that hangs is not waited for after its time, and is told so", async (t) => {
  const iac = await open(t);
  const ended = gate();
  let reason: unknown;
  const hangs = listen("SomethingNoted", { timeout: 0.1, name: "hangs" })(async (_event, { signal }) => {
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    reason = signal.reason;
    ended.open();
    throw new Error("nobody hears of this any more");
  });
  iac.include(hangs);
  const error = await failure(iac.publish(noted()));
  assert.ok(error instanceof HandlerFailedError);
  assert.match(error.message, /`hangs` did not end within 0\.1 s/);
  assert.ok(error.failures[0]?.error instanceof TimeoutError);
  await ended.opened;
  assert.equal(reason, error.failures[0].error);
  assert.equal((await all(iac.events())).length, 1, "the event is not lost");
});

test("time that a handler waits for a deployment is not its own", async (t) => {
  const iac = await open(t);
  const deploys = listen("SomethingNoted", { timeout: 0.02 })(async () => {
    // Longer than it has: a host is started.
    await iac.deploy("rest-api");
  });
  iac.include(deploys);
  await iac.publish(noted());
  assert.equal((await iac.status("rest-api")).deployments[0]?.status, "deployed");
});

test("what a handler returns is nothing, or events", async (t) => {
  const iac = await open(t);
  const junk = [7, "text", true, { type: "x" }, new Map(), [1], [noted(), null], new Date(), (): void => {}];
  for (const [index, returned] of junk.entries()) {
    const name = `Junk${index}`;
    iac.subscribe(index % 2 === 0 ? async () => returned : () => returned, name);
    const error = await failure(iac.publish(noted(name)));
    assert.ok(error instanceof HandlerFailedError);
    assert.match(error.message, /a handler returns nothing, an event or a list of events/);
  }
  iac.subscribe(() => null, "Fine");
  iac.subscribe(() => [], "Fine");
  await iac.publish(noted("Fine"));
  assert.equal((await all(iac.events())).length, junk.length + 1);
});

test("a thenable that throws is a handler that fails", async (t) => {
  const iac = await open(t);
  const boom = new Error("then");
  const thenables = [
    {
      get then(): never {
        throw boom;
      },
    },
    {
      then(): never {
        throw boom;
      },
    },
    {
      then(_resolve: unknown, reject: (error: unknown) => void): void {
        reject(boom);
      },
    },
  ];
  for (const [index, thenable] of thenables.entries()) {
    iac.subscribe(() => thenable, `Odd${index}`);
    const error = await failure(iac.publish(noted(`Odd${index}`)));
    assert.ok(error instanceof HandlerFailedError);
    assert.equal(error.cause, boom);
  }
});

test("handlers run in the asynchronous context in which they were included", async (t) => {
  const iac = await open(t);
  const where = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  where.run("including", () => iac.subscribe(() => void seen.push(where.getStore()), "SomethingNoted"));
  await where.run("publishing", () => iac.publish(noted()));
  assert.deepEqual(seen, ["including"]);
});

test("many kinds of handlers are included, and each only once", async (t) => {
  const iac = await open(t);
  const heard: string[] = [];
  class Audit {
    @listen(InfrastructureEvent)
    async everything(_event: InfrastructureEvent): Promise<void> {
      heard.push("method");
    }

    @listen("SomethingNoted")
    static ofClass(_event: ApplicationEvent): void {
      heard.push("static method");
    }
  }
  @EventHandler("SomethingNoted")
  class Keep {
    async handle(_event: ApplicationEvent): Promise<void> {
      heard.push("class");
    }
  }
  class Static {
    @listen("SomethingNoted")
    static hear(_event: ApplicationEvent): void {
      heard.push("static");
    }
  }
  const marked = listen("SomethingNoted")((_event: ApplicationEvent) => void heard.push("function"));
  const [audit, keep] = [new Audit(), new Keep()];
  iac.include(audit, keep, Static, marked);
  const subscription = iac.subscribe(() => void heard.push("lambda"), "SomethingNoted");
  for (const again of [audit, keep, Static, marked]) {
    assert.throws(() => iac.include(again), /included already/);
  }
  assert.throws(() => iac.include({}), /nothing marked/);
  assert.throws(() => iac.include(() => {}), /nothing marked/);
  assert.throws(() => iac.include(Audit), /need an instance/);
  assert.throws(() => iac.include(Keep), /need an instance/);
  for (const junk of [5, null, undefined, "handler"]) {
    assert.throws(() => iac.include(junk as unknown as object), InvalidInputError);
    assert.throws(() => iac.subscribe(junk as never), InvalidInputError);
  }
  assert.throws(() => iac.subscribe(Keep as never, "SomethingNoted"), /Keep \(a class\)/);
  assert.throws(() => iac.subscribe(() => {}, "SomethingNoted", { timeout: -1 }), InvalidInputError);
  assert.throws(() => iac.subscribe(() => {}, 5 as never), InvalidInputError);

  await iac.publish(noted());
  // Nothing of ours has happened: a listener of all of our events does not hear of others.
  assert.deepEqual(heard.sort(), ["class", "function", "lambda", "static"]);
  await subscription.cancel();
  await subscription.cancel();
  heard.length = 0;
  await iac.publish(noted());
  assert.ok(!heard.includes("lambda") && heard.includes("function"));
  heard.length = 0;
  await iac.deploy("rest-api");
  assert.deepEqual([...new Set(heard)], ["method"]);
});

test("a handler may include, publish and cancel while it handles", async (t) => {
  const iac = await open(t);
  const heard: string[] = [];
  const late = listen("Later")((event: ApplicationEvent) => void heard.push(event.name));
  const once = iac.subscribe(async () => {
    iac.include(late);
    await iac.publish(noted("Later"));
    await once.cancel();
  }, "SomethingNoted");
  await iac.publish(noted());
  await iac.publish(noted());
  assert.deepEqual(heard, ["Later"]);
});

test("what a handler includes during a run hears what the run records next", async (t) => {
  const iac = await open(t);
  const heard: string[] = [];
  const late = listen(InfrastructureUpdated)((event) => void heard.push(event.eventType));
  iac.include(
    listen(FunctionDeployed)(() => {
      // Included from within, and never by a call that would wait for it.
      iac.include(late);
    }),
  );
  await iac.deploy("rest-api");
  assert.deepEqual(heard, ["InfrastructureUpdated"]);
});

test("what is published at once after a handler was included is heard", async (t) => {
  const iac = await open(t);
  const heard: string[] = [];
  const names = ["First", "Second", "Third"];
  iac.subscribe((event) => void heard.push(event.eventType), ...names);
  await Promise.all(names.map((name) => iac.publish(noted(name))));
  assert.deepEqual(heard.sort(), ["First", "Second", "Third"]);
});

test("a subscription without names hears everything, with its own classes for what it names", async (t) => {
  const iac = await open(t);
  const heard: string[] = [];
  class Noted {
    static readonly eventType = "SomethingNoted";
    readonly eventType = "SomethingNoted";
    readonly timestamp = new Date();

    constructor(
      readonly correlationId: string,
      readonly text: unknown,
    ) {}

    static fromCloudEvent(event: { id: string; data: { text: string } }): Noted {
      return new Noted(event.id, event.data.text);
    }

    toCloudEvent(): object {
      return { specversion: "1.0", id: this.correlationId, source: "/shop", type: "SomethingNoted", data: { text: this.text } };
    }
  }
  iac.subscribe((event) => void heard.push(`all ${event.eventType}`));
  iac.subscribe((event) => void heard.push(`own ${event instanceof Noted && String(event.text)}`), Noted);
  await iac.publish(noted("SomethingNoted", { text: "a" }));
  await iac.publish(new Noted("own-1", "b") as never);
  assert.deepEqual(heard.sort(), ["all SomethingNoted", "all SomethingNoted", "own a", "own b"]);
});

test("events are delivered whole", async (t) => {
  const iac = await open(t);
  const seen: ResourceCreated[] = [];
  iac.subscribe((event) => void seen.push(event), ResourceCreated);
  await iac.deploy("rest-api");
  const recorded = await all(iac.events(ResourceCreated));
  assert.equal(recorded.length, 2);
  assert.deepEqual(seen.map((event) => event.toCloudEvent()), recorded.map((event) => event.toCloudEvent()));
  assert.deepEqual(seen.map((event) => event.outputs), recorded.map((event) => event.outputs));
});

test("a whole number that may have lost digits is refused where it is published", async (t) => {
  const iac = await open(t);
  const data = { order: [{ number: 2 ** 53 }] };
  const own = { eventType: "Own", correlationId: "", timestamp: new Date(), toCloudEvent: () => noted("Own", data).toCloudEvent() };
  for (const event of [noted("Noted", data), { type: "Noted", data }, own]) {
    const error = await failure(iac.publish(event));
    assert.ok(error instanceof InvalidInputError);
    assert.match(error.message, /`data\.order\.0\.number` of the event .* give it as text/);
  }
  const heard: unknown[] = [];
  iac.subscribe((event) => void heard.push(event.data), "Noted");
  const fine = { most: Number.MAX_SAFE_INTEGER, least: Number.MIN_SAFE_INTEGER, large: 1e300, larger: 2 ** 64, part: 0.1 };
  await iac.publish(noted("Noted", fine));
  assert.deepEqual(heard, [fine]);
  assert.equal((await all(iac.events())).length, 1);
});

test("handlers that publish in a circle are told", async (t) => {
  const iac = await open(t);
  iac.subscribe(async () => void (await iac.publish(noted())), "SomethingNoted");
  const error = await failure(iac.publish(noted()));
  assert.ok(error instanceof HandlerFailedError);
  let cause: unknown = error;
  while (cause instanceof HandlerFailedError) cause = cause.cause;
  assert.ok(cause instanceof InvalidInputError);
  assert.match(cause.message, /publish in a circle/);
});

test("a handler of one Iac may publish in another", async (t) => {
  const one = await open(t);
  const other = await open(t);
  one.subscribe(async () => void (await other.publish(noted("There"))), "SomethingNoted");
  const start = noted();
  await one.publish(start);
  const [there] = await all(other.events());
  assert.equal(there?.causationId, start.eventId);
  assert.ok(other instanceof Iac);
});
