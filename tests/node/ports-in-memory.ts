/** The four ports in memory, as an application would write them, methods async or plain. */

import { createHmac } from "node:crypto";

import {
  AlreadyExistsError,
  blueprint,
  DuplicateEventError,
  HeldError,
  IacError,
  InvalidInputError,
  VersionConflictError,
} from "semantest-iac";
import {
  type Append,
  type Appended,
  type Applied,
  type Change,
  type Discovered,
  type Event,
  type EventBus,
  type EventFilter,
  type EventStore,
  type FailedDelivery,
  type Finding,
  holds,
  type Invoked,
  type InvokeRequest,
  type LogPageFound,
  type LogQuery,
  type Observed,
  type Operation,
  outputOf,
  type OwnershipTags,
  type Provider,
  type ProviderSettings,
  type RecordedEvent,
  type Resource,
  type ResourceHandle,
  sameTags,
  type Scope,
  type SecretResolver,
  type StreamInfo,
  type SubscribedHandler,
} from "semantest-iac/ports";

/** A resource in the cloud. */
export interface Held {
  readonly tags: OwnershipTags;
  readonly kind: string;
  readonly inputs: { readonly [name: string]: unknown };
}

function outputsOf(held: Held): Record<string, unknown> {
  const name = String(held.inputs["name"]);
  const arn = `mem:${held.kind}:${name}`;
  if (held.kind === "memory.function") return { arn, function_name: name };
  return { arn, api_id: name, endpoint: `http://${name}.memory` };
}

/** A cloud where names are unique, and are the ids too. */
export class MemoryProvider implements Provider {
  readonly held = new Map<string, Held>();
  readonly calls = { observe: 0, apply: 0, delete: 0, discover: 0 };
  readonly changes: Change[] = [];

  constructor(readonly name: string = "elsewhere") {}

  lower(from: blueprint.Blueprint, settings: ProviderSettings): Resource[] {
    const base = `${from.project}-${from.environment}-${from.component}`;
    const functions = new Map<string, Resource>();
    for (const one of from.functions) {
      functions.set(one.role, {
        address: `function.${one.role}`,
        kind: "memory.function",
        inputs: { ...blueprint.ServerlessFunction.toJSON(one), name: `${base}-${one.role}`, region: settings.region },
        replaceOn: ["runtime"],
        role: "function",
      });
    }
    if (from.api === null) return [...functions.values()];
    const routes = from.api.routes.map((route) => [route.routeKey, outputOf(functions.get(route.function)!, "arn")] as const);
    const inputs = { name: `${base}-api`, routes: Object.fromEntries(routes) };
    return [...functions.values(), { address: "api", kind: "memory.api", inputs, role: "api_gateway" }];
  }

  async observe(resource: ResourceHandle): Promise<Observed | null> {
    this.calls.observe += 1;
    const id = idOf(resource);
    const held = this.held.get(id);
    if (held === undefined || !sameTags(held.tags, resource.tags)) return null;
    return { id, inputs: held.inputs, outputs: outputsOf(held) };
  }

  async apply(change: Change, _operation: Operation): Promise<Applied> {
    this.calls.apply += 1;
    this.changes.push(change);
    await Promise.resolve();
    const { tags, kind, inputs } = change.resource;
    const name = String(inputs["name"]);
    const before = this.held.get(name);
    if (before !== undefined && !sameTags(before.tags, tags)) {
      throw new AlreadyExistsError(`\`${name}\` is there and is not ours`, { context: { name } });
    }
    const held = { tags, kind, inputs };
    this.held.set(name, held);
    return { id: name, outputs: outputsOf(held), adopted: before !== undefined };
  }

  async delete(resource: ResourceHandle, _operation: Operation): Promise<void> {
    this.calls.delete += 1;
    const held = this.held.get(idOf(resource));
    if (held !== undefined && sameTags(held.tags, resource.tags)) this.held.delete(idOf(resource));
  }

  async discover(scope: Scope): Promise<Discovered[]> {
    this.calls.discover += 1;
    const ours = [...this.held].filter(([, held]) => holds(scope, held.tags));
    return ours.map(([id, held]) => ({ tags: held.tags, kind: held.kind, id }));
  }
}

function idOf(resource: ResourceHandle): string {
  // An orphan has nothing but its id.
  return String(resource.inputs["name"] ?? resource.id);
}

/** The same with all that a provider may have; plain methods. */
export class TalkativeProvider extends MemoryProvider {
  defaultRegion(): string {
    return "memory-1";
  }

  diagnose(settings: ProviderSettings): Finding[] {
    return [{ name: "memory", ok: true, detail: `there is enough in ${settings.region}` }];
  }

  invoke(request: InvokeRequest): Invoked {
    const payload = `{"heard":${request.payload}}`;
    const line = { time: "2026-01-31T12:00:00Z", functionName: "f", message: "called" };
    return { requestId: "r-1", payload, durationMs: 1.5, logs: [line] };
  }

  logs(query: LogQuery): LogPageFound {
    const { since, limit, wait, cursor } = query;
    const message = `since=${since?.toISOString()} limit=${limit} wait=${wait} cursor=${cursor}`;
    const functionName = String(query.function.outputs["arn"]);
    return { lines: [{ time: "2026-01-31T12:00:00Z", functionName, message }], cursor: "next" };
  }
}

/** A log in memory. What is kept is text: nothing can be changed behind its back. */
export class MemoryStore implements EventStore {
  readonly log: { readonly stream: string; readonly version: number; readonly text: string }[] = [];
  readonly known = new Set<string>();
  readonly #updated = new Map<string, Date>();
  readonly #fences = new Map<string, number>();
  #waiting: (() => void)[] = [];

  get text(): string {
    return this.log.map((one) => one.text).join("\n");
  }

  async append({ stream, expected, events, fence }: Append): Promise<Appended> {
    if (events.length === 0) throw new InvalidInputError("there is nothing to append");
    if (fence !== null && fence.token < (this.#fences.get(fence.name) ?? 0)) {
      throw new HeldError(`another run has taken over ${fence.name}`);
    }
    const actual = this.#length(stream);
    if (expected !== null && expected !== actual) {
      const context = { expected: String(expected), actual: String(actual) };
      throw new VersionConflictError("somebody else was faster", { context });
    }
    const identities = events.map((event) => JSON.stringify([event.source, event.eventId]));
    const twice = identities.find((one, at) => this.known.has(one) || identities.indexOf(one) < at);
    if (twice !== undefined) throw new DuplicateEventError("it is here already", { context: { id: twice } });
    if (fence !== null) this.#fences.set(fence.name, fence.token);
    for (const [at, event] of events.entries()) {
      this.known.add(identities[at]!);
      this.log.push({ stream, version: actual + at + 1, text: JSON.stringify(event.toCloudEvent()) });
    }
    this.#updated.set(stream, new Date());
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
    return { position: this.log.length, version: actual + events.length };
  }

  readStream(stream: string, after: number, limit: number | null): RecordedEvent[] {
    return this.#recorded((one) => one.stream === stream && one.version > after, limit);
  }

  readAll(after: number, limit: number | null): RecordedEvent[] {
    return this.#recorded((_, position) => position > after, limit);
  }

  streams(prefix: string): StreamInfo[] {
    const wanted = [...this.#updated].filter(([name]) => name.startsWith(prefix));
    return wanted.map(([name, updated]) => ({ name, version: this.#length(name), updated }));
  }

  head(): number {
    return this.log.length;
  }

  async wait(after: number, atMost: number): Promise<void> {
    if (this.log.length > after) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, atMost * 1000);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #length(stream: string): number {
    return this.log.filter((one) => one.stream === stream).length;
  }

  #recorded(wanted: (one: MemoryStore["log"][number], position: number) => boolean, limit: number | null): RecordedEvent[] {
    const found: RecordedEvent[] = [];
    for (const [at, one] of this.log.entries()) {
      const { stream, version, text } = one;
      if (wanted(one, at + 1)) found.push({ position: at + 1, stream, version, event: JSON.parse(text) });
    }
    return found.slice(0, limit ?? found.length);
  }
}

/** Calls handlers one after the other. */
export class MemoryBus implements EventBus {
  readonly subscribers = new Map<number, { readonly filter: EventFilter; readonly handler: SubscribedHandler }>();
  readonly published: Event[] = [];
  #made = 0;

  constructor(readonly attempts = 3) {}

  async publish(events: readonly Event[]): Promise<FailedDelivery[]> {
    const failed: FailedDelivery[] = [];
    for (const event of events) {
      this.published.push(event);
      for (const { filter, handler } of [...this.subscribers.values()]) {
        if (!filter.admits(event)) continue;
        const failure = await this.#deliver(handler, event);
        if (failure !== null) failed.push({ handler: handler.name, eventId: event.eventId, ...failure });
      }
    }
    return failed;
  }

  async #deliver(handler: SubscribedHandler, event: Event): Promise<{ readonly error: unknown } | null> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await handler.handle(event);
        return null;
      } catch (error) {
        const again = error instanceof IacError && error.retry === "later" && attempt < this.attempts;
        if (!again) return { error };
      }
    }
  }

  subscribe(filter: EventFilter, handler: SubscribedHandler): number | Promise<number> {
    this.#made += 1;
    this.subscribers.set(this.#made, { filter, handler });
    return this.#made;
  }

  unsubscribe(subscription: number): void {
    this.subscribers.delete(subscription);
  }
}

/** Secrets in a map; every method plain. */
export class MemoryVault implements SecretResolver {
  readonly values: Map<string, string>;

  constructor(
    values: Iterable<readonly [string, string]> = [],
    readonly schemes: Iterable<string> = ["vault"],
  ) {
    this.values = new Map(values);
  }

  resolve(reference: string, _region: string | null): string | null | Promise<string | null> {
    return this.values.get(reference) ?? null;
  }
}

/** The same with digests of its own; async. */
export class DigestingVault extends MemoryVault {
  async digest(value: string): Promise<string> {
    return createHmac("sha256", "a key").update(value).digest("hex");
  }
}
