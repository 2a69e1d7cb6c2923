/** An `EventBus` connected to an `Iac`: requests go out to the local provider, what happened comes in. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ApplicationEvent,
  type CloudEvent,
  CloudEvent as AnyOfOurs,
  DeploymentRequested,
  EventBus,
  EventHandler,
  FunctionDeployed,
  HandlerFailedError,
  type Iac,
  InvalidInputError,
  InvalidProjectError,
  listen,
  RemovalRequested,
} from "semantest-iac";

import { OrderPlaced, ServiceDeploymentNeeded } from "./core-events.js";
import { all, failure, noted, open, project } from "./project.js";

class Announcements {
  readonly deployed: FunctionDeployed[] = [];
  readonly names: string[] = [];

  @listen(FunctionDeployed)
  announce(event: FunctionDeployed): void {
    this.deployed.push(event);
  }

  @listen(AnyOfOurs)
  keep(event: CloudEvent | ServiceDeploymentNeeded): void {
    this.names.push(event.eventType);
  }
}

class InfrastructureEventBus extends EventBus {
  @listen(ServiceDeploymentNeeded)
  async onServiceDeploymentNeeded(event: ServiceDeploymentNeeded): Promise<void> {
    await this.publish(
      new DeploymentRequested({
        component: event.serviceType,
        provider: "local",
        environment: event.environment,
        configuration: event.serviceConfig,
      }),
    );
  }
}

@EventHandler(DeploymentRequested)
class DeployRestApiHandler {
  constructor(
    private readonly iac: Iac,
    private readonly eventBus: EventBus,
  ) {}

  async handle(event: DeploymentRequested): Promise<void> {
    const { provider, functions } = await this.iac.deploy(event.component, { environment: event.environment });
    for (const { functionName, arn, endpoint } of functions) {
      const { component, environment } = event;
      await this.eventBus.publish(
        new FunctionDeployed({ functionName, arn, endpoint, component, environment, provider: provider ?? "local" }),
      );
    }
  }
}

test("a needed service is deployed by a handler of the application, and announced on its bus", async (t) => {
  const iac = await open(t);
  const bus = new InfrastructureEventBus();
  const announcements = new Announcements();
  bus.include(new DeployRestApiHandler(iac, bus), announcements);
  const needed = new ServiceDeploymentNeeded("rest-api", "dev", {}, "story");
  await bus.publish(needed);
  const [deployed] = announcements.deployed as [FunctionDeployed];
  assert.equal(announcements.deployed.length, 1);
  assert.equal(deployed.correlationId, "story");
  assert.equal(deployed.previousEventIds.length, 2, "the request, and what asked for it");
  assert.equal(await (await fetch(deployed.endpoint ?? "")).text(), "hello");
  assert.deepEqual((await iac.status()).deployments.map(({ status }) => status), ["deployed"]);
  await iac.destroy("rest-api");
});

test("a connected bus carries requests out and hears what happened, each event once", async (t) => {
  const iac = await open(t);
  const bus = new InfrastructureEventBus();
  const announcements = new Announcements();
  bus.connect(iac);
  bus.connect(iac);
  bus.include(announcements);
  await bus.publish(new ServiceDeploymentNeeded("rest-api", "dev", {}, "story"));
  assert.deepEqual(announcements.deployed.map(({ correlationId }) => correlationId), ["story"]);
  const { names } = announcements;
  assert.equal(names[0], "DeploymentRequested", "the bus's own handler comes first, and what it publishes is through");
  assert.deepEqual(names.slice(-2), ["InfrastructureUpdated", "ServiceDeploymentNeeded"]);
  assert.deepEqual(names.filter((name, at) => name.startsWith("Infra") && names.indexOf(name) !== at), []);
  assert.equal(names.filter((name) => name === "DeploymentRequested").length, 1);
  await iac.destroy("rest-api");
});

test("a bus that is included in an Iac is connected to it", async (t) => {
  const iac = await open(t);
  const bus = new EventBus();
  iac.include(bus);
  const request = new DeploymentRequested({ component: "rest-api" });
  const { event, answer } = await bus.publish(request);
  assert.equal(event, request);
  assert.equal(answer?.id, request.eventId);
  assert.equal(answer?.status, "deployed");
  assert.equal((await bus.publish(new RemovalRequested({ component: "rest-api" }))).answer?.status, "removed");
});

test("the core's bridge takes what nobody on the bus listens for by name", async (t) => {
  const iac = await open(t);
  const bus = new EventBus();
  const heard: string[] = [];
  bus.connect(iac);
  bus.include(listen(AnyOfOurs)((event) => void heard.push(event.eventType)));
  await bus.publish(new ServiceDeploymentNeeded("rest-api"));
  const recorded = await all(iac.events("ServiceDeploymentNeeded", "DeploymentRequested"));
  assert.deepEqual(recorded.map(({ eventType }) => eventType), ["ServiceDeploymentNeeded", "DeploymentRequested"]);
  assert.deepEqual([...new Set(heard.slice(0, 2))], ["ServiceDeploymentNeeded", "DeploymentRequested"]);
  assert.equal(recorded[1]?.causationId, recorded[0]?.eventId);
  await iac.destroy("rest-api");
});

test("facts of ours stay on the bus, and so does what somebody listens for by name", async (t) => {
  const iac = await open(t);
  const bus = new EventBus();
  bus.connect(iac);
  bus.subscribe("OrderPlaced", () => undefined);
  await bus.publish(
    new FunctionDeployed({ functionName: "f", arn: "a", component: "c", environment: "dev", provider: "local" }),
  );
  await bus.publish(new OrderPlaced(1));
  assert.deepEqual(await all(iac.events()), []);
  await bus.publish(noted());
  assert.deepEqual((await all(iac.events())).map(({ eventType }) => eventType), ["SomethingNoted"]);
});

test("what goes out and comes in again is heard once, also with two buses on one Iac", async (t) => {
  const iac = await open(t);
  const [one, other] = [new EventBus(), new EventBus()];
  const heard: string[] = [];
  for (const [name, bus] of [["one", one], ["other", other]] as const) {
    bus.connect(iac);
    bus.include(listen(AnyOfOurs)((event) => void heard.push(`${name} ${event.eventType}`)));
  }
  const event = noted();
  await one.publish(event);
  await other.publish(event);
  await iac.publish(event);
  assert.deepEqual(heard, ["one SomethingNoted", "other SomethingNoted"]);
  assert.equal((await all(iac.events())).length, 1);
});

test("a request that cannot be carried out rejects with its own error, which tells of handlers that failed too", async (t) => {
  const iac = await open(t);
  const bus = new EventBus();
  const full = new Error("audit is full");
  bus.connect(iac);
  bus.include(listen(DeploymentRequested, { name: "audit" })(async () => Promise.reject(full)));
  const error: any = await failure(bus.publish(new DeploymentRequested({ component: "nowhere" })));
  assert(error instanceof InvalidProjectError);
  assert.match(error.message, /nowhere/);
  assert.deepEqual(error.failures.map((each: any) => [each.handler, each.error]), [["audit", full]]);
});

test("handlers of facts that fail are told apart, with the very error, and the answer is kept", async (t) => {
  const iac = await open(t);
  const bus = new EventBus();
  const [first, second] = [new Error("audit"), new Error("boom")];
  bus.connect(iac);
  bus.include(
    listen(DeploymentRequested, { name: "audit" })(async () => Promise.reject(first)),
    listen(FunctionDeployed, { name: "announce" })(async () => Promise.reject(second)),
  );
  const error: any = await failure(bus.publish(new DeploymentRequested({ component: "rest-api" })));
  assert(error instanceof HandlerFailedError);
  assert.deepEqual(error.failures.map(({ handler, error }) => [handler, error]), [["audit", first], ["announce", second]]);
  assert.equal(error.answer?.status, "deployed");
  await iac.destroy("rest-api");
});

test("a bus has one connection at a time, until it is disconnected", async (t) => {
  const place = project(t);
  const [first, second] = [await open(t, place), await open(t, place)];
  const bus = new EventBus();
  const heard: string[] = [];
  bus.include(listen("SomethingNoted")((event: ApplicationEvent) => void heard.push(event.eventId)));
  bus.connect(first);
  assert.throws(() => bus.connect(second), (error: any) => {
    return error instanceof InvalidInputError && /disconnect it first/.test(error.message);
  });
  bus.disconnect();
  bus.disconnect();
  await first.publish(noted());
  assert.deepEqual(heard, []);
  bus.connect(second);
  const event = noted();
  await second.publish(event);
  assert.deepEqual(heard, [event.eventId]);
});

test("a run begun on a bus is ended in order when its publisher gives up", async (t) => {
  const iac = await open(t);
  const bus = new EventBus();
  bus.connect(iac);
  const abort = new AbortController();
  iac.subscribe(() => abort.abort("enough"), "DeploymentPlanned");
  const error: any = await failure(bus.publish(new DeploymentRequested({ component: "rest-api" }), { signal: abort.signal }));
  assert.equal(error.code, "cancelled");
  const ending = (await iac.history("rest-api")).at(-1);
  assert.equal(ending?.eventType, "InfrastructureUpdateFailed");
  await iac.destroy("rest-api");
});
