/// <reference types="node" preserve="true" />

/**
 * What every port has to keep to, tried out: the suites that the adapters of semantest-iac itself pass.
 *
 * ```ts
 * test("the vault keeps its promises", async () => {
 *   await check(new Vault(), {
 *     known: ["vault:known", "a value of some length"],
 *     other: ["vault:other", "another one"],
 *     unknown: "vault:nothing",
 *   });
 * });
 * ```
 *
 * Each suite makes real calls: give it something of its own, that nobody else uses.
 *
 * @module
 */

import { AssertionError } from "node:assert";
import { createHmac, randomBytes } from "node:crypto";

import { bridge } from "./bridge.js";
import { InvalidInputError } from "./errors.js";
import { checkConformance } from "./native.js";
import { kindOf, shown } from "./options.js";
import { memberOf, type Port } from "./port.js";
import { EVENT_BUS, eventBus } from "./port-event-bus.js";
import { EVENT_STORE, eventStore } from "./port-event-store.js";
import { OWNERSHIP_TAGS, PROVIDER, provider } from "./port-provider.js";
import { Raised } from "./port-raised.js";
import { SECRET_RESOLVER, secretResolver, SecretResolverCalls } from "./port-secret-resolver.js";
import type { EventBus, EventStore, OwnershipTags, Provider, SecretResolver } from "./ports/index.js";
import { anything, type Codec, field, type Fields, readFields, table, text, Unfit, writeFields } from "./record.js";

/** A resource to try a provider on. Nothing of it is there before, and nothing after. */
export interface ProviderSample {
  /** Whose it is. */
  readonly tags: OwnershipTags;
  /** The provider's word for what it is. */
  readonly kind: string;
  /** What it is made of, references substituted. Under `region` its region, where it has one. */
  readonly inputs: { readonly [name: string]: unknown };
  /** Other inputs of the same resource, which it can be changed to in place. */
  readonly updated: { readonly [name: string]: unknown };
}

/** Secrets to try a resolver on. Their references name no region. */
export interface SecretSample {
  /** Reference and value of a secret that is there. The value is long enough not to stand in other words. */
  readonly known: readonly [reference: string, value: string];
  /** Another one with another value. */
  readonly other: readonly [reference: string, value: string];
  /** The reference of one that is not there. */
  readonly unknown: string;
}

const pair: Codec<readonly [string, string]> = {
  read: (value, given) => {
    if (!Array.isArray(value) || value.length !== 2) throw new Unfit("must be a list of reference and value");
    return [text.read(value[0], given), text.read(value[1], given)];
  },
  write: (value) => value,
  holds: (value) => Array.isArray(value),
};

const PROVIDER_SAMPLE: Fields = {
  tags: field("tags", OWNERSHIP_TAGS),
  kind: field("kind", text),
  inputs: field("inputs", table(anything)),
  updated: field("updated", table(anything)),
};
const SECRET_SAMPLE: Fields = { known: field("known", pair), other: field("other", pair), unknown: field("unknown", text) };

/**
 * Whether a port keeps its promises.
 *
 * An event bus has no subscribers and an event store no events when it is handed over.
 *
 * @param port - As `Iac.open` takes it.
 * @param sample - What a provider or a resolver of secrets is tried on.
 * @throws AssertionError It does not: the claim that is broken. (The native module prints it on standard error too.)
 * @throws InvalidInputError It is no port, or the sample is not one for it.
 */
export async function check(port: EventBus | EventStore): Promise<void>;
export async function check(port: Provider, sample: ProviderSample): Promise<void>;
export async function check(port: SecretResolver, sample: SecretSample): Promise<void>;
export async function check(port: unknown, sample?: unknown): Promise<void> {
  const [given, data] = portOf(port, sample);
  const { target, role, name, methods, schemes } = given;
  const number = bridge().serve(
    (request, attendance) => target.answer(request, attendance),
    (thrown, request) => target.failure(thrown, request),
  );
  try {
    const told = JSON.stringify({ target: number, role, name, methods, schemes });
    const broken = await bridge().ask<string | null>((call) => {
      checkConformance(bridge().native, call, told, JSON.stringify(data));
    });
    if (broken !== null) throw new AssertionError({ message: broken });
  } finally {
    bridge().forget(number);
  }
}

function portOf(port: unknown, sample: unknown): [Port, object | null] {
  if (sample === undefined || sample === null) return [withoutSample(port), null];
  if (memberOf(sample, "tags") !== undefined) {
    return [provider(port, new Raised()), read("ProviderSample", PROVIDER_SAMPLE, sample)];
  }
  if (memberOf(sample, "known") !== undefined) {
    return [withDigests(secretResolver(port), port), read("SecretSample", SECRET_SAMPLE, sample)];
  }
  throw refused(`a sample is a ProviderSample or a SecretSample, not ${shown(sample)}`);
}

/** Which one is meant is told by what only one of them has. */
function withoutSample(port: unknown): Port {
  if (memberOf(port, "append") !== undefined) return eventStore(port);
  if (memberOf(port, "publish") !== undefined) return eventBus(port, new Raised());
  for (const [role, name] of [[PROVIDER, "ProviderSample"], [SECRET_RESOLVER, "SecretSample"]] as const) {
    if (role.required.every((method) => typeof memberOf(port, method) === "function")) {
      throw refused(`a ${role.words} is tried on a sample: give a ${name}`);
    }
  }
  const needs = [EVENT_STORE, EVENT_BUS].map((role) => `${role.words} (${role.required.join(", ")})`);
  const what = typeof port === "object" && port !== null ? kindOf(port) : shown(port);
  throw refused(`${what} is no ${needs.join(" and no ")}`);
}

/** Makes digests as a project does, with a key of its own. */
class KeyedDigests extends SecretResolverCalls {
  readonly #key = randomBytes(32);

  protected override async digest(value: string): Promise<string> {
    return createHmac("sha256", this.#key).update(value).digest("hex");
  }
}

function withDigests(given: Port, port: unknown): Port {
  if (given.methods.includes("digest")) return given;
  return { ...given, target: new KeyedDigests(port as object, given.name), methods: [...given.methods, "digest"] };
}

function read(name: string, fields: Fields, sample: unknown): object {
  try {
    return writeFields(fields, readFields(fields, sample, true));
  } catch (error) {
    const { path, why } = Unfit.of(error);
    throw refused(path === "" ? `${name} ${why}` : `\`${path}\` of ${name} ${why}`);
  }
}

function refused(message: string): InvalidInputError {
  return new InvalidInputError(message, { operation: "conformance.check" });
}
