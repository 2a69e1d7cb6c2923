// Nothing that is thrown, returned or passed ends the process. Each runs in one of its own, where a crash would show.

import assert from "node:assert/strict";
import { test } from "node:test";

import { EVENT } from "./native.js";
import { lines, moduleOf, run } from "./program.js";

/** Runs lines with the bridge at hand; they have to say that they came to their end. */
function survives(text: string, program: string[] = []): string {
  const before = `
    import { bridge } from ${moduleOf("internals.js")};
    import * as native from ${moduleOf("internals.js")};
    const b = bridge();
    const EVENT = ${JSON.stringify(EVENT)};
    const serve = (answer) => b.serve(answer, (thrown) => ({ message: "it threw" }));
    const deliver = (target, times = 1, atOnce = 1) =>
      b.ask((call) => native.deliverRepeatedly(b.native, call, target, EVENT, times, atOnce));
    const failed = async (work) => (await work.then(() => null, (error) => error))?.code;
  `;
  const [node, ...rest] = lines(`${before}${text}\nconsole.log("came to its end");`);
  const ran = run([node!, ...program, ...rest]);
  assert.deepEqual([ran.code, ran.signal], [0, null], JSON.stringify(ran));
  assert.ok(ran.stdout.endsWith("came to its end\n"), JSON.stringify(ran));
  return ran.stderr;
}

test("a handler may throw anything, at once or later", () => {
  const stderr = survives(`
    const hostile = new Proxy(function () {}, new Proxy({}, { get() { return () => { throw new Error("trap"); }; } }));
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    const named = Object.defineProperty(new Error("x"), "message", { get() { throw new Error("getter"); } });
    const deep = () => deep() + 1;
    const ways = [
      () => { throw hostile; }, () => { throw revoked.proxy; }, () => { throw named; }, () => deep(), () => { null.x; },
      async () => { throw hostile; }, async () => { throw revoked.proxy; }, async () => deep(),
      () => hostile, () => revoked.proxy,
    ];
    for (const way of ways) {
      if (await failed(deliver(serve(way))) !== "handler_failed") throw new Error(String(way));
    }
  `);
  assert.equal(stderr, "");
});

test("a handler may return anything that looks like a promise", () => {
  const stderr = survives(`
    const twice = { then(resolve, reject) { resolve(1); reject(2); resolve(3); throw new Error("after"); } };
    const both = { then(resolve, reject) { reject(1); resolve(2); } };
    const throwing = { then() { throw new Error("then"); } };
    const getter = { get then() { throw new Error("getter"); } };
    const nested = { then(resolve) { resolve(throwing); } };
    const outcomes = [];
    for (const each of [twice, both, throwing, getter, nested]) outcomes.push(await failed(deliver(serve(() => each))));
    const expected = [undefined, "handler_failed", "handler_failed", "handler_failed", "handler_failed"];
    if (JSON.stringify(outcomes) !== JSON.stringify(expected)) throw new Error(JSON.stringify(outcomes));
  `);
  assert.equal(stderr, "");
});

test("a handler that never answers keeps nobody else waiting", () => {
  survives(`
    const never = serve(() => new Promise(() => {}));
    const begun = b.begin((call) => native.deliverRepeatedly(b.native, call, never, EVENT, 100, 100));
    begun.promise.catch(() => {});
    await deliver(serve(() => null), 100, 10);
    begun.abandon(new Error("enough"));
  `);
});

test("no function of the native module takes anything amiss", () => {
  const stderr = survives(`
    const spare = new native.NativeBridge(() => {});
    const junk = [
      undefined, null, true, -1, 0, 1.5, NaN, Infinity, 2 ** 60, -(2 ** 63), 10n, Symbol("s"),
      "", "text", "\\ud800", "{}", "[".repeat(1e5), [], [1], ["a"], [null], {}, Object.create(null), () => {}, class {},
      new Date(NaN), new Uint8Array(3), new Proxy({}, {}), spare, new native.Engine(spare), native.NativeBridge.prototype, native.Engine.prototype, Promise.resolve(1), globalThis,
    ];
    const at = (index) => junk[index % junk.length];
    const called = { refused: 0, taken: 0 };
    const attempt = (work) => {
      try { work(); called.taken += 1; } catch (error) { called.refused += 1; }
    };
    const functions = [native.version, native.newId, native.upcast, native.checkConformance, native.deliverRepeatedly];
    const names = (of) => Object.getOwnPropertyNames(of.prototype).filter((name) => name !== "constructor");
    const methods = (of) => names(of).map((name) => [of, name]);
    for (let one = 0; one < junk.length; one += 1) {
      for (let other = 0; other < junk.length; other += 1) {
        const args = [at(one), at(other), at(one + other), at(other * 7), at(one * 5), at(one + 3)];
        for (const each of functions) attempt(() => each(...args.slice(0, other % 7)));
        for (const [of, name] of [...methods(native.NativeBridge), ...methods(native.Engine)]) {
          if (at(one) !== spare || name !== "close") attempt(() => of.prototype[name].apply(at(one), args.slice(1)));
          const own = of === native.Engine ? new native.Engine(spare) : spare;
          if (name !== "close") attempt(() => own[name](...args));
        }
        attempt(() => new native.NativeBridge(...args));
        attempt(() => new native.Engine(...args));
        attempt(() => native.NativeBridge(...args));
        attempt(() => Reflect.construct(native.Engine, args, native.NativeBridge));
      }
    }
    if (called.refused < 10000 || called.taken < 1000) throw new Error(JSON.stringify(called));
    spare.close();
    await deliver(serve(() => null), 10);
  `);
  assert.equal(stderr, "");
});

test("closing twice, calling after it, settling and draining what is not there are harmless", () => {
  survives(`
    const own = new native.NativeBridge(() => {});
    const engine = new native.Engine(own);
    for (const call of [0, 1, -1, 2 ** 53]) {
      own.settle(call, "{}");
      own.settle(call, "no JSON", call);
    }
    own.giveBack(7);
    own.hold();
    own.hold();
    own.release();
    own.release();
    own.close();
    own.close();
    const kinds = [];
    const record = (work) => { try { work(); } catch (error) { kinds.push(JSON.parse(error.message).kind); } };
    record(() => engine.open(1, JSON.stringify({ directory: ".", host_command: [], lease_wait_s: 0 })));
    record(() => native.deliverRepeatedly(own, 2, 1, EVENT, 1, 1));
    record(() => engine.head(3));
    if (kinds.join() !== "unavailable,unavailable,invalid_input") throw new Error(kinds.join());
    if (own.drain().length !== 0) throw new Error("something is left");
    own.settle(1, "{}", 1);
    own.hold();
    own.release();
    engine.close();
  `);
});

test("a function to be woken with that throws ends nothing", () => {
  const stderr = survives(`
    let woken = 0;
    const own = new native.NativeBridge(() => { woken += 1; if (woken % 2 === 1) throw new Error("no"); throw undefined; });
    const next = async () => {
      for (;;) {
        const [job, more] = own.drain();
        if (more !== undefined) throw new Error("one at a time");
        if (job !== undefined) return job;
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    own.hold();
    for (let times = 1; times <= 5; times += 1) {
      native.deliverRepeatedly(own, times, 1, EVENT, 1, 1);
      const asked = await next();
      own.settle(asked.call, "{}");
      const done = await next();
      if (asked.kind !== 1 || done.kind !== 0 || done.call !== times) throw new Error(JSON.stringify([asked, done]));
    }
    // What was queued may be taken before the loop comes to wake anybody.
    while (woken === 0) await new Promise((resolve) => setImmediate(resolve));
    own.close();
    own.release();
  `);
  assert.equal(stderr, "");
});

test("a panic of ours is an answer, and no more", () => {
  const stderr = survives(`
    const target = serve(() => "wrong");
    const port = { target, role: "secret_resolver", name: "toy", methods: ["resolve"], schemes: ["toy"] };
    const sample = { known: ["toy:a", "a value of some length"], other: ["toy:b", "another one"], unknown: "toy:none" };
    const check = () =>
      b.ask((call) => native.checkConformance(b.native, call, JSON.stringify(port), JSON.stringify(sample)));
    const claims = await Promise.all([check(), check(), check()]);
    if (!claims.every((claim) => typeof claim === "string" && claim !== "")) throw new Error(JSON.stringify(claims));
    await deliver(serve(() => null), 10);
  `);
  assert.match(stderr, /panicked/, "it was one");
});

test("engines, handlers and what they threw may be collected at any time", () => {
  survives(
    `
    for (let round = 0; round < 50; round += 1) {
      const engine = new native.Engine(b.native);
      const target = serve(async () => { gc(); throw {}; });
      const begun = b.begin((call) => native.deliverRepeatedly(b.native, call, target, EVENT, 3, 3));
      begun.promise.catch(() => {});
      if (round % 2 === 0) begun.abandon(null);
      new native.NativeBridge(() => {}).hold();
      await new Promise((resolve) => setImmediate(resolve));
      gc();
    }
    process.exitCode = 0;
    setImmediate(() => process.exit());
  `,
    ["--expose-gc"],
  );
});
