/** A project over a cloud, a log, a bus and a vault that are written in TypeScript. */

import assert from "node:assert/strict";
import { inspect } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";

import {
  CancelledError,
  DeploymentFailedError,
  FunctionDeployed,
  HandlerFailedError,
  type Iac,
  InfrastructureUpdated,
  InfrastructureUpdateFailed,
  listen,
  ProviderError,
  SecretUnresolvedError,
  StorageError,
  ThrottledError,
  UnsupportedError,
  VersionConflictError,
} from "semantest-iac";
import type {
  Append,
  Appended,
  Applied,
  Change,
  Event,
  EventFilter,
  FailedDelivery,
  Invoked,
  Operation,
  PortContext,
  SubscribedHandler,
} from "semantest-iac/ports";

import { MemoryBus, MemoryProvider, MemoryStore, MemoryVault, TalkativeProvider } from "./ports-in-memory.js";
import { CANARY, Elsewhere } from "./ports-project.js";
import { all, failure, gate, noted } from "./project.js";

const FUNCTION = "shop-dev-rest-api-rest-api";

/** How the one run that failed ended. */
async function failedRun(iac: Iac): Promise<InfrastructureUpdateFailed> {
  const history = await iac.history("rest-api");
  const [failed, ...others] = history.filter((event) => event instanceof InfrastructureUpdateFailed);
  assert.ok(failed !== undefined && others.length === 0);
  return failed;
}

test("a project lives over ports in TypeScript", async (t) => {
  const there = new Elsewhere(t);
  const { cloud, log, bus, vault } = there.memory;
  const heard: string[] = [];
  const first = await there.open();
  first.include(listen(FunctionDeployed, InfrastructureUpdated)((event) => void heard.push(event.eventType)));
  const answer = await first.deploy("rest-api");
  assert.deepEqual([answer.status, answer.endpoint], ["deployed", "http://shop-dev-rest-api-api.memory"]);
  assert.deepEqual(heard, ["FunctionDeployed", "InfrastructureUpdated"]);
  assert.equal((await first.deploy("rest-api")).status, "unchanged");
  await first.close();

  // Another process: what it knows, it knows from that log.
  const iac = await there.open();
  assert.equal((await iac.deploy("rest-api")).status, "unchanged");
  vault.values.set("vault:password", `${CANARY}-other`);
  const updated = await iac.deploy("rest-api");
  assert.deepEqual([updated.status, updated.changes.updated], ["deployed", 1]);
  const held = cloud.held.get(FUNCTION)!;
  cloud.held.set(FUNCTION, { ...held, inputs: { ...held.inputs, memory_mb: 1 } });
  const { drift } = await iac.drift("rest-api");
  assert.deepEqual(drift.map((one) => one.address), ["function.rest-api"]);
  assert.equal((await iac.deploy("rest-api")).changes.updated, 1);
  assert.equal((await iac.history("rest-api")).length, log.log.length);
  const found = await all(iac.events());
  assert.deepEqual(found.map((event) => event.position), log.log.map((_, at) => at + 1));
  assert.equal((await iac.destroy("rest-api")).status, "removed");
  await iac.close();
  assert.deepEqual([bus.subscribers.size, cloud.held.size], [0, 0]);
  assert.ok(log.text.includes("vault:password"));
  assert.ok(!log.text.includes(CANARY));
});

test("a change has the secrets and shows none", async (t) => {
  const there = new Elsewhere(t);
  await (await there.open()).deploy("rest-api");
  const change = there.memory.cloud.changes.find((one) => one.secrets.size > 0);
  assert.ok(change !== undefined && Object.isFrozen(change));
  assert.deepEqual([...change.secrets], [["vault:password", CANARY]]);
  const variables = change.resource.inputs["environment_variables"] as Record<string, Record<string, string>>;
  assert.equal(variables["TEXT"] as unknown, "ü ${not.a.reference}");
  assert.equal(variables["PASSWORD"]?.["secret"], "vault:password");
  for (const text of [inspect(change, { depth: 9, showHidden: true }), JSON.stringify(change), String(change.secrets)]) {
    assert.ok(!text.includes(CANARY), text);
  }
});

test("a secret that is not there stops the run before it begins", async (t) => {
  const there = new Elsewhere(t);
  there.memory.vault.values.clear();
  const error = await failure((await there.open()).deploy("rest-api"));
  assert.ok(error instanceof SecretUnresolvedError);
  assert.match(error.message, /vault:password/);
  assert.equal(error.context["reference"], "vault:password");
  assert.equal(there.memory.cloud.calls.apply, 0);
});

/** Throws what it is given, and works once there is nothing left to throw. */
class Failing extends MemoryProvider {
  failures: ((change: Change) => unknown)[] = [];

  override async apply(change: Change, operation: Operation): Promise<Applied> {
    if (change.resource.tags.address === "function.rest-api") {
      const failing = this.failures.shift();
      if (failing !== undefined) throw failing(change);
    }
    return super.apply(change, operation);
  }
}

test("a provider that asks to slow down is asked again", async (t) => {
  const there = new Elsewhere(t);
  const cloud = new Failing();
  const later = new ThrottledError("not so fast", { retry: "later" });
  cloud.failures = [(): unknown => later, (): unknown => later];
  there.cloud = cloud;
  assert.equal((await (await there.open()).deploy("rest-api")).status, "deployed");
});

test("what a provider threw is the cause, and the run can be taken up", async (t) => {
  for (const thrown of [new RangeError("the cloud is made of water"), "the cloud is made of water", undefined, null]) {
    const there = new Elsewhere(t);
    const cloud = new Failing();
    cloud.failures = [(): unknown => thrown];
    there.cloud = cloud;
    const iac = await there.open();
    const error = await failure(iac.deploy("rest-api"));
    assert.ok(error instanceof DeploymentFailedError, String(error));
    assert.ok(Object.hasOwn(error, "cause") && Object.is(error.cause, thrown));
    assert.match(error.message, /made of water|threw (undefined|null)/);
    assert.equal(error.context["failed"], "function.rest-api");
    assert.equal(error.answer?.status, "failed");
    assert.equal((await failedRun(iac)).failed["function.rest-api"]?.kind, "provider");
    assert.equal((await iac.deploy("rest-api")).status, "deployed");
  }
});

test("what a provider threw in an earlier try is no cause of what fails later", async (t) => {
  class Muddled extends Failing {
    answersJunk = false;

    override async apply(change: Change, operation: Operation): Promise<Applied> {
      const applied = await super.apply(change, operation);
      return this.answersJunk ? (7 as never) : applied;
    }
  }
  const there = new Elsewhere(t);
  const cloud = new Muddled();
  cloud.failures = [(): unknown => new ThrottledError("not so fast", { retry: "later" })];
  there.cloud = cloud;
  const iac = await there.open();
  assert.equal((await iac.deploy("rest-api")).status, "deployed");
  cloud.answersJunk = true;
  const error = await failure(iac.deploy("rest-api", { configuration: { memory_mb: 512 } }));
  assert.ok(error instanceof DeploymentFailedError, String(error));
  assert.match(error.message, /apply of elsewhere returned a number/);
  assert.ok(!Object.hasOwn(error, "cause"), String(error.cause));
});

test("what a provider threw outside of a run is the cause too", async (t) => {
  const boom = new RangeError("no lights");
  class Blind extends MemoryProvider {
    override lower(): never {
      throw boom;
    }

    override async observe(): Promise<never> {
      throw boom;
    }
  }
  const there = new Elsewhere(t);
  await (await there.open()).deploy("rest-api");
  const iac = await there.open({ providers: [new Blind()] });
  for (const ask of ["plan", "deploy", "drift"] as const) {
    const error = await failure(iac[ask]("rest-api"));
    assert.ok(error instanceof ProviderError, String(error));
    assert.match(error.message, /threw RangeError: no lights/);
    assert.equal(error.cause, boom);
  }
});

test("what repeats a secret is not passed on", async (t) => {
  const secretOf = (change: Change): string => String(change.secrets.get("vault:password"));
  const there = new Elsewhere(t);
  const cloud = new Failing();
  cloud.failures = [
    (change): unknown => new Error(`refused: ${secretOf(change)}`),
    (change): unknown => new Error("refused", { cause: new Error(secretOf(change)) }),
    (change): unknown => Object.assign(new Error("refused"), { request: { headers: [secretOf(change)] } }),
    (change): unknown => new AggregateError([new Error(secretOf(change))], "refused"),
    (change): unknown => ({ secret: secretOf(change) }),
    (change): unknown => secretOf(change),
    (change): unknown => new Map([[Symbol(secretOf(change)), new Set([Buffer.from(secretOf(change))])]]),
  ];
  const count = cloud.failures.length;
  there.cloud = cloud;
  const iac = await there.open();
  for (let at = 0; at < count; at += 1) {
    const error = await failure(iac.deploy("rest-api"));
    assert.ok(error instanceof DeploymentFailedError);
    assert.equal(error.cause, undefined);
    assert.ok(!inspect(error, { depth: 9 }).includes(CANARY));
  }
  assert.ok(!there.memory.log.text.includes(CANARY));
});

test("a failing handler is told through a bus in TypeScript", async (t) => {
  for (const boom of [new Error("no pager today"), "no pager today", null, undefined]) {
    const there = new Elsewhere(t);
    const iac = await there.open();
    iac.include(
      listen(FunctionDeployed)(async () => {
        throw boom;
      }),
    );
    const error = await failure(iac.deploy("rest-api"));
    assert.ok(error instanceof HandlerFailedError, String(error));
    assert.match(error.message, /no pager today|threw (null|undefined)/);
    assert.ok(Object.is(error.cause, boom));
    assert.deepEqual(error.failures.map((one) => one.error), [boom]);
    assert.equal((await iac.status("rest-api")).deployments[0]?.status, "deployed");
  }
});

test("a bus that only says why is understood", async (t) => {
  const there = new Elsewhere(t);
  const bus = new MemoryBus();
  const terse = {
    subscribe: bus.subscribe.bind(bus),
    unsubscribe: bus.unsubscribe.bind(bus),
    publish: (events: readonly Event[]): FailedDelivery[] => {
      const deployed = events.filter((event) => event instanceof FunctionDeployed);
      return deployed.map((event) => ({ handler: "pager", eventId: event.eventId, error: "the line is dead" }));
    },
  };
  const error = await failure((await there.open({ bus: terse })).deploy("rest-api"));
  assert.ok(error instanceof HandlerFailedError);
  assert.match(error.message, /the line is dead/);
  assert.equal(error.context["handler"], "pager");
});

test("a store that refuses stops the run", async (t) => {
  class Contended extends MemoryStore {
    refuse: (() => Error) | null = null;

    override async append(append: Append): Promise<Appended> {
      if (this.refuse !== null) throw this.refuse();
      return super.append(append);
    }
  }
  const there = new Elsewhere(t);
  const log = new Contended();
  there.log = log;
  const iac = await there.open();
  log.refuse = () => new VersionConflictError("somebody else was faster", { context: { expected: "0", actual: "7" } });
  const conflict = await failure(iac.deploy("rest-api"));
  assert.ok(conflict instanceof VersionConflictError);
  assert.equal(conflict.context["actual"], "7");
  const full = new Error("the disk is full");
  log.refuse = () => full;
  const error = await failure(iac.deploy("rest-api"));
  assert.ok(error instanceof StorageError);
  assert.match(error.message, /threw Error: the disk is full/);
  assert.equal(error.cause, full);
  assert.deepEqual([log.log.length, there.memory.cloud.calls.apply], [0, 0]);
  log.refuse = null;
  assert.equal((await iac.deploy("rest-api")).status, "deployed");
});

test("a provider may have more", async (t) => {
  const there = new Elsewhere(t);
  const cloud = new TalkativeProvider();
  there.cloud = cloud;
  const iac = await there.open();
  await iac.deploy("rest-api");
  assert.equal(cloud.held.get(FUNCTION)?.inputs["region"], "memory-1");
  const answer = await iac.invoke("rest-api", { n: 9007199254740991, ü: [1.5, null] });
  assert.deepEqual(answer.payload, { heard: { n: 9007199254740991, ü: [1.5, null] } });
  assert.deepEqual([answer.durationMs, answer.logs?.[0]?.message], [1.5, "called"]);
  const page = await iac.logs("rest-api", { limit: 5, wait: 0.25 });
  assert.equal(page.lines[0]?.message, "since=undefined limit=5 wait=0.25 cursor=null");
  assert.equal(page.cursor, "next");
});

test("an answer with a whole number that JavaScript cannot hold is refused rather than rounded", async (t) => {
  class Precise extends TalkativeProvider {
    override invoke(): Invoked {
      return { requestId: "r-1", payload: '{"id":9007199254740993}' };
    }
  }
  const there = new Elsewhere(t);
  there.cloud = new Precise();
  const iac = await there.open();
  await iac.deploy("rest-api");
  const error = await failure(iac.invoke("rest-api"));
  assert.ok(error instanceof UnsupportedError, String(error));
  assert.match(error.message, /over 2\^53 - 1/);
});

test("a port that hangs is told when its run is aborted", async (t) => {
  const begun = gate();
  class Hanging extends MemoryVault {
    ended: unknown;

    override async resolve(_reference: string, _region: string | null, context?: PortContext): Promise<null> {
      begun.open();
      await new Promise<void>((resolve) => context!.signal.addEventListener("abort", () => resolve()));
      this.ended = context!.signal.reason;
      return null;
    }
  }
  const there = new Elsewhere(t);
  const vault = new Hanging();
  there.vault = vault;
  const iac = await there.open();
  const aborter = new AbortController();
  const run = failure(iac.deploy("rest-api", { signal: aborter.signal }));
  await begun.opened;
  aborter.abort();
  assert.ok((await run) instanceof CancelledError);
  // The call was let go of before the run ended; its job may stand behind that of the run.
  await iac.head();
  assert.equal((vault.ended as DOMException).name, "AbortError");
  assert.equal(there.memory.cloud.held.size, 0);
});

test("a change under way ends before an aborted run does", async (t) => {
  const [begun, goOn] = [gate(), gate()];
  class Slow extends MemoryProvider {
    override async apply(change: Change, operation: Operation): Promise<Applied> {
      begun.open();
      await goOn.opened;
      return super.apply(change, operation);
    }
  }
  const there = new Elsewhere(t);
  const cloud = new Slow();
  there.cloud = cloud;
  const iac = await there.open();
  const aborter = new AbortController();
  let ended = false;
  const run = failure(iac.deploy("rest-api", { signal: aborter.signal })).finally(() => (ended = true));
  await begun.opened;
  aborter.abort();
  await iac.head();
  assert.ok(!ended);
  goOn.open();
  assert.ok((await run) instanceof CancelledError);
  const failed = await failedRun(iac);
  assert.deepEqual([failed.cancelled, failed.error.kind], [true, "cancelled"]);
  assert.equal(cloud.held.size, 1);
  assert.equal((await iac.deploy("rest-api")).status, "deployed");
});

test("a bus that outlives a project is left as it was", async (t) => {
  class Clinging extends MemoryBus {
    override unsubscribe(): void {
      // Keeps everybody, and goes on calling.
    }
  }
  const there = new Elsewhere(t);
  there.bus = new Clinging();
  const heard: string[] = [];
  const first = await there.open();
  first.subscribe((event) => void heard.push(event.eventType), FunctionDeployed);
  await first.deploy("rest-api");
  await first.close();
  const iac = await there.open();
  assert.equal((await iac.destroy("rest-api")).status, "removed");
  assert.equal((await iac.deploy("rest-api")).status, "deployed");
  assert.deepEqual(heard, ["FunctionDeployed"]);
});

test("a handler hears all that is published at once after it was included", async (t) => {
  class SlowBus extends MemoryBus {
    override async subscribe(filter: EventFilter, handler: SubscribedHandler): Promise<number> {
      await sleep(20);
      return super.subscribe(filter, handler);
    }
  }
  const there = new Elsewhere(t);
  const iac = await there.open({ bus: new SlowBus() });
  const heard: string[] = [];
  iac.subscribe((event) => void heard.push(event.eventType), "First", "Second");
  await Promise.all([iac.publish(noted("First")), iac.publish(noted("Second"))]);
  const cancelled = iac.subscribe((event) => void heard.push(`late ${event.eventType}`), "First");
  const published = iac.publish(noted("First"));
  await cancelled.cancel();
  await published;
  assert.deepEqual(heard.sort(), ["First", "First", "Second"]);
});

test("a handler that cannot be subscribed is told at the next call, until it can", async (t) => {
  const there = new Elsewhere(t);
  const iac = await there.open();
  const { bus } = there.memory;
  const refusing = new Error("the broker is down");
  const subscribe = bus.subscribe.bind(bus);
  bus.subscribe = () => Promise.reject(refusing);
  const heard: string[] = [];
  iac.subscribe((event) => void heard.push(event.eventType), "First");
  for (const call of [(): Promise<unknown> => iac.publish(noted("First")), (): Promise<unknown> => iac.status()]) {
    const error = await failure(call());
    assert.ok(error instanceof HandlerFailedError, String(error));
    assert.equal(error.cause, refusing);
  }
  bus.subscribe = subscribe;
  await iac.publish(noted("First"));
  assert.deepEqual(heard, ["First"]);
});
