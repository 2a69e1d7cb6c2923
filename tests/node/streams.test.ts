/** The log as a stream. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ApplicationEvent, FunctionDeployed, InfrastructureEvent, InvalidInputError, CloudEvent, CancelledError } from "semantest-iac";

import { all, failure, noted, open, project } from "./project.js";
import { run } from "./program.js";

test("events are streamed in order, over many pages", async (t) => {
  const iac = await open(t);
  for (let number = 0; number < 600; number += 1) await iac.publish(noted("Counted", { number }));
  const counted = await all(iac.events("Counted"));
  const numbers = Array.from({ length: 600 }, (_, number) => number);
  assert.deepEqual(counted.map((event) => (event.data as { number: number }).number), numbers);
  assert.deepEqual(counted.map((event) => event.position), numbers.map((number) => number + 1));
  assert.equal(await iac.head(), 600);
  assert.deepEqual((await all(iac.events({ after: 597 }))).map((event) => event.position), [598, 599, 600]);
  assert.deepEqual(await all(iac.events({ since: new Date(Date.now() + 1000) })), []);
  assert.equal((await all(iac.events({ since: new Date(0) }))).length, 600);
  assert.deepEqual(await all(iac.events({ component: "rest-api", environment: "dev" })), []);
  assert.deepEqual(await all(iac.events("Other")), []);
});

test("events are asked for by class, base class, name, component and environment", async (t) => {
  const iac = await open(t);
  await iac.publish(noted());
  await iac.deploy("rest-api");
  const everything = await all(iac.events());
  const ours = await all(iac.events(InfrastructureEvent));
  assert.equal(ours.length, everything.length - 1);
  assert.deepEqual([...new Set(ours.map((event) => event.source))], ["/semantest-iac/shop"]);
  const others: ApplicationEvent[] = await all(iac.events(ApplicationEvent));
  assert.deepEqual(others.map((event) => event.name), ["SomethingNoted"]);
  assert.equal((await all(iac.events(CloudEvent))).length, everything.length);
  const [deployed] = await all(iac.events(FunctionDeployed));
  assert.equal(deployed?.functionName, "shop-dev-rest-api");
  assert.equal((await all(iac.events(FunctionDeployed, "SomethingNoted"))).length, 2);
  const ofComponent = await all(iac.events({ component: "rest-api" }));
  assert.deepEqual([...new Set(ofComponent.map((event) => event.subject))], ["shop/dev/rest-api"]);
  assert.equal((await all(iac.events({ environment: "dev" }))).length, ofComponent.length);
  assert.deepEqual(await all(iac.events({ environment: "production" })), []);
});

test("a stream that is followed has what comes, of others too", async (t) => {
  const at = project(t);
  const [iac, other] = [await open(t, at), await open(t, at)];
  const after = await iac.head();
  const seen: string[] = [];
  const following = (async () => {
    for await (const event of iac.events("First", "Second", { after, follow: true })) {
      seen.push(event.eventType);
      if (seen.length === 2) break;
    }
  })();
  await iac.publish(noted("First"));
  await iac.publish(noted("Other"));
  await other.publish(noted("Second"));
  await following;
  assert.deepEqual(seen, ["First", "Second"]);
});

test("a stream that is followed ends with an error when the project is closed", async (t) => {
  const iac = await open(t);
  const following = all(iac.events({ follow: true }));
  const next = iac.events({ follow: true }).next();
  await iac.head();
  await iac.close();
  for (const stream of [following, next]) {
    const error = await failure(stream);
    assert.ok(error instanceof InvalidInputError);
    assert.match(error.message, /closed meanwhile/);
  }
});

test("a stream ends at once when nobody reads on, also while it waits", async (t) => {
  const iac = await open(t);
  const stream = iac.events({ follow: true });
  const waiting = stream.next();
  await iac.head();
  assert.deepEqual(await stream.return(), { done: true, value: undefined });
  assert.deepEqual(await waiting, { done: true, value: undefined });
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
});

test("a stream is ended by its signal", async (t) => {
  const iac = await open(t);
  await iac.publish(noted());
  await iac.publish(noted());
  const [aborter, reason] = [new AbortController(), new Error("enough")];
  const waiting = all(iac.events({ follow: true, signal: aborter.signal }));
  await iac.head();
  aborter.abort(reason);
  const early = failure(all(iac.events({ signal: AbortSignal.abort(reason) })));
  for (const error of [await failure(waiting), await early]) {
    assert.ok(error instanceof CancelledError);
    assert.deepEqual([error.name, error.code, error.cause], ["AbortError", "cancelled", reason]);
  }
  const between = new AbortController();
  const stream = iac.events({ signal: between.signal });
  assert.equal((await stream.next()).done, false);
  between.abort(reason);
  assert.ok((await failure(stream.next())) instanceof CancelledError);
});

test("what cannot be asked for is refused at once", async (t) => {
  const iac = await open(t);
  const any = iac as unknown as { events(...given: unknown[]): unknown };
  const told: readonly (readonly [given: unknown[], said: RegExp])[] = [
    [[{ after: -1 }], /after must be a position in the log, from 0 on, not -1/],
    [[{ after: 1.5 }], /not 1.5/],
    [[{ after: "1" }], /not text/],
    [[{ after: 2 ** 53 }], /position/],
    [[{ since: "yesterday" }], /since must be a Date, not text/],
    [[{ component: 5 }], /component must be text/],
    [[{ follow: "yes" }], /follow must be true or false/],
    [[{ signal: 1 }], /signal must be an AbortSignal/],
    [[{ folow: true }], /no option `folow`/],
    [[5], /./],
    [["two words"], /./],
    [[null], /./],
    [[(): void => {}], /./],
    [[{}, FunctionDeployed], /./],
  ];
  for (const [given, said] of told) {
    assert.throws(() => any.events(...given), (error) => error instanceof InvalidInputError && said.test(error.message));
  }
});

test("a stream that is given up lets the process end", async (t) => {
  const at = project(t);
  const script = `
    import { ApplicationEvent, Iac } from "semantest-iac";
    const iac = await Iac.open(${JSON.stringify(at)});
    await iac.publish(new ApplicationEvent("SomethingNoted"));
    for await (const event of iac.events({ follow: true })) break;
    const stream = iac.events({ after: 1, follow: true });
    const waiting = stream.next();
    await iac.head();
    await stream.return();
    await waiting;
    iac.subscribe(() => {}, "Never");
    await iac.publish(new ApplicationEvent("SomethingElse"));
    console.log("done");
  `;
  const ran = run([process.execPath, "--input-type=module", "-e", script]);
  assert.deepEqual([ran.code, ran.stdout, ran.stderr], [0, "done\n", ""]);
});
