/** What is no port is refused when a project is opened, and what it answers is judged unseen. */

import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test, type TestContext } from "node:test";

import {
  DeploymentFailedError,
  HandlerFailedError,
  type Iac,
  Iac as Project,
  type IacError,
  InvalidInputError,
  ProviderError,
  SecretUnresolvedError,
  StorageError,
} from "semantest-iac";
import { EventFilter, Secrets } from "semantest-iac/ports";

import { MemoryBus, MemoryProvider, MemoryStore, MemoryVault, TalkativeProvider } from "./ports-in-memory.js";
import { CANARY, Elsewhere } from "./ports-project.js";
import { all, failure } from "./project.js";

const lacking = { name: "lacking", lower: () => [], apply: () => null };
const unnamed = { ...new MemoryProvider(), lower: 1 };
const revoked = Proxy.revocable({}, {});
revoked.revoke();
const guarded = new Proxy(
  {},
  {
    get: () => {
      throw new Error("looked at");
    },
  },
);

/** The port with another property. */
function odd<P extends object>(port: P, name: string, value: unknown): P {
  return Object.defineProperty(port, name, { value, configurable: true });
}

const NO_PORTS: readonly (readonly [ports: object, said: RegExp])[] = [
  [{ providers: [MemoryProvider] }, /MemoryProvider is a class: make an object of it, new MemoryProvider\(…\)/],
  [{ providers: [lacking] }, /Object is no provider: it lacks observe, delete, discover; it needs lower/],
  [{ providers: [unnamed] }, /it lacks lower/],
  [{ providers: [new MemoryProvider("")] }, /`name` that is no text|has no `name`/],
  [{ providers: [odd(new MemoryProvider(), "name", 5)] }, /has a `name` that is no text/],
  [{ providers: [null] }, /null is no provider/],
  [{ providers: [guarded] }, /is no provider: it lacks lower/],
  [{ providers: [revoked.proxy] }, /is no provider: it lacks lower/],
  [{ providers: new MemoryProvider() }, /providers is a list, not MemoryProvider/],
  [{ providers: "aws" }, /providers is a list, not text/],
  [{ bus: new MemoryStore() }, /MemoryStore is no event bus: it lacks publish, subscribe, unsubscribe/],
  [{ bus: 5 }, /a number is no event bus/],
  [{ store: new MemoryBus() }, /it lacks append, readStream, readAll, streams, head, wait/],
  [{ store: MemoryStore }, /MemoryStore is a class/],
  [{ secretResolvers: [lacking] }, /it lacks resolve/],
  [{ secretResolvers: [new MemoryVault([], [])] }, /has no `schemes`/],
  [{ secretResolvers: [new MemoryVault([], "vault")] }, /is no list/],
  [{ secretResolvers: [new MemoryVault([], [5] as never)] }, /one that is no text/],
];

test("what is no port is refused before anything is opened", async () => {
  for (const [ports, said] of NO_PORTS) {
    const error = await failure(Project.open(".", ports));
    assert.ok(error instanceof InvalidInputError, String(error));
    assert.match(error.message, said);
  }
});

test("names are judged when the project is opened", async (t) => {
  const there = new Elsewhere(t);
  const told: readonly (readonly [ports: object, said: RegExp])[] = [
    [{ providers: [new MemoryProvider("Not A Name")] }, /Not A Name/],
    [{ secretResolvers: [new MemoryVault([], ["Not A Name"])] }, /Not A Name/],
    [{ secretResolvers: [new MemoryVault(), new MemoryVault()] }, /`vault` is resolved already/],
    [{ secretResolvers: [new MemoryVault([], ["env"])] }, /`env` is resolved already/],
  ];
  for (const [ports, said] of told) {
    const error = await failure(there.open(ports));
    assert.ok(error instanceof InvalidInputError, String(error));
    assert.match(error.message, said);
  }
});

type Story = (iac: Iac) => Promise<unknown>;

const deploy: Story = (iac) => iac.deploy("rest-api");
const drift: Story = async (iac) => iac.deploy("rest-api").then(() => iac.drift("rest-api"));
const discover: Story = (iac) => iac.discover();
const invoke: Story = async (iac) => iac.deploy("rest-api").then(() => iac.invoke("rest-api"));
const logs: Story = async (iac) => iac.deploy("rest-api").then(() => iac.logs("rest-api"));
const events: Story = (iac) => all(iac.events());
const status: Story = (iac) => iac.status();

const tags = { project: "shop", environment: "dev", component: "rest-api", address: "api" };
const junk = Symbol("junk");
const deep: Record<string, unknown> = {};
deep["deeper"] = deep;
const resource = { address: "api", kind: "k", inputs: {} };
const throwing = {
  get id(): string {
    throw new Error(CANARY);
  },
};
const found = [{ tags: { ...tags, project: "x" }, kind: "k", id: "i" }];

const PROVIDERS: readonly (readonly [method: string, answer: unknown, said: RegExp, story: Story])[] = [
  ["lower", 5, /lower of elsewhere returned a number: expected a list of Resource/, deploy],
  ["lower", null, /returned null: expected a list of Resource/, deploy],
  ["lower", undefined, /returned undefined: expected a list of Resource/, deploy],
  ["lower", "api", /returned text/, deploy],
  ["lower", { api: resource }, /returned Object: expected a list/, deploy],
  ["lower", [resource, 5], /returned a list with a number at 1: expected Resource/, deploy],
  ["lower", [{}], /Resource whose `address` is missing/, deploy],
  ["lower", [{ ...resource, address: junk }], /Resource whose `address` must be text, not a value of type symbol/, deploy],
  ["lower", [{ ...resource, inputs: { x: junk } }], /Resource whose `inputs.x` must/, deploy],
  ["lower", [{ ...resource, inputs: deep }], /holds itself/, deploy],
  ["lower", [{ ...resource, dependOn: [] }], /Resource whose `dependOn` is not known: there are address/, deploy],
  ["lower", [{ ...resource, dependsOn: "api" }], /`dependsOn` must be an array/, deploy],
  ["lower", [{ ...resource, role: "king" }], /role/, deploy],
  ["observe", 5, /observe of elsewhere returned a number: expected Observed, or null/, drift],
  ["observe", { id: junk }, /Observed whose `id` must be text/, drift],
  ["apply", 5, /provider.apply of elsewhere returned a number: expected Applied/, deploy],
  ["apply", null, /returned null: expected Applied/, deploy],
  ["apply", [CANARY], /returned a list: expected Applied/, deploy],
  ["apply", { id: 5 }, /Applied whose `id` must be text/, deploy],
  ["apply", throwing, /Applied whose `id` cannot be read/, deploy],
  ["apply", guarded, /threw Error: looked at/, deploy],
  ["apply", revoked.proxy, /threw TypeError/, deploy],
  ["apply", { id: "x", outputs: { x: new Set([CANARY]) } }, /Applied whose `outputs.x`/, deploy],
  ["apply", { id: "x", adopted: "yes" }, /`adopted` must be true or false/, deploy],
  ["apply", { id: "x", outputs: { x: Number.NaN } }, /JSON can hold/, deploy],
  ["apply", { id: "x", outputs: { x: [2 ** 53] } }, /Applied whose `outputs\.x\.0` .* give it as text/, deploy],
  ["apply", { id: "x", outputs: { x: 2n ** 70n } }, /JSON can hold/, deploy],
  ["apply", { id: "x", outputs: { x: "\ud800" } }, /surrogate/, deploy],
  ["apply", { id: "x", outputs: { x: CANARY } }, /the secret `vault:password`/, deploy],
  ["discover", null, /returned null: expected a list of Discovered/, discover],
  ["discover", [null], /a list with null at 0: expected Discovered/, discover],
  ["discover", found, /outside the scope/, discover],
  ["invoke", "text", /returned text: expected Invoked/, invoke],
  ["invoke", { requestId: "1", payload: "{" }, /no JSON/, invoke],
  ["invoke", { requestId: "1", payload: "1", logs: [junk] }, /`logs.0`/, invoke],
  ["logs", [], /returned a list: expected LogPage/, logs],
  ["logs", { lines: [], cursor: junk }, /LogPage whose `cursor` must be text/, logs],
  ["logs", { lines: [junk], cursor: "" }, /LogPage whose `lines.0`/, logs],
  ["logs", { lines: [{ time: "yesterday", functionName: "f", message: "m" }], cursor: "" }, /time/, logs],
];

async function told(t: TestContext, there: Elsewhere, story: Story, said: RegExp): Promise<IacError> {
  const iac = await there.open();
  const error = (await failure(story(iac))) as IacError;
  assert.match(error.message, said);
  assert.ok(!inspect(error, { depth: 9 }).includes(CANARY));
  assert.ok(!there.memory.log.text.includes(CANARY));
  t.diagnostic(error.message);
  return error;
}

test("a provider that answers junk is told", async (t) => {
  for (const [method, answer, said, story] of PROVIDERS) {
    await t.test(`${method} ${said.source}`, async (t) => {
      const there = new Elsewhere(t);
      there.cloud = odd(new TalkativeProvider(), method, () => answer);
      const error = await told(t, there, story, said);
      assert.ok(error instanceof ProviderError || error instanceof DeploymentFailedError, error.code);
    });
  }
});

test("answers that nobody reads are passed over", async (t) => {
  const there = new Elsewhere(t);
  odd(there.bus, "unsubscribe", () => junk);
  odd(there.cloud, "delete", () => deep);
  const iac = await there.open();
  await iac.deploy("rest-api");
  assert.equal((await iac.destroy("rest-api")).status, "removed");
});

test("a region that is no text is none", async (t) => {
  const there = new Elsewhere(t);
  there.cloud = odd(new TalkativeProvider(), "defaultRegion", () => 5);
  assert.equal((await (await there.open()).deploy("rest-api")).status, "deployed");
});

function recorded(other: object = {}): object {
  return { position: 1, stream: "s", version: 1, event: {}, ...other };
}

const STORES: readonly (readonly [method: string, answer: unknown, said: RegExp, story: Story])[] = [
  ["append", null, /append of MemoryStore returned null: expected Appended/, deploy],
  ["append", { position: "1", version: 1 }, /Appended whose `position`/, deploy],
  ["readStream", null, /read_stream of MemoryStore returned null: expected a list of RecordedEvent/, deploy],
  ["readStream", [1], /a list with a number at 0: expected RecordedEvent/, deploy],
  ["readAll", "no", /returned text: expected a list of RecordedEvent/, events],
  ["readAll", [recorded({ stream: 5 })], /text as its `stream`/, events],
  ["readAll", [recorded({ position: "1" })], /a number from 1 on as its `position`/, events],
  ["readAll", [recorded({ version: true })], /a number from 1 on as its `version`/, events],
  ["readAll", [recorded({ event: "text" })], /a CloudEvents object, as its `event`/, events],
  ["readAll", [recorded({ event: deep })], /JSON/, events],
  ["readAll", [recorded(), recorded()], /events in order/, events],
  ["readAll", [recorded({ position: 0 })], /events in order/, events],
  ["streams", 5, /returned a number: expected a list of StreamInfo/, status],
  ["streams", [{ name: "x", version: 1, updated: "now" }], /StreamInfo whose `updated` must be a Date/, status],
  ["streams", [{ name: "x", version: 1, updated: new Date(Number.NaN) }], /a Date of no time/, status],
];

test("a store that answers junk is told", async (t) => {
  for (const [method, answer, said, story] of STORES) {
    await t.test(`${method} ${said.source}`, async (t) => {
      const there = new Elsewhere(t);
      odd(there.log, method, async () => answer);
      assert.ok((await told(t, there, story, said)) instanceof StorageError);
    });
  }
});

test("a head that is no number is told", async (t) => {
  for (const answer of ["1", null, -1, true, 1.5, 2 ** 53]) {
    const there = new Elsewhere(t);
    odd(there.log, "head", () => answer);
    const error = await failure(there.open().then((iac) => iac.head()));
    assert.ok(error instanceof StorageError);
    assert.match(error.message, /expected a position, 0 for an empty log/);
  }
});

test("a bus whose subscriptions are no numbers is told", async (t) => {
  for (const answer of [null, "1", -1, true]) {
    const there = new Elsewhere(t);
    odd(there.bus, "subscribe", () => answer);
    const error = await failure(there.open());
    assert.ok(error instanceof HandlerFailedError, String(error));
    assert.match(error.message, /event_bus.subscribe of MemoryBus returned .*: expected the number of the/);
  }
});

test("a bus that answers junk stops no run", async (t) => {
  for (const answer of [null, [5], [{ handler: junk, eventId: "", error: "" }], [{}], deep]) {
    const there = new Elsewhere(t);
    odd(there.bus, "publish", () => answer);
    assert.equal((await (await there.open()).deploy("rest-api")).status, "deployed");
  }
});

test("a resolver that answers junk is told", async (t) => {
  for (const answer of [5, Buffer.from(CANARY), [CANARY], { value: CANARY }, Symbol(CANARY)]) {
    const there = new Elsewhere(t);
    odd(there.vault, "resolve", () => answer);
    const error = await told(t, there, deploy, /expected text, or null/);
    assert.ok(error instanceof SecretUnresolvedError);
    assert.equal(error.context["reference"], "vault:password");
  }
});

test("a method that goes away is told", async (t) => {
  const there = new Elsewhere(t);
  const iac = await there.open();
  odd(there.vault, "resolve", undefined);
  const error = await failure(iac.deploy("rest-api"));
  assert.match((error as Error).message, /has no method resolve any more/);
});

test("an error of ours keeps its kind and its facts", async (t) => {
  const there = new Elsewhere(t);
  const thrown = new SecretUnresolvedError("ask the vault's owner", { context: { vault: "7" } });
  odd(there.vault, "resolve", () => {
    throw thrown;
  });
  const error = await failure((await there.open()).deploy("rest-api"));
  assert.ok(error instanceof SecretUnresolvedError);
  assert.match(error.message, /owner/);
  assert.equal(error.cause, thrown);
  assert.deepEqual(error.context, { vault: "7", reference: "vault:password" });
});

test("secrets are a map that shows nothing", () => {
  const secrets = new Secrets([["vault:a", CANARY]]);
  assert.deepEqual([secrets.get("vault:a"), secrets.has("vault:b"), secrets.size], [CANARY, false, 1]);
  assert.deepEqual([...secrets], [["vault:a", CANARY]]);
  assert.deepEqual([[...secrets.keys()], [...secrets.values()]], [["vault:a"], [CANARY]]);
  const seen: string[] = [];
  secrets.forEach((value, reference) => seen.push(reference, value));
  assert.deepEqual(seen, ["vault:a", CANARY]);
  const shown = [inspect(secrets, { showHidden: true }), `${secrets}`, JSON.stringify({ secrets }), inspect(structuredClone({ ...secrets }))];
  for (const text of shown) assert.ok(!text.includes(CANARY), text);
  assert.match(shown[0]!, /vault:a/);
});

test("a filter admits what it names", () => {
  const event = new MemoryBus().published[0] ?? ({ eventType: "Sold", subject: "shop" } as never);
  assert.ok(new EventFilter().admits(event));
  assert.ok(new EventFilter(["Sold"], ["shop"]).admits(event));
  assert.ok(!new EventFilter(["Sold"], ["other"]).admits(event));
  assert.ok(!new EventFilter(["Bought"]).admits(event));
});
