// How TypeScript and Rust call each other.

import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";

import { DeployedProject } from "./deployed-project.js";
import { bridge, checkConformance, deliver, Engine, EVENT, newId, open, port, upcast, version } from "./native.js";
import { ended, lines, moduleOf } from "./program.js";

const explain = (thrown: unknown): object => ({ message: `it threw ${typeof thrown}` });

/** A cycle. */
function cycle(): object {
  const one: { self?: object } = {};
  one.self = one;
  return one;
}

test("what a target throws comes back as the very object, whatever it is", async () => {
  const objects = [new Error("boom"), Object.freeze({}), Object.create(null), () => {}];
  const thrown = [...objects, "text", 0, undefined, null, Symbol("s"), 5n];
  for (const each of thrown) {
    for (const answer of [() => { throw each; }, async () => { throw each; }, () => Promise.reject(each)]) {
      const target = bridge.serve(answer, explain);
      const error = await deliver(target).then(() => assert.fail("it did not fail"), (error: any) => error);
      assert.equal(error.code, "handler_failed");
      assert.equal(error.operation, "handler.handle");
      assert.equal(error.message, `it threw ${typeof each}`);
      assert.ok("cause" in error && Object.is(error.cause, each));
      bridge.forget(target);
    }
  }
});

test("what cannot even be described is an error all the same", async () => {
  const hostile = new Proxy({}, { get() { throw new Error("no"); }, getPrototypeOf() { throw new Error("no"); } });
  const target = bridge.serve(
    () => { throw hostile; },
    (thrown: any) => ({ message: thrown.message }),
  );
  await assert.rejects(deliver(target), (error: any) => {
    assert.equal(error.message, "it threw something that cannot be described");
    return error.code === "handler_failed" && error.cause === hostile;
  });
});

test("an error keeps what its record says", async () => {
  const record = { kind: "held", message: "wait", operation: "mine.do", context: { by: "me", since: 3 }, retry: "later" };
  const target = bridge.serve(() => { throw record; }, (thrown: object) => thrown);
  const error: any = await deliver(target).catch((error: unknown) => error);
  const { code, message, operation, context, retry, cause } = error;
  assert.deepEqual({ code, message, operation, context, retry, cause }, {
    code: "held", message: "wait", operation: "mine.do", context: { by: "me", since: "3" }, retry: "later", cause: record,
  });
});

test("a record that is none counts as what the target's failures are", async () => {
  for (const record of [null, 3, "text", [], { kind: "no such kind" }, { kind: 5, retry: "never again", context: [] }]) {
    const target = bridge.serve(() => { throw new Error("boom"); }, () => record);
    const error: any = await deliver(target).catch((error: unknown) => error);
    assert.equal(error.code, "handler_failed", JSON.stringify(record));
  }
});

test("a target that is gone is said to be gone", async () => {
  const target = bridge.serve(() => null, explain);
  await deliver(target);
  bridge.forget(target);
  await assert.rejects(deliver(target), { code: "unavailable" });
});

test("whoever is called for nobody any more is told so", async () => {
  let left: unknown;
  let calls = 0;
  const target = bridge.serve((_: string, attendance: { signal: AbortSignal }) => {
    calls += 1;
    if (calls === 1) return Promise.reject(new Error("the first one fails"));
    attendance.signal.addEventListener("abort", () => { left = attendance.signal.reason; });
    return new Promise(() => {});
  }, explain);
  await assert.rejects(deliver(target, 2, 2), { message: "it threw object" });
  while (left === undefined) await new Promise((resolve) => setImmediate(resolve));
  assert.equal((left as Error).name, "AbortError");
});

test("a target sees the asynchronous context that it was given in", async () => {
  const storage = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const see = async (): Promise<void> => {
    seen.push(storage.getStore());
    await null;
    seen.push(storage.getStore());
  };
  const inside = storage.run("inside", () => bridge.serve(see, explain));
  const outside = bridge.serve(see, explain);
  await storage.run("another", () => deliver(inside));
  await storage.run("another", async () => {
    await deliver(outside);
    assert.equal(storage.getStore(), "another");
  });
  assert.deepEqual(seen, ["inside", "inside", undefined, undefined]);
});

test("calls that are answered at once and calls that wait all get their own answers", async () => {
  let at = 0;
  let running = 0;
  let most = 0;
  const target = bridge.serve(async () => {
    at += 1;
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => (at % 3 === 0 ? setImmediate(resolve) : resolve(null)));
    running -= 1;
  }, explain);
  await Promise.all(Array.from({ length: 10 }, () => deliver(target, 100, 16)));
  assert.equal(at, 1000);
  assert.equal(running, 0);
  assert.ok(most > 1);
});

test("a call that is abandoned is rejected at once, and what comes of it is passed over", async () => {
  let open = (): void => {};
  const target = bridge.serve(() => new Promise<void>((resolve) => { open = resolve; }), explain);
  const { deliverRepeatedly } = await import("./native.js");
  const begun = bridge.begin((call: number) => deliverRepeatedly(bridge.native, call, target, EVENT, 1, 1));
  const reason = new Error("enough");
  begun.abandon(reason);
  begun.abandon(new Error("twice"));
  await assert.rejects(begun.promise, reason);
  await deliver(bridge.serve(() => null, explain));
  open();
  await deliver(bridge.serve(() => null, explain));
});

test("an abandoned call keeps no process alive, and one that is waited for does", () => {
  const begin = `
    import { bridge, deliverRepeatedly } from ${moduleOf("internals.js")};
    const target = bridge().serve(() => new Promise((resolve) => setTimeout(resolve, 300).unref()), () => ({}));
    const begun = bridge().begin((call) => deliverRepeatedly(bridge().native, call, target, ${JSON.stringify(EVENT)}, 1, 1));
    begun.promise.then(() => console.log("done"), () => console.log("abandoned"));`;
  assert.equal(ended(0, lines(begin)).stdout, "done\n");
  assert.equal(ended(0, lines(`${begin}\nbegun.abandon(new Error());`)).stdout, "abandoned\n");
});

test("what was thrown is let go of once nobody can tell of it", () => {
  const text = `
    import { bridge, deliverRepeatedly } from ${moduleOf("internals.js")};
    const refs = [];
    const target = bridge().serve(() => {
      const error = new Error("x".repeat(1000));
      refs.push(new WeakRef(error));
      throw error;
    }, () => ({}));
    const deliver = (times) => (call) =>
      deliverRepeatedly(bridge().native, call, target, ${JSON.stringify(EVENT)}, times, 8);
    const once = (times) => bridge().ask(deliver(times)).catch(() => {});
    for (let i = 0; i < 50; i += 1) await once(8);
    await new Promise((resolve) => setImmediate(resolve));
    // The jobs that tell of it came with whatever is done next.
    bridge().forget(target);
    await once(1);
    await new Promise((resolve) => setImmediate(resolve));
    gc();
    console.log(refs.length >= 50, refs.filter((ref) => ref.deref() !== undefined).length);`;
  const [program, ...rest] = lines(text);
  assert.equal(ended(0, [program!, "--expose-gc", ...rest]).stdout, "true 0\n");
});

test("an answer that JSON has not is an error that says whose it was", async (t) => {
  const { folder } = new DeployedProject(t);
  let answer: unknown;
  const providers = [port("provider", ["lower", "observe", "apply", "delete", "discover", "diagnose"], () => answer)];
  const engine = await open(folder, { providers });
  const ask = (): Promise<unknown> =>
    bridge.ask((call: number) => engine.query(call, JSON.stringify({ diagnose: { provider: "toy" } })));
  answer = [{ name: "it", ok: true, detail: "fine" }];
  assert.deepEqual(await ask(), answer);
  let deep: unknown[] = [];
  for (let level = 0; level < 500; level += 1) deep = [deep];
  for (answer of [cycle(), 5n, { toJSON() { throw new Error("no"); } }, deep]) {
    await assert.rejects(ask(), (error: any) => {
      assert.equal(error.code, "provider");
      assert.ok(error.message.startsWith("provider.diagnose of toy returned what is no JSON"), error.message);
      return true;
    });
  }
  for (answer of [undefined, null, 5, "text", {}, () => {}]) {
    await assert.rejects(ask(), (error: any) => error.code === "provider" && error.message.includes("expected a list"));
  }
  engine.close();
});

test("whole numbers that JavaScript cannot hold are refused, both ways", async (t) => {
  const { folder } = new DeployedProject(t);
  const methods = ["append", "read_stream", "read_all", "streams", "head", "wait"];
  const store = port("event_store", methods, (method) => (method === "head" ? 2 ** 60 : []));
  const engine = await open(folder, { store });
  const event = EVENT.replace("{}", '{"number":1152921504606846977}');
  const published: any = await bridge.ask((call: number) => engine.publish(call, event));
  assert.equal(published.error.kind, "unsupported");
  assert.ok(published.error.message.includes("2^53 - 1"), published.error.message);
  await assert.rejects(bridge.ask((call: number) => engine.head(call)), (error: any) => {
    assert.ok(error.message.includes(String(2 ** 60)), error.message);
    return error.code === "unsupported";
  });
  for (const after of [0, 2 ** 53 - 1]) {
    assert.deepEqual(await bridge.ask((call: number) => engine.events(call, after, 1, [], 0)), { events: [], next: after });
  }
  engine.close();
});

test("an event with a whole number that JavaScript cannot hold is handed to nobody rather than rounded", async (t) => {
  const { folder } = new DeployedProject(t);
  const engine = await open(folder);
  const heard: unknown[] = [];
  const target = bridge.serve((event: string) => void heard.push(JSON.parse(event).data), explain);
  await bridge.ask((call: number) => engine.subscribe(call, target, "mine", []));
  const publish = (data: string, at: number): Promise<any> => {
    return bridge.ask((call: number) => engine.publish(call, EVENT.replace("{}", data).replace('"e1"', `"e${at}"`)));
  };
  const page = (after: number): Promise<any> => bridge.ask((call: number) => engine.events(call, after, 10, [], 0));
  const exact = [
    '{"n":9007199254740991,"m":-9007199254740991}',
    '{"n":"9007199254740993","9007199254740993":1}',
    '{"n":1e300,"m":0.30000000000000004,"k":12345678901234567000000000000}',
    '{"n":"\\"9007199254740993"}',
  ];
  for (const [at, data] of exact.entries()) assert.deepEqual((await publish(data, at)).failed, []);
  assert.deepEqual(heard, exact.map((data) => JSON.parse(data)));
  const inexact = ['{"n":9007199254740992}', '{"n":[{"m":-9007199254740993}]}', '[18446744073709551615]'];
  for (const [at, data] of inexact.entries()) {
    const { failed } = await publish(data, 10 + at);
    assert.deepEqual(failed.map(({ error }: any) => error.kind), ["unsupported"], data);
    assert.ok(failed[0].error.message.includes("handler `mine`"), failed[0].error.message);
  }
  assert.deepEqual((await publish("{}", 20)).failed, []);
  assert.equal(heard.length, exact.length + 1);
  // What stands before such an event is not lost, and neither is what comes after it.
  const first = await page(0);
  assert.deepEqual([first.events.length, first.next], [4, 4]);
  for (const after of [4, 5, 6]) {
    await assert.rejects(page(after), (error: any) => {
      assert.ok(error.message.includes(`at position ${after + 1}`) && error.message.includes("2^53 - 1"), error.message);
      return error.code === "unsupported" && error.context.position === String(after + 1);
    });
  }
  assert.deepEqual((await page(7)).events.map(([position]: [number]) => position), [8]);
  engine.close();
});

test("a handler that a bus was given is called by its number until it is given back", async (t) => {
  const { folder } = new DeployedProject(t);
  const given: { handler: number; name: string }[] = [];
  const bus = port("event_bus", ["publish", "subscribe", "unsubscribe"], (method, args) => {
    if (method === "subscribe") return given.push(args[1]);
    return method === "publish" ? [] : null;
  });
  const engine = await open(folder, { bus });
  const seen: string[] = [];
  const target = bridge.serve((event: string) => { seen.push(JSON.parse(event).type); }, explain);
  await bridge.ask((call: number) => engine.subscribe(call, target, "mine", []));
  const mine = given.find(({ name }) => name === "mine")!;
  const hand = (event: string): Promise<unknown> =>
    bridge.ask((call: number) => bridge.native.deliver(call, mine.handler, event));
  assert.equal(await hand(EVENT), null);
  assert.deepEqual(seen, ["com.shop.SomethingNoted"]);
  for (const junk of ["", "no JSON", "null", "{}", "[]"]) await assert.rejects(hand(junk), { code: "invalid_input" });
  bridge.native.giveBack(mine.handler);
  bridge.native.giveBack(mine.handler);
  await assert.rejects(hand(EVENT), { code: "not_found" });
  engine.close();
});

test("a handler that a failing bus was given is taken back", async (t) => {
  const { folder } = new DeployedProject(t);
  let last = 0;
  let fails = false;
  const bus = port("event_bus", ["publish", "subscribe", "unsubscribe"], (method, args) => {
    if (method !== "subscribe") return method === "publish" ? [] : null;
    last = args[1].handler;
    if (fails) throw new Error("no more");
    return 1;
  });
  const engine = await open(folder, { bus });
  fails = true;
  const target = bridge.serve(() => null, explain);
  const subscribed = bridge.ask((call: number) => engine.subscribe(call, target, "mine", []));
  await assert.rejects(subscribed, { message: "it threw Error: no more" });
  await assert.rejects(bridge.ask((call: number) => bridge.native.deliver(call, last, EVENT)), { code: "not_found" });
  engine.close();
});

test("an engine that is not open says so, and one that was closed stays closed", async (t) => {
  const { folder } = new DeployedProject(t);
  const fresh = new Engine(bridge.native);
  const ask = (engine: any): Promise<unknown> => bridge.ask((call: number) => engine.head(call));
  await assert.rejects(ask(fresh), { code: "invalid_input", message: "this Iac is not open" });
  const engine = await open(folder);
  assert.equal(await ask(engine), 0);
  engine.cancel(12345);
  engine.close();
  engine.close();
  await assert.rejects(ask(engine), { code: "invalid_input", message: "this Iac is not open" });
  const again = JSON.stringify({ directory: folder, host_command: [], lease_wait_s: 0 });
  await assert.rejects(bridge.ask((call: number) => engine.open(call, again)), { code: "cancelled" });
});

test("settings that are none are refused, and say why", async () => {
  for (const settings of ["", "null", "{}", '{"directory":3}', '{"directory":".","host_command":[],"lease_wait_s":-1}']) {
    const engine = new Engine(bridge.native);
    await assert.rejects(bridge.ask((call: number) => engine.open(call, settings)), { code: "invalid_input" });
  }
});

test("a port's suite tells which promise is broken", async () => {
  const check = (made: object, sample: unknown): Promise<unknown> =>
    bridge.ask((call: number) => checkConformance(bridge.native, call, JSON.stringify(made), JSON.stringify(sample)));
  const resolver = port("secret_resolver", ["resolve"], () => null);
  const [known, other] = [["toy:known", "a value of some length"], ["toy:other", "another one"]];
  const claim = await check(resolver, { known, other, unknown: "toy:none" });
  assert.ok(typeof claim === "string" && claim.length > 0);
  await assert.rejects(check(resolver, { known: "a secret" }), (error: any) => {
    assert.ok(!error.message.includes("a secret"), error.message);
    return error.code === "invalid_input";
  });
  await assert.rejects(check({ ...resolver, role: "nothing" }, null), { code: "invalid_input" });
  await assert.rejects(check({}, null), { code: "invalid_input" });
});

test("events outside of any log are named, numbered and brought up to date", () => {
  assert.match(version(), /^\d+\.\d+\.\d+$/);
  assert.match(newId(), /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  assert.notEqual(newId(), newId());
  assert.deepEqual(JSON.parse(upcast(EVENT)), { ...JSON.parse(EVENT), datacontenttype: "application/json" });
  for (const junk of ["", "null", "{}", "[".repeat(100_000)]) {
    assert.throws(() => upcast(junk), (error: any) => JSON.parse(error.message).kind === "invalid_input");
  }
});
