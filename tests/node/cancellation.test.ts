/** Runs that are called off. */

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import {
  CancelledError,
  DeploymentRequested,
  type Iac,
  InfrastructureUpdateFailed,
  IacError,
  listen,
  ResourceChangeStarted,
} from "semantest-iac";

import type { LogPageFound, LogQuery, Observed, PortContext, ResourceHandle } from "semantest-iac/ports";

import { MemoryProvider } from "./ports-in-memory.js";
import { Elsewhere } from "./ports-project.js";
import { all, failure, gate, noted, open } from "./project.js";

/** How the last run of the component ended, where it failed. */
async function lastFailure(iac: Iac): Promise<InfrastructureUpdateFailed> {
  const last = (await iac.history("rest-api")).at(-1);
  assert.ok(last instanceof InfrastructureUpdateFailed);
  return last;
}

test("a run that is aborted rejects once it has recorded that it was cancelled", async (t) => {
  const iac = await open(t);
  const [begun, goOn] = [gate(), gate()];
  iac.include(
    listen(ResourceChangeStarted)(async () => {
      begun.open();
      await goOn.opened;
    }),
  );
  const [aborter, reason] = [new AbortController(), new Error("somebody else was faster")];
  const run = iac.deploy("rest-api", { signal: aborter.signal });
  await begun.opened;
  aborter.abort(reason);
  goOn.open();
  const error = await failure(run);
  assert.ok(error instanceof CancelledError && error instanceof IacError);
  assert.deepEqual([error.name, error.code, error.cause], ["AbortError", "cancelled", reason]);
  assert.equal(error.answer?.status, "failed");
  const failed = await lastFailure(iac);
  assert.ok(failed.cancelled);
  // Nothing is lost: the next run goes on from there.
  assert.equal((await iac.deploy("rest-api")).status, "deployed");
  assert.deepEqual((await iac.discover({ component: "rest-api" })).orphans, []);
});

test("what is under way is finished before an aborted run ends", async (t) => {
  const iac = await open(t);
  const [begun, goOn] = [gate(), gate()];
  let rejected = false;
  iac.include(
    listen(ResourceChangeStarted)(async () => {
      begun.open();
      await goOn.opened;
    }),
  );
  const aborter = new AbortController();
  const run = failure(iac.publish(new DeploymentRequested({ component: "rest-api" }), { signal: aborter.signal }));
  void run.then(() => (rejected = true));
  await begun.opened;
  aborter.abort();
  await iac.head();
  assert.ok(!rejected);
  goOn.open();
  assert.ok((await run) instanceof CancelledError);
  assert.ok((await lastFailure(iac)).cancelled);
});

test("a handler may abort the run whose event it handles", async (t) => {
  const iac = await open(t);
  const aborter = new AbortController();
  iac.include(listen(ResourceChangeStarted)(() => aborter.abort(new DOMException("too long", "TimeoutError"))));
  const error = await failure(iac.deploy("rest-api", { signal: aborter.signal }));
  assert.ok(error instanceof CancelledError);
  assert.equal((error.cause as DOMException).name, "TimeoutError");
  assert.ok((await lastFailure(iac)).cancelled);
});

test("what is aborted before it begins does not begin", async (t) => {
  const iac = await open(t);
  const reason = { because: "I say so" };
  const signal = AbortSignal.abort(reason);
  const all_ = [iac.publish(noted(), { signal }), iac.deploy("rest-api", { signal }), iac.status(null, { signal }), iac.head({ signal })];
  for (const work of all_) {
    const error = await failure(work);
    assert.ok(error instanceof CancelledError);
    assert.deepEqual([error.name, error.cause], ["AbortError", reason]);
  }
  assert.deepEqual(await all(iac.events()), []);
});

test("a run that ended before it was aborted keeps its answer", async (t) => {
  const iac = await open(t);
  const aborter = new AbortController();
  const answer = await iac.deploy("rest-api", { signal: aborter.signal });
  aborter.abort();
  assert.equal(answer.status, "deployed");
});

/** A cloud that does not answer while `isSilent`, and tells when it is asked and when nobody waits any more. */
class Silent extends MemoryProvider {
  isSilent = false;
  readonly asked = gate();
  readonly left = gate();

  async #silence(context: PortContext): Promise<void> {
    if (!this.isSilent) return;
    context.signal.addEventListener("abort", () => this.left.open());
    this.asked.open();
    await this.left.opened;
  }

  override async observe(resource: ResourceHandle, context?: PortContext): Promise<Observed | null> {
    await this.#silence(context!);
    return super.observe(resource);
  }

  async logs(_query: LogQuery, context: PortContext): Promise<LogPageFound> {
    await this.#silence(context);
    return { lines: [], cursor: "next" };
  }
}

/** A deployed project over such a cloud. */
async function silent(t: TestContext): Promise<{ iac: Iac; cloud: Silent }> {
  const [there, cloud] = [new Elsewhere(t), new Silent()];
  there.cloud = cloud;
  const iac = await there.open({ leaseWait: 0 });
  await iac.deploy("rest-api");
  cloud.isSilent = true;
  // What is aborted holds the process no longer; what comes of it is waited for here.
  const held = setInterval(() => undefined, 1_000);
  t.after(() => clearInterval(held));
  return { iac, cloud };
}

test("a question that is aborted is not waited for, by nobody", async (t) => {
  const { iac, cloud } = await silent(t);
  const [aborter, reason] = [new AbortController(), new Error("too long")];
  const logs = failure(iac.logs("rest-api", { signal: aborter.signal }));
  await cloud.asked.opened;
  aborter.abort(reason);
  const error = await logs;
  assert.ok(error instanceof CancelledError);
  assert.deepEqual([error.name, error.cause], ["AbortError", reason]);
  // It goes on nowhere: the cloud is told.
  await cloud.left.opened;
});

test("a question is given up when its Iac is closed", async (t) => {
  const { iac, cloud } = await silent(t);
  const logs = failure(iac.logs("rest-api"));
  await cloud.asked.opened;
  await iac.close();
  assert.match(String(await logs), /closed meanwhile/);
});

test("a look for drift that is aborted records nothing, and holds nothing up", async (t) => {
  const { iac, cloud } = await silent(t);
  const recorded = await iac.head();
  const [aborter, reason] = [new AbortController(), new Error("too long")];
  const drift = failure(iac.drift("rest-api", { signal: aborter.signal }));
  await cloud.asked.opened;
  aborter.abort(reason);
  const error = await drift;
  assert.ok(error instanceof CancelledError);
  assert.deepEqual([error.name, error.cause], ["AbortError", reason]);
  await cloud.left.opened;
  assert.equal(await iac.head(), recorded);
  cloud.isSilent = false;
  // Nobody holds the deployment: with no patience at all it can be looked at again.
  assert.deepEqual((await iac.drift("rest-api")).drift, []);
});

test("closing waits for a look for drift", async (t) => {
  const { iac, cloud } = await silent(t);
  const drift = iac.drift("rest-api");
  await cloud.asked.opened;
  const closing = iac.close();
  const first = Promise.race([closing.then(() => "closed"), drift.then(() => "looked")]);
  cloud.left.open();
  assert.equal(await first, "looked");
  await closing;
});

test("aborting one run leaves others alone", async (t) => {
  const iac = await open(t);
  const aborter = new AbortController();
  iac.include(listen(ResourceChangeStarted)((event) => void (event.subject === "shop/dev/rest-api" && aborter.abort())));
  const [one, other] = [failure(iac.deploy("rest-api", { signal: aborter.signal })), iac.deploy("other")];
  assert.ok((await one) instanceof CancelledError);
  assert.equal((await other).status, "deployed");
});

test("one signal may call off several runs, and is let go of afterwards", async (t) => {
  const iac = await open(t);
  let listening = 0;
  const aborter = new AbortController();
  const { signal } = aborter;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...given: Parameters<typeof add>) => {
    listening += 1;
    add(...given);
  };
  signal.removeEventListener = (...given: Parameters<typeof remove>) => {
    listening -= 1;
    remove(...given);
  };
  await Promise.all([iac.publish(noted(), { signal }), iac.publish(noted(), { signal }), iac.status(null, { signal })]);
  await all(iac.events({ signal }));
  assert.equal(listening, 0);
});
