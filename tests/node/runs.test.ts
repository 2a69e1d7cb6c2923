/** Runs: how they are asked for, how they end, and what is refused. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ApplicationEvent,
  type DeployAnswer,
  DeploymentRequested,
  HeldError,
  Iac,
  IacError,
  InfrastructureRemoved,
  InfrastructureUpdated,
  InvalidInputError,
  InvalidProjectError,
  listen,
  NotFoundError,
  ResourceChangeStarted,
  SecretUnresolvedError,
} from "semantest-iac";

import { all, failure, folder, gate, noted, open, project } from "./project.js";

async function get(endpoint: string | null): Promise<string> {
  assert.ok(endpoint !== null);
  return (await fetch(endpoint)).text();
}

test("a component lives from its first deploy to its end", async (t) => {
  const iac = await open(t);
  assert.equal(iac.project, "shop");
  const plan = await iac.plan("rest-api");
  assert.deepEqual([plan.changes.created, plan.steps.length], [2, 2]);
  const first = await iac.deploy("rest-api");
  assert.deepEqual([first.status, first.version], ["deployed", 1]);
  assert.equal(await get(first.endpoint), "hello");
  assert.equal((await iac.deploy("rest-api")).status, "unchanged");

  const configured = await iac.configure("rest-api", { variables: { GREETING: "hi" } });
  assert.equal(configured.version, 2);
  assert.equal(await get(first.endpoint), "hi");
  assert.equal((await iac.scale("rest-api", { reservedConcurrency: 1 })).version, 3);
  assert.equal((await iac.rollback("rest-api", { version: 1 })).status, "deployed");
  assert.equal(await get(first.endpoint), "hello");

  assert.deepEqual((await iac.drift("rest-api")).drift, []);
  assert.deepEqual((await iac.discover({ component: "rest-api" })).orphans, []);
  const earlier = await iac.state("rest-api", { version: 2 });
  assert.deepEqual(earlier.configuration?.variables, { GREETING: "hi" });
  // The log's times are finer than a Date.
  const [updated] = await all(iac.events(InfrastructureUpdated, { after: 0 }));
  assert.equal((await iac.state("rest-api", { time: updated!.time })).version, 1);
  const invoked = await iac.invoke("rest-api", { number: 1.5 });
  assert.deepEqual(invoked.payload, { statusCode: 200, body: "hello" });
  const page = await iac.logs("rest-api", { limit: 3 });
  assert.ok(page.lines.length <= 3 && page.cursor !== "");
  assert.equal((await iac.planRemoval("rest-api")).changes.deleted, 2);
  assert.equal((await iac.destroy("rest-api")).status, "removed");
  assert.ok((await iac.history("rest-api")).at(-1) instanceof InfrastructureRemoved);
});

test("components are deployed side by side", async (t) => {
  const iac = await open(t);
  const answers = await Promise.all([iac.deploy("rest-api"), iac.deploy("other")]);
  assert.deepEqual(answers.map((answer) => answer.status), ["deployed", "deployed"]);
  const { deployments } = await iac.status();
  assert.deepEqual(deployments.map((one) => one.component).sort(), ["other", "rest-api"]);
  assert.deepEqual((await iac.status("other")).deployments.map((one) => one.component), ["other"]);
  assert.deepEqual((await iac.status(null, { environment: "dev" })).deployments.length, 2);
});

test("one deployment is held by one run at a time", async (t) => {
  const iac = await open(t);
  const [begun, goOn] = [gate(), gate()];
  iac.include(
    listen(ResourceChangeStarted)(async () => {
      begun.open();
      await goOn.opened;
    }),
  );
  const first = iac.deploy("rest-api");
  await begun.opened;
  const held = await failure(iac.deploy("rest-api"));
  assert.ok(held instanceof HeldError && held.code === "held");
  goOn.open();
  assert.equal((await first).status, "deployed");
});

test("an application event that asks for a service deploys it once", async (t) => {
  const iac = await open(t);
  const data = { service_type: "rest-api", environment: "dev", service_config: {} };
  const needed = new ApplicationEvent("ServiceDeploymentNeeded", data);
  const answer = await iac.publish(needed);
  assert.deepEqual([answer.status, answer.duplicate], ["deployed", false]);
  assert.equal((await iac.publish(needed)).duplicate, true);
  const updated = await all(iac.events(InfrastructureUpdated));
  assert.deepEqual(updated.map((event) => event.correlationId), [needed.eventId]);
});

test("plain CloudEvents objects are taken in, whole or only their type and data", async (t) => {
  const iac = await open(t);
  const whole = {
    specversion: "1.0",
    id: "odd-1",
    source: "/shop",
    type: "com.example.shop.Sold",
    time: "2026-01-31T12:00:00.123Z",
    data: { "Odd Key": [1, null, "ü"] },
  } as const;
  assert.equal((await iac.publish(whole)).id, "odd-1");
  assert.equal((await iac.publish({ type: "Sold", data: { count: 2 } })).event, "Sold");
  const answer = await iac.publish({ type: "DeploymentRequested", data: { component: "rest-api", environment: "dev" } });
  assert.equal(answer.status, "deployed");
  const [first, second] = await all(iac.events("Sold"));
  assert.deepEqual([first?.eventId, first?.source], ["odd-1", "/shop"]);
  assert.deepEqual(first?.data, whole.data);
  assert.equal(second?.source, "/semantest-iac/shop");
});

const throwing = {
  get type(): string {
    throw new Error("looked at");
  },
};
const cyclic: Record<string, unknown> = { type: "X" };
cyclic["data"] = cyclic;
const removed = { created: 0, updated: 0, replaced: 0, deleted: 0, unchanged: 0 };
const revoked = Proxy.revocable({}, {});
revoked.revoke();

class NoEvent {
  readonly type = "X";
}

const REFUSED: readonly (readonly [name: string, event: unknown, kind: typeof IacError, said: RegExp])[] = [
  ["null", null, InvalidInputError, /takes an event/],
  ["a number", 7, InvalidInputError, /takes an event/],
  ["text", "DeploymentRequested", InvalidInputError, /takes an event/],
  ["a class", DeploymentRequested, InvalidInputError, /a class/],
  ["a list", [noted()], InvalidInputError, /not a list/],
  ["an object of some class", new NoEvent(), InvalidInputError, /not NoEvent/],
  ["a promise", Promise.resolve(noted()), InvalidInputError, /not Promise/],
  ["nothing but an object", {}, InvalidInputError, /type/],
  ["a request without data", { type: "DeploymentRequested" }, InvalidInputError, /data/],
  ["a misspelt request", { type: "DeploymentRequestd", data: {} }, InvalidInputError, /did you mean/],
  ["a component that is no text", { type: "DeploymentRequested", data: { component: 5 } }, InvalidInputError, /component/],
  ["a function in data", { type: "X", data: { value: (): void => {} } }, InvalidInputError, /JSON/],
  ["a symbol in data", { type: "X", data: { value: Symbol("x") } }, InvalidInputError, /JSON/],
  ["a bigint in data", { type: "X", data: { value: 1n } }, InvalidInputError, /JSON/],
  ["NaN", { type: "X", data: Number.NaN }, InvalidInputError, /JSON/],
  ["half a surrogate pair", { type: "X", data: "\ud800" }, InvalidInputError, /Unicode/],
  ["data that holds itself", cyclic, InvalidInputError, /itself/],
  ["an event that throws when it is looked at", throwing, InvalidInputError, /throws when it is looked at/],
  ["a proxy that is revoked", revoked.proxy, InvalidInputError, /cannot be read|looked at/],
  ["a bad attribute name", { type: "X", data: {}, "Bad Name": "x" }, InvalidInputError, /attribute/],
  ["an unknown component", new DeploymentRequested({ component: "nope" }), InvalidProjectError, /no component `nope`/],
  ["a near component", new DeploymentRequested({ component: "rest-apo" }), InvalidProjectError, /did you mean `rest-api`/],
  [
    "an unknown environment",
    new DeploymentRequested({ component: "rest-api", environment: "prod" }),
    InvalidProjectError,
    /prod/,
  ],
  [
    "an unknown provider",
    new DeploymentRequested({ component: "rest-api", provider: "azur" }),
    InvalidInputError,
    /azur/,
  ],
  [
    "a fact",
    new InfrastructureRemoved({ component: "rest-api", environment: "dev", provider: "local", changes: removed }),
    InvalidInputError,
    /tells what happened/,
  ],
];

test("what cannot be is refused with what to do", async (t) => {
  const iac = await open(t);
  for (const [name, event, kind, said] of REFUSED) {
    await t.test(name, async () => {
      const error = await failure(iac.publish(event as object as never));
      assert.ok(error instanceof kind, String(error));
      assert.match(error.message, said);
    });
  }
  assert.deepEqual((await iac.status()).deployments, []);
});

test("options are judged", async (t) => {
  const iac = await open(t);
  // What a program without a compiler may say.
  const any = iac as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>;
  const told: readonly (readonly [method: string, given: unknown[], said: RegExp])[] = [
    ["deploy", [5], /`component`.*must be text/],
    ["deploy", ["rest-api", { env: "dev" }], /no option `env`.*environment/],
    ["deploy", ["rest-api", "dev"], /options of deploy are an object.*not text/],
    ["deploy", ["rest-api", { environment: 5 }], /environment.*must be text/],
    ["deploy", ["rest-api", { signal: {} }], /signal must be an AbortSignal/],
    ["deploy", ["rest-api", { configuration: { memory: 1 } }], /memory/],
    ["deploy", ["rest-api", { configuration: { memory_mb: "much" } }], /memory_mb/],
    ["status", [5], /component must be text/],
    ["state", ["rest-api", { version: "1" }], /version must be a version from 0 on, not text/],
    ["state", ["rest-api", { time: "now" }], /time must be a Date, not text/],
    ["state", ["rest-api", { time: new Date(Number.NaN) }], /a Date of no time/],
    ["state", ["rest-api", {}], /either a version or a time/],
    ["logs", ["rest-api", { wait: -1 }], /wait must be a number of seconds/],
    ["logs", ["rest-api", { limit: 1.5 }], /limit must be a number of lines/],
    ["invoke", ["rest-api", { deep: cyclic }], /itself/],
    ["invoke", ["rest-api", (): void => {}], /JSON/],
    ["scale", ["rest-api", { minReplicas: "one" }], /minReplicas|min_replicas/],
    ["configure", ["rest-api", { variables: { A: 5 } }], /variables\.A/],
    ["rollback", ["rest-api", { version: 1.5 }], /version/],
    ["publish", [noted(), { signal: 5 }], /signal must be an AbortSignal/],
    ["head", [[]], /options of head/],
    [
      "destroy",
      [
        "rest-api",
        {
          get environment(): string {
            throw new Error("looked at");
          },
        },
      ],
      /cannot be read/,
    ],
  ];
  for (const [method, given, said] of told) {
    const error = await failure(any[method]!(...given));
    assert.ok(error instanceof InvalidInputError, `${method}: ${String(error)}`);
    assert.match(error.message, said);
  }
  assert.deepEqual((await iac.status()).deployments, []);
});

test("settings are judged", async (t) => {
  const at = project(t);
  const told: readonly (readonly [settings: unknown, said: RegExp])[] = [
    [{ parallelism: 0 }, /parallelism must be a number of calls from 1 on, not 0/],
    [{ parallelism: "many" }, /parallelism/],
    [{ leaseWait: -1 }, /leaseWait/],
    [{ leaseWait: Number.NaN }, /leaseWait/],
    [{ owner: 5 }, /owner must be text/],
    [{ traceparent: {} }, /traceparent/],
    [{ leasewait: 5 }, /no option `leasewait`/],
    ["fast", /options of Iac.open/],
  ];
  for (const [settings, said] of told) {
    const error = await failure(Iac.open(at, settings as object));
    assert.ok(error instanceof InvalidInputError);
    assert.match(error.message, said);
  }
});

test("a folder without a project is refused", async (t) => {
  const error = await failure(Iac.open(folder(t)));
  assert.ok(error instanceof InvalidProjectError);
  assert.match(error.message, /semantest\.toml/);
  for (const path of [5, "a\0b", new URL("https://example.com/")]) {
    const refused = await failure(Iac.open(path as string));
    assert.ok(refused instanceof InvalidInputError);
    assert.match(refused.message, /path/);
  }
});

test("a run that fails is an error with its answer", async (t) => {
  const iac = await open(t);
  const configuration = { environment_variables: { PASSWORD: { secret: "env:NOT_SET_ANYWHERE" } } };
  const error = await failure(iac.deploy("rest-api", { configuration }));
  assert.ok(error instanceof SecretUnresolvedError);
  assert.match(error.message, /NOT_SET_ANYWHERE/);
  assert.equal((error.answer as DeployAnswer | null)?.status ?? "failed", "failed");
  assert.equal((await iac.destroy("other")).status, "unchanged", "there is nothing of it");
  assert.ok((await failure(iac.history("other"))) instanceof NotFoundError);
});

test("several open the same project at once", async (t) => {
  const at = project(t);
  const [one, two] = [await open(t, at), await open(t, at)];
  await one.publish(noted("SomethingNoted", { a: 1 }));
  assert.equal((await all(two.events())).length, 1);
});

test("an Iac that is closed says so", async (t) => {
  const iac = await open(t);
  iac.subscribe(() => {}, "SomethingNoted");
  await iac.status();
  await iac.close();
  await iac.close();
  for (const late of [iac.status(), iac.deploy("rest-api"), iac.publish(noted()), iac.head(), all(iac.events())]) {
    const error = await failure(late);
    assert.ok(error instanceof InvalidInputError);
    assert.match(error.message, /this Iac is closed: open/);
  }
  assert.throws(() => iac.project, /closed/);
  assert.throws(() => iac.include(listen("X")(() => {})), /closed/);
});

test("closing waits for what is under way, and for what its handlers do", async (t) => {
  const at = project(t);
  const iac = await open(t, at);
  const [begun, goOn] = [gate(), gate()];
  iac.include(
    listen(ResourceChangeStarted)(async (event) => {
      begun.open();
      await goOn.opened;
      await iac.publish(noted("Begun", { address: event.address }));
    }),
  );
  const run = iac.deploy("rest-api");
  await begun.opened;
  const closing = iac.close();
  assert.ok((await failure(iac.status())) instanceof InvalidInputError);
  goOn.open();
  assert.equal((await run).status, "deployed");
  await closing;
  const again = await open(t, at);
  assert.equal((await all(again.events("Begun"))).length, 2);
});

test("a publish that is not awaited before closing is carried out", async (t) => {
  const at = project(t);
  const heard: string[] = [];
  const iac = await open(t, at);
  iac.subscribe((event) => void heard.push(event.eventType));
  const published = iac.publish(noted());
  await iac.close();
  assert.equal((await published).event, "SomethingNoted");
  assert.deepEqual(heard, ["SomethingNoted"]);
});

test("a handler that closes its Iac does not wait for itself", async (t) => {
  const iac = await open(t);
  iac.subscribe(() => iac.close(), "SomethingNoted");
  assert.equal((await iac.publish(noted())).event, "SomethingNoted");
  await iac.close();
  assert.ok((await failure(iac.status())) instanceof InvalidInputError);
});

test("what a handler left running waits where it closes its Iac", async (t) => {
  const iac = await open(t);
  const [begun, goOn] = [gate(), gate()];
  iac.include(
    listen(ResourceChangeStarted)(async () => {
      begun.open();
      await goOn.opened;
    }),
  );
  let closing: Promise<unknown> = Promise.resolve();
  const left = gate();
  iac.subscribe(() => {
    setTimeout(() => {
      closing = iac.close();
      left.open();
    }, 0);
  }, "SomethingNoted");
  const run = iac.deploy("rest-api");
  await begun.opened;
  await iac.publish(noted());
  await left.opened;
  const first = Promise.race([closing.then(() => "closed"), run.then(({ status }) => status)]);
  // A turn of the loop, in which what waits for nothing would be through.
  await new Promise((resolve) => setImmediate(resolve));
  goOn.open();
  assert.equal(await first, "deployed");
  await closing;
});

test("an Iac is closed where its scope ends", async (t) => {
  const at = project(t);
  const iac = await Iac.open(at);
  await iac[Symbol.asyncDispose]();
  assert.throws(() => iac.project, /closed/);
});
