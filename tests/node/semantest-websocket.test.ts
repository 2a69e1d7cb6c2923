/** The bridge to Semantest's WebSocket server, against a stand-in with the documented behaviour. */

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import {
  type AnyEvent,
  ApplicationEvent,
  CancelledError,
  type CloudEvent,
  DeploymentRequested,
  EventHandler,
  FunctionDeployed,
  HandlerFailedError,
  InvalidInputError,
  listen,
  TimeoutError,
  UnavailableError,
  WebSocketBridge,
  type WebSocketBridgeOptions,
} from "semantest-iac";
import { WebSocket } from "ws";

import { OrderPlaced } from "./core-events.js";
import { failure, gate, open } from "./project.js";
import { ended, moduleOf } from "./program.js";
import { SemantestServer } from "./semantest-standin.js";

const deployed = (functionName = "f"): FunctionDeployed => {
  return new FunctionDeployed({ functionName, arn: "a", component: "c", environment: "dev", provider: "local" });
};

/** A bridge that is closed when the test ends; what it complains of is kept. */
function bridge(t: TestContext, url: string, options: WebSocketBridgeOptions = {}): WebSocketBridge & { complaints: Error[] } {
  const complaints: Error[] = [];
  const reconnect = { first: 0.01, longest: 0.05 };
  const made = new WebSocketBridge(url, { reconnect, onError: (error) => complaints.push(error), ...options });
  t.after(() => made.close());
  return Object.assign(made, { complaints });
}

/** What a handler hears, and a way to wait for it. */
class Heard {
  readonly events: CloudEvent[] = [];
  #waiting: { count: number; open: () => void }[] = [];

  readonly keep = (event: CloudEvent): void => {
    this.events.push(event);
    for (const { count, open } of this.#waiting) if (this.events.length >= count) open();
  };

  async until(count: number): Promise<readonly CloudEvent[]> {
    const { opened, open } = gate();
    this.#waiting.push({ count, open });
    if (this.events.length < count) await opened;
    return this.events;
  }
}

test("an event that is published is stored with its own id, time and correlation", async (t) => {
  const server = await SemantestServer.run(t);
  const there = bridge(t, server.url);
  const event = deployed();
  const stored = await there.publish(event);
  const [line] = server.store;
  assert.equal(stored.eventId, line?.event.eventId);
  assert.equal(stored.correlationId, event.correlationId);
  assert.equal(line?.event.eventType, "FunctionDeployed");
  assert.deepEqual(line?.event.payload, {
    functionName: "f",
    arn: "a",
    component: "c",
    environment: "dev",
    provider: "local",
  });
  assert.equal(line?.event.metadata["ceId"], event.eventId);
  assert.equal(line?.event.metadata["ceTime"], event.time.toISOString());
  assert.equal(line?.event.metadata["correlationId"], event.correlationId);
});

test("an older server that reads the correlation in the metadata gets it too", async (t) => {
  const server = await SemantestServer.run(t);
  server.old = true;
  await bridge(t, server.url).publish(new ApplicationEvent("Noted", {}, { correlationId: "story" }));
  assert.equal(server.store[0]?.event.metadata["correlationId"], "story");
});

test("what is subscribed is heard as the event that was published, of its class", async (t) => {
  const server = await SemantestServer.run(t);
  const [sender, receiver] = [bridge(t, server.url), bridge(t, server.url)];
  const heard = new Heard();
  receiver.subscribe(FunctionDeployed, heard.keep);
  receiver.subscribe("Noted", heard.keep);
  await receiver.ready();
  const sent = [
    deployed(),
    new ApplicationEvent("com.shop.Noted", { some_text: "x" }, { subject: "s", causationId: "c", previousEventIds: ["c", "b"] }),
    new ApplicationEvent("Unheard"),
  ];
  for (const event of sent) await sender.publish(event);
  const [first, second] = await heard.until(2);
  assert(first instanceof FunctionDeployed);
  assert.equal(first.functionName, "f");
  assert(second instanceof ApplicationEvent);
  assert.equal(second.type, "com.shop.Noted");
  assert.deepEqual(second.data, { some_text: "x" });
  for (const [event, its] of [[first, sent[0]], [second, sent[1]]] as const) {
    assert.equal(event.eventId, its?.eventId);
    assert.deepEqual(event.time, its?.time);
    assert.equal(event.correlationId, its?.correlationId);
    assert.equal(event.causationId, its?.causationId);
    assert.deepEqual(event.previousEventIds, its?.previousEventIds);
  }
});

test("an event that comes twice is handled once, by its own id", async (t) => {
  const server = await SemantestServer.run(t);
  server.stutters = true;
  const there = bridge(t, server.url);
  const heard = new Heard();
  there.subscribe("Noted", heard.keep);
  await there.ready();
  const event = new ApplicationEvent("Noted");
  await there.publish(event);
  await there.publish(event);
  await there.publish(new ApplicationEvent("Noted", { last: true }));
  const events = await heard.until(2);
  assert.deepEqual(events.map(({ data }) => data), [{}, { last: true }]);
  assert.equal(server.store.length, 3);
});

test("a broken connection is made again, and what was subscribed is subscribed anew", async (t) => {
  const server = await SemantestServer.run(t);
  const there = bridge(t, server.url);
  const heard = new Heard();
  there.subscribe("Noted", heard.keep);
  there.include(listen("Other")((event: CloudEvent) => heard.keep(event)));
  await there.ready();
  for (let round = 1; round <= 3; round += 1) {
    server.breakAll();
    // It is the server that ends the connection: until then it looks as it did.
    while (server.connections === round) await new Promise((resolve) => setTimeout(resolve, 5));
    await there.ready();
    server.put({ eventType: round === 2 ? "Other" : "Noted", payload: { round } });
    assert.deepEqual((await heard.until(round)).at(-1)?.data, { round });
  }
  assert(there.complaints.every((error) => error instanceof UnavailableError && /is made again/.test(error.message)));
  assert.notEqual(there.complaints.length, 0);
});

test("a server that is gone without a word is noticed, and connected to again", async (t) => {
  const server = await SemantestServer.run(t);
  const there = bridge(t, server.url, { heartbeat: 0.1 });
  await there.ready();
  server.freeze();
  while (server.connections === 1) await new Promise((resolve) => setTimeout(resolve, 5));
  const event = new ApplicationEvent("Noted");
  await there.publish(event);
  assert.equal(server.store[0]?.event.metadata["ceId"], event.eventId);
});

test("events published while the server is away are sent when it is back, in order", async (t) => {
  const server = await SemantestServer.run(t);
  const there = bridge(t, server.url);
  await there.ready();
  await server.stop();
  const sent = [1, 2, 3].map((number) => there.publish(new ApplicationEvent("Noted", { number })));
  await server.start();
  await Promise.all(sent);
  assert.deepEqual(server.store.map(({ event }) => event.payload), [{ number: 1 }, { number: 2 }, { number: 3 }]);
});

test("an event that was not confirmed when the connection broke is sent again, and known by its id", async (t) => {
  const server = await SemantestServer.run(t);
  const there = bridge(t, server.url);
  await there.ready();
  server.confirms = false;
  const event = new ApplicationEvent("Noted");
  const published = there.publish(event);
  while (server.store.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  server.confirms = true;
  server.breakAll();
  const stored = await published;
  assert.equal(stored.eventId, server.store[1]?.event.eventId);
  assert.deepEqual(server.store.map((line) => line.event.metadata["ceId"]), [event.eventId, event.eventId]);
});

test("events of one correlation at the same time are each confirmed by their own", async (t) => {
  const server = await SemantestServer.run(t);
  const there = bridge(t, server.url);
  const sent = Array.from({ length: 50 }, (_, number) => {
    return there.publish(new ApplicationEvent("Noted", { number }, { correlationId: `story-${number % 3}` }));
  });
  const ids = (await Promise.all(sent)).map(({ eventId }) => eventId);
  assert.deepEqual(ids, server.store.map(({ event }) => event.eventId));
});

test("a server that does not confirm in time is a timeout, which says that nobody knows", async (t) => {
  const server = await SemantestServer.run(t);
  server.confirms = false;
  const error = await failure(bridge(t, server.url, { timeout: 0.05 }).publish(deployed()));
  assert(error instanceof TimeoutError);
  assert.match(error.message, /may or may not have stored it/);
  assert.equal(error.retry, "later");
});

test("a confirmation that comes too late is nobody else's", async (t) => {
  const server = await SemantestServer.run(t);
  server.confirms = false;
  const there = bridge(t, server.url);
  await there.ready();
  const publish = (number: number, signal?: AbortSignal): Promise<{ eventId: string }> => {
    return there.publish(new ApplicationEvent("Noted", { number }, { correlationId: "story" }), { signal });
  };
  const abort = new AbortController();
  const first = failure(publish(1, abort.signal));
  while (server.store.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
  abort.abort();
  assert((await first) instanceof CancelledError);
  const second = publish(2);
  while (server.store.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  const ids = server.store.map(({ event }) => event.eventId);
  for (const eventId of ids) server.say(JSON.stringify({ type: "event_stored", eventId, correlationId: "story" }));
  assert.equal((await second).eventId, ids[1]);
});

test("what was given up before the connection broke is not sent again, and waits for no confirmation", async (t) => {
  const server = await SemantestServer.run(t);
  server.confirms = false;
  const there = bridge(t, server.url, { most: 2 });
  await there.ready();
  const abort = new AbortController();
  const given = failure(there.publish(new ApplicationEvent("Given", {}, { correlationId: "story" }), { signal: abort.signal }));
  while (server.store.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
  abort.abort();
  await given;
  server.confirms = true;
  server.breakAll();
  while (server.connections === 1) await new Promise((resolve) => setTimeout(resolve, 5));
  const stored = await there.publish(new ApplicationEvent("Kept", {}, { correlationId: "story" }));
  assert.deepEqual(server.store.map(({ event }) => event.eventType), ["Given", "Kept"]);
  assert.equal(stored.eventId, server.store[1]?.event.eventId);
});

test("only so many events wait", async (t) => {
  const server = await SemantestServer.run(t);
  server.confirms = false;
  const there = bridge(t, server.url, { most: 2 });
  const waiting = [there.publish(deployed()), there.publish(deployed())].map(failure);
  assert((await failure(there.publish(deployed()))) instanceof UnavailableError);
  await there.close();
  for (const error of await Promise.all(waiting)) assert(error instanceof CancelledError);
});

test("whoever publishes may give up", async (t) => {
  const server = await SemantestServer.run(t);
  server.confirms = false;
  const there = bridge(t, server.url);
  const abort = new AbortController();
  const published = failure(there.publish(deployed(), { signal: abort.signal }));
  abort.abort("enough");
  const error: any = await published;
  assert(error instanceof CancelledError);
  assert.equal(error.cause, "enough");
  assert((await failure(there.publish(deployed(), { signal: abort.signal }))) instanceof CancelledError);
});

test("handlers are those of a bus: objects, classes, events given back, causes stamped", async (t) => {
  const server = await SemantestServer.run(t);
  const there = bridge(t, server.url);
  class Announce {
    handle(event: ApplicationEvent): ApplicationEvent {
      return new ApplicationEvent("Announced", { of: event.eventId });
    }
  }
  EventHandler("Noted")(Announce);
  const heard = new Heard();
  there.include(new Announce());
  const end = there.subscribe("Announced", heard.keep);
  there.subscribe(OrderPlaced, (order) => there.publish(new OrderPlaced(order.orderNumber + 1)).then(() => undefined));
  await there.ready();
  const noted = new ApplicationEvent("Noted");
  await there.publish(noted);
  const [announced] = await heard.until(1);
  assert.deepEqual(announced?.data, { of: noted.eventId });
  assert.equal(announced?.causationId, noted.eventId);
  end();
  const asked = server.received.filter(({ type }) => type === "subscribe").at(-1);
  await there.ready();
  assert.deepEqual(asked?.["eventTypes"], ["Announced", "Noted", "OrderPlaced"]);
  assert.throws(() => there.include(3), InvalidInputError);
});

test("a handler that fails is told of, and stops nothing", async (t) => {
  const server = await SemantestServer.run(t);
  const there = bridge(t, server.url);
  const boom = new Error("boom");
  const heard = new Heard();
  there.subscribe("Noted", async () => Promise.reject(boom), { name: "picky" });
  there.subscribe("Noted", heard.keep);
  await there.ready();
  await there.publish(new ApplicationEvent("Noted"));
  await there.publish(new ApplicationEvent("Noted"));
  await heard.until(2);
  const [error] = there.complaints as [HandlerFailedError];
  assert(error instanceof HandlerFailedError);
  assert.equal(error.cause, boom);
  assert.match(error.message, /picky: Error: boom/);
});

for (const said of [
  "",
  "no JSON",
  "[]",
  "null",
  '{"type":"event"}',
  '{"type":"event","envelope":null}',
  '{"type":"event","envelope":{"event":{"eventType":7}}}',
  '{"type":"event","envelope":{"event":{"eventType":"Noted","payload":{"__proto__":{"polluted":true}}}}}',
  '{"type":"event_stored"}',
  '{"type":"subscription_confirmed"}',
  '{"type":{}}',
  '{"__proto__":{"type":"event"}}',
  `{"type":"event","envelope":${"[".repeat(5000)}${"]".repeat(5000)}}`,
  '{"type":"error","message":"no"}',
]) {
  test(`nothing that a server says ends the bridge: ${said.slice(0, 60)}`, async (t) => {
    const server = await SemantestServer.run(t);
    const there = bridge(t, server.url);
    const heard = new Heard();
    there.subscribe("Noted", heard.keep);
    await there.ready();
    server.say(said);
    await there.publish(new ApplicationEvent("Noted", { fine: true }));
    assert.deepEqual((await heard.until(1)).map(({ data }) => data), [{ fine: true }]);
    assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
  });
}

test("a burst of more events than may wait is held back, and all of them are heard", async (t) => {
  const server = await SemantestServer.run(t);
  const there = bridge(t, server.url, { most: 8 });
  const heard = new Heard();
  there.subscribe("Noted", async (event) => {
    await new Promise((resolve) => setImmediate(resolve));
    heard.keep(event);
  });
  await there.ready();
  for (let number = 0; number < 500; number += 1) server.put({ eventType: "Noted", payload: { number } });
  const events = await heard.until(500);
  assert.deepEqual(events.map(({ data }) => (data as { number: number }).number), Array.from({ length: 500 }, (_, at) => at));
});

test("in a burst of more events than may wait, handlers may publish, and all of it is heard and stored", async (t) => {
  const server = await SemantestServer.run(t);
  const there = bridge(t, server.url, { most: 4 });
  const heard = new Heard();
  there.subscribe("Noted", async (event) => {
    await there.publish(new ApplicationEvent("Answered", { to: (event.data as { number: number }).number }));
    heard.keep(event);
  });
  await there.ready();
  const numbers = Array.from({ length: 300 }, (_, at) => at);
  for (const number of numbers) server.put({ eventType: "Noted", payload: { number } });
  const events = await heard.until(300);
  assert.deepEqual(events.map(({ data }) => (data as { number: number }).number), numbers);
  const answered = server.store.filter(({ event }) => event.eventType === "Answered");
  assert.deepEqual(answered.map(({ event }) => (event.payload as { to: number }).to), numbers);
  assert.deepEqual(there.complaints, []);
});

test("a handler may wait until what it subscribes is confirmed, in a burst too", async (t) => {
  const server = await SemantestServer.run(t);
  const there = bridge(t, server.url, { most: 2 });
  const heard = new Heard();
  let asked = false;
  there.subscribe("Noted", async (event) => {
    await new Promise((resolve) => setImmediate(resolve));
    if (!asked) {
      asked = true;
      there.subscribe("Other", () => undefined);
      await there.ready();
    }
    heard.keep(event);
  });
  await there.ready();
  for (let number = 0; number < 100; number += 1) server.put({ eventType: "Noted", payload: { number } });
  await heard.until(100);
});

test("while a confirmation does not come only so many events are taken in, and the rest is told of", async (t) => {
  const server = await SemantestServer.run(t);
  const there = bridge(t, server.url, { most: 1 });
  const heard = new Heard();
  there.subscribe("Noted", async (event) => {
    heard.keep(event);
    await there.publish(new ApplicationEvent("Answered")).catch(() => undefined);
  });
  await there.ready();
  server.confirms = false;
  for (let number = 0; number < 10_010; number += 1) server.put({ eventType: "Noted", payload: { number } });
  while (there.complaints.length < 8) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(heard.events.length, 1);
  assert(there.complaints.every((error) => error instanceof UnavailableError && /was left out/.test(error.message)));
});

test("any class of sockets will do; one that cannot be held back loses what is too much, and says so", async (t) => {
  const server = await SemantestServer.run(t);
  /** As browsers have them: without what only `ws` can. */
  class Plain {
    readonly #socket: WebSocket;
    constructor(url: string) {
      this.#socket = new WebSocket(url);
    }
    send(text: string): void {
      this.#socket.send(text);
    }
    close(code?: number): void {
      this.#socket.close(code);
    }
    addEventListener(type: any, listener: any): void {
      this.#socket.addEventListener(type, listener);
    }
  }
  const there = bridge(t, server.url, { WebSocket: Plain, most: 4 });
  const { opened, open: goOn } = gate();
  const heard = new Heard();
  there.subscribe("Noted", async (event) => {
    await opened;
    heard.keep(event);
  });
  await there.ready();
  for (let number = 0; number < 50; number += 1) server.put({ eventType: "Noted", payload: { number } });
  await there.publish(new ApplicationEvent("Other"));
  goOn();
  await heard.until(5);
  assert(there.complaints.length > 0);
  assert(there.complaints.every((error) => error instanceof UnavailableError && /was left out/.test(error.message)));
});

test("a closed bridge takes nothing, and says so", async (t) => {
  const server = await SemantestServer.run(t);
  const abort = new AbortController();
  for (const [there, close] of [
    [bridge(t, server.url), (made: WebSocketBridge) => made.close()],
    [bridge(t, server.url, { signal: abort.signal }), () => abort.abort()],
  ] as const) {
    await there.ready();
    const waiting = failure(there.publish(deployed()));
    await close(there);
    await there.close();
    assert((await waiting) instanceof CancelledError);
    assert.throws(() => there.subscribe("Noted", () => undefined), /is closed: make another one/);
    assert((await failure(there.publish(deployed()))) instanceof InvalidInputError);
    assert((await failure(there.ready())) instanceof InvalidInputError);
  }
  await bridge(t, server.url).close();
});

test("closing while it connects, or while it waits to, ends it", async (t) => {
  const server = await SemantestServer.run(t);
  const connecting = bridge(t, server.url);
  const ready = failure(connecting.ready());
  await connecting.close();
  assert((await ready) instanceof CancelledError);
  await server.stop();
  const away = bridge(t, server.url, { reconnect: { first: 60, longest: 60 } });
  const never = failure(away.ready());
  while (away.complaints.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await away.close();
  assert((await never) instanceof CancelledError);
});

const PROGRAM = (url: string, body: string): string[] => [
  process.execPath,
  "--input-type=module",
  "--eval",
  `import { WebSocketBridge, ApplicationEvent } from ${moduleOf("index.js")};
   const bridge = new WebSocketBridge(${JSON.stringify(url)}, { onError() {}, reconnect: { first: 60, longest: 60 } });
   ${body}`,
];

test("a process ends when its bridge is closed, whatever the server does", async (t) => {
  const server = await SemantestServer.run(t);
  // In a process of its own the server answers while this one waits for the other.
  const { spawn } = await import("node:child_process");
  for (const body of [
    "await bridge.ready(); await bridge.close();",
    'await bridge.publish(new ApplicationEvent("Noted")); bridge.subscribe("Noted", () => {}); await bridge.close();',
    "bridge.ready().catch(() => {}); await bridge.close();",
  ]) {
    const [program, ...args] = PROGRAM(server.url, body) as [string, ...string[]];
    const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
    assert.equal(await new Promise((resolve) => child.on("exit", resolve)), 0);
  }
  await server.stop();
  ended(0, PROGRAM(server.url, "bridge.ready().catch(() => {}); setTimeout(() => bridge.close(), 50);"));
  ended(0, PROGRAM(server.url, "// One that is not used does not even begin."));
});

for (const [url, options, said] of [
  ["http://localhost:8082", {}, /address of a WebSocket server/],
  ["nonsense", {}, /address of a WebSocket server/],
  ["ws://h", { timeout: 0 }, /`timeout` .* seconds/],
  ["ws://h", { timeout: "5" }, /`timeout` .* seconds/],
  ["ws://h", { most: 0 }, /`most`/],
  ["ws://h", { reconnect: { first: -1 } }, /`reconnect.first`/],
  ["ws://h", { WebSocket: "ws" }, /`WebSocket`/],
  ["ws://h", { onError: 3 }, /`onError`/],
  ["ws://h", { streams: [3] }, /`streams`/],
  ["ws://h", { source: 3 }, /`source`/],
] as const) {
  test(`a bridge that cannot be is refused: ${url} ${JSON.stringify(options)}`, () => {
    assert.throws(() => new WebSocketBridge(url, options as never), (error: any) => {
      return error instanceof InvalidInputError && said.test(error.message);
    });
  });
}

test("no message shows what may be a secret in the address", async (t) => {
  const server = await SemantestServer.run(t);
  await server.stop();
  const there = bridge(t, server.url.replace("ws://", "ws://user:s3cret@") + "?token=s3cret");
  void there.ready().catch(() => undefined);
  while (there.complaints.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  for (const error of there.complaints) assert(!JSON.stringify([error, error.message, error.stack]).includes("s3cret"));
  assert.throws(() => new WebSocketBridge("http://user:s3cret@host"), (error: any) => !error.message.includes("s3cret"));
});

test("events that the server cannot be asked for by name are refused", async (t) => {
  const server = await SemantestServer.run(t);
  const there = bridge(t, server.url);
  abstract class Base {
    abstract readonly eventType: string;
    readonly correlationId = "";
    readonly timestamp = new Date();
    toJSON(): object {
      return {};
    }
  }
  assert.throws(() => there.subscribe(Base, () => undefined), /by name, and Base has none/);
  await assert.rejects(there.publish({ nothing: true }), InvalidInputError);
});

test("a service that is asked for on Semantest's server is deployed, and what happened is told there", async (t) => {
  const server = await SemantestServer.run(t);
  const iac = await open(t);
  const there = bridge(t, server.url);
  const done = gate();
  there.subscribe("ServiceDeploymentNeeded", (event) => iac.publish(event).then(() => undefined));
  iac.subscribe(async (event: AnyEvent) => {
    await there.publish(event);
    if (event.eventType === "InfrastructureUpdated") done.open();
  }, FunctionDeployed, DeploymentRequested, "InfrastructureUpdated");
  await there.ready();
  const { event } = server.put({
    eventType: "ServiceDeploymentNeeded",
    aggregateId: "services",
    correlationId: "story",
    payload: { serviceType: "rest-api", environment: "dev", serviceConfig: {} },
    metadata: {},
  });
  await done.opened;
  const told = server.store.slice(1).map((line) => line.event);
  assert.deepEqual(told.map(({ eventType }) => eventType), ["DeploymentRequested", "FunctionDeployed", "InfrastructureUpdated"]);
  for (const { metadata } of told) {
    assert.equal(metadata["correlationId"], "story");
    assert.equal((metadata["previousEventIds"] as string[]).at(-1), event.eventId);
  }
  await there.close();
  await iac.destroy("rest-api");
});
