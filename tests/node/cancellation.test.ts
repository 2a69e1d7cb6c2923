/** Runs that are called off. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  CancelledError,
  DeploymentRequested,
  type Iac,
  InfrastructureUpdateFailed,
  IacError,
  listen,
  ResourceChangeStarted,
} from "semantest-iac";

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

test("a question that is aborted is not waited for", async (t) => {
  const iac = await open(t);
  await iac.deploy("rest-api");
  const [aborter, reason] = [new AbortController(), new Error("too long")];
  const logs = iac.logs("rest-api", { wait: 3000, cursor: (await iac.logs("rest-api")).cursor, signal: aborter.signal });
  aborter.abort(reason);
  const error = await failure(logs);
  assert.ok(error instanceof CancelledError);
  assert.equal(error.cause, reason);
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
