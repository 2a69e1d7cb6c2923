/** Ports written in TypeScript pass the suites that every adapter passes, and broken ones do not. */

import assert, { AssertionError } from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";

import { IacError, InvalidInputError, SecretUnresolvedError, StorageError } from "semantest-iac";
import { check, type ProviderSample, type SecretSample } from "semantest-iac/conformance";
import {
  type Append,
  type Appended,
  type Applied,
  type Change,
  type Discovered,
  type Event,
  EventFilter,
  type FailedDelivery,
  type Observed,
  type RecordedEvent,
  type Scope,
  type SubscribedHandler,
} from "semantest-iac/ports";

import { DigestingVault, MemoryBus, MemoryProvider, MemoryStore, MemoryVault, TalkativeProvider } from "./ports-in-memory.js";
import { failure } from "./project.js";

const RESOURCE: ProviderSample = {
  tags: { project: "shop", environment: "dev", component: "api", address: "function.api" },
  kind: "memory.function",
  inputs: { name: "shop-dev-api", memory_mb: 128, nested: { "Odd Key": [1, null, "ü", 2.5] } },
  updated: { name: "shop-dev-api", memory_mb: 256 },
};

const CANARY = "canary one \u00fc";
const SECRETS: SecretSample = {
  known: ["vault:known", CANARY],
  other: ["vault:other", "canary two"],
  unknown: "vault:nothing",
};
const VALUES = [SECRETS.known, SECRETS.other];

test("a provider conforms", async () => {
  for (const provider of [new MemoryProvider(), new TalkativeProvider()]) {
    await check(provider, RESOURCE);
    assert.equal(provider.held.size, 0);
  }
});

test("an event bus conforms", async () => {
  await check(new MemoryBus());
});

test("an event store conforms", async () => {
  await check(new MemoryStore());
});

test("a secret resolver conforms", async () => {
  await check(new MemoryVault(VALUES), SECRETS);
  await check(new DigestingVault(VALUES), SECRETS);
});

class Forgetful extends MemoryProvider {
  override async delete(): Promise<void> {
    // Says so, and does nothing.
  }
}

class Greedy extends MemoryProvider {
  override apply(change: Change, operation: Parameters<MemoryProvider["apply"]>[1]): Promise<Applied> {
    this.held.delete(String(change.resource.inputs["name"]));
    return super.apply(change, operation);
  }
}

class Farsighted extends MemoryProvider {
  override discover(scope: Scope): Promise<Discovered[]> {
    return super.discover({ ...scope, environment: "dev" });
  }
}

class Inventive extends MemoryProvider {
  override async observe(): Promise<Observed> {
    return { id: "something", inputs: {} };
  }
}

class Indiscreet extends MemoryProvider {
  override async apply(change: Change, operation: Parameters<MemoryProvider["apply"]>[1]): Promise<Applied> {
    const applied = await super.apply(change, operation);
    return { ...applied, outputs: { password: [...change.secrets.values()].join("") } };
  }
}

async function broken(port: unknown, sample: unknown, claim: RegExp): Promise<void> {
  const error = await failure((check as (port: unknown, sample?: unknown) => Promise<void>)(port, sample));
  assert.ok(error instanceof AssertionError, String(error));
  assert.ok(!(error instanceof IacError));
  assert.match(error.message, claim);
  assert.ok(!error.message.includes(CANARY));
}

test("a broken provider is told its claim", async () => {
  await broken(new Forgetful(), RESOURCE, /left: Some\(Observed|None/);
  await broken(new Greedy(), RESOURCE, /it was not there before|it is not theirs/);
  await broken(new Farsighted(), RESOURCE, /only in the scope|outside the scope/);
  await broken(new Inventive(), RESOURCE, /what is not there is nothing/);
  await broken(new Indiscreet(), RESOURCE, /the value of the secret `memory:canary`/);
});

class Selective extends MemoryBus {
  override subscribe(_filter: EventFilter, handler: SubscribedHandler): number | Promise<number> {
    return super.subscribe(new EventFilter(), handler);
  }
}

class Backward extends MemoryBus {
  override publish(events: readonly Event[]): Promise<FailedDelivery[]> {
    return super.publish([...events].reverse());
  }
}

class Silent extends MemoryBus {
  override async publish(events: readonly Event[]): Promise<FailedDelivery[]> {
    await super.publish(events);
    return [];
  }
}

class Clinging extends MemoryBus {
  override unsubscribe(): void {
    // Keeps everybody.
  }
}

test("a broken event bus is told its claim", async () => {
  await broken(new Selective(), undefined, /filtered/);
  await broken(new Backward(), undefined, /in order/);
  await broken(new MemoryBus(1), undefined, /publish/);
  await broken(new Silent(), undefined, /left: 0/);
  await broken(new Clinging(), undefined, /left: 7/);
});

class Careless extends MemoryStore {
  override append(append: Append): Promise<Appended> {
    return super.append({ ...append, expected: null });
  }
}

class Gullible extends MemoryStore {
  override append(append: Append): Promise<Appended> {
    this.known.clear();
    return super.append(append);
  }
}

class Lossy extends MemoryStore {
  override readStream(...given: Parameters<MemoryStore["readStream"]>): RecordedEvent[] {
    return super.readStream(...given).map((one) => ({ ...one, event: { ...one.event, data: {} } as never }));
  }
}

class Inclusive extends MemoryStore {
  override readAll(after: number, limit: number | null): RecordedEvent[] {
    return super.readAll(Math.max(after - 1, 0), limit);
  }
}

class Deaf extends MemoryStore {
  override async wait(): Promise<void> {
    throw new StorageError("nobody told me");
  }
}

test("a broken event store is told its claim", async () => {
  await broken(new Careless(), undefined, /a conflict|expected the number of events/);
  await broken(new Gullible(), undefined, /a duplicate/);
  await broken(new Lossy(), undefined, /as-it-was|Odd Key/);
  await broken(new Inclusive(), undefined, /expected events in order/);
  await broken(new Deaf(), undefined, /nobody told me/);
});

class Confused extends MemoryVault {
  override resolve(): string {
    return "something else altogether";
  }
}

class Local extends MemoryVault {
  override resolve(reference: string, region: string | null): string | null | Promise<string | null> {
    return region === null ? super.resolve(reference, region) : null;
  }
}

class Babbling extends MemoryVault {
  override resolve(reference: string): string {
    const value = this.values.get(reference);
    if (value === undefined) throw new SecretUnresolvedError(`I only have ${CANARY}`);
    return value;
  }
}

class Uniform extends DigestingVault {
  override async digest(): Promise<string> {
    return "the same for all";
  }
}

test("a broken secret resolver is told its claim", async () => {
  await broken(new Confused(VALUES), SECRETS, /is what it was set to/);
  await broken(new Local(VALUES), SECRETS, /it is there/);
  await broken(new Babbling(VALUES), SECRETS, /an error shows no value/);
  await broken(new Uniform(VALUES), SECRETS, /digests of different values differ/);
});

test("what is no port is not tried", async () => {
  const any = check as (port: unknown, sample?: unknown) => Promise<void>;
  const told: readonly (readonly [port: unknown, sample: unknown, said: RegExp])[] = [
    [{}, undefined, /Object is no event store \(append, .*\) and no event bus/],
    [5, undefined, /a number is no event store/],
    [undefined, undefined, /undefined is no event store/],
    [{}, RESOURCE, /it lacks lower, observe, apply, delete, discover/],
    [{}, SECRETS, /it lacks resolve/],
    [new MemoryProvider(), undefined, /give a ProviderSample/],
    [new MemoryVault(), undefined, /give a SecretSample/],
    [MemoryProvider, RESOURCE, /is a class/],
    [new MemoryProvider(), { kind: "x" }, /ProviderSample or a SecretSample, not Object/],
    [new MemoryProvider(), { ...RESOURCE, inputs: CANARY }, /`inputs` of ProviderSample must be an object/],
    [new MemoryVault(), { ...SECRETS, known: [5, CANARY] }, /`known` of SecretSample must be text/],
  ];
  for (const [port, sample, said] of told) {
    const error = await failure(any(port, sample));
    assert.ok(error instanceof InvalidInputError, String(error));
    assert.match(error.message, said);
    assert.ok(!inspect(error).includes(CANARY));
  }
});

test("checks go on side by side", async () => {
  await Promise.all([check(new MemoryBus()), check(new MemoryVault(VALUES), SECRETS), check(new MemoryStore())]);
});
