/** `listen`: what may be listened for, and what is refused. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ApplicationEvent,
  CloudEvent,
  DeploymentRequested,
  EventBus,
  EventHandler,
  FunctionDeployed,
  InfrastructureEvent,
  InvalidInputError,
  listen,
} from "semantest-iac";

import { DomainEvent, OrderPlaced, ServiceDeploymentNeeded } from "./core-events.js";
import { failure } from "./project.js";

const deployed = (): FunctionDeployed => {
  return new FunctionDeployed({ functionName: "f", arn: "a", component: "c", environment: "dev", provider: "local" });
};

/** The names of the events that reach a handler marked for `events`. */
async function reaching(events: readonly any[], ...published: any[]): Promise<string[]> {
  const heard: string[] = [];
  const bus = new EventBus();
  bus.include((listen as any)(...events)((event: { eventType: string }) => void heard.push(event.eventType)));
  for (const event of published) await bus.publish(event);
  return heard;
}

test("a function keeps what it is, and is marked", async () => {
  const handle = (event: FunctionDeployed): string => event.functionName;
  assert.equal(listen(FunctionDeployed)(handle), handle);
  assert.equal(handle(deployed()), "f");
});

test("events are listened for by class, by base class, by name and by full type", async () => {
  const events = [deployed(), new DeploymentRequested({ component: "c" }), new ApplicationEvent("com.shop.Noted")];
  assert.deepEqual(await reaching([FunctionDeployed], ...events), ["FunctionDeployed"]);
  assert.deepEqual(await reaching(["FunctionDeployed", "Noted"], ...events), ["FunctionDeployed", "Noted"]);
  assert.deepEqual(await reaching(["com.semantest.iac.DeploymentRequested"], ...events), ["DeploymentRequested"]);
  assert.deepEqual(await reaching([InfrastructureEvent], ...events), ["FunctionDeployed", "DeploymentRequested"]);
  assert.deepEqual(await reaching([ApplicationEvent], ...events), ["Noted"]);
  assert.deepEqual(await reaching([CloudEvent], ...events), ["FunctionDeployed", "DeploymentRequested", "Noted"]);
});

test("events of Semantest's core are listened for by their classes too", async () => {
  const events = [new OrderPlaced(1), new ServiceDeploymentNeeded("rest-api"), deployed()];
  assert.deepEqual(await reaching([OrderPlaced], ...events), ["OrderPlaced"]);
  assert.deepEqual(await reaching([ServiceDeploymentNeeded], ...events), ["ServiceDeploymentNeeded"]);
  assert.deepEqual(await reaching([DomainEvent], ...events), ["OrderPlaced", "ServiceDeploymentNeeded"]);
  assert.deepEqual(await reaching([CloudEvent], ...events), ["OrderPlaced", "ServiceDeploymentNeeded", "FunctionDeployed"]);
});

test("an event of another class reaches a handler as the class it knows", async () => {
  class MyRequest extends DomainEvent {
    readonly eventType = "DeploymentRequested";
    readonly component = "rest-api";
    readonly environment = "dev";
  }
  const heard: unknown[] = [];
  const bus = new EventBus();
  bus.include(listen(DeploymentRequested)((event) => void heard.push(event)));
  const request = new MyRequest("story");
  await bus.publish(request);
  const [event] = heard as [DeploymentRequested];
  assert(event instanceof DeploymentRequested);
  assert.equal(event.component, "rest-api");
  assert.equal(event.correlationId, "story");
});

test("an application's class may read events that come from elsewhere", async () => {
  class Noted {
    static readonly eventType = "Noted";
    readonly eventType = "Noted";
    readonly correlationId = "c";
    readonly timestamp = new Date();
    constructor(readonly text: string) {}
    static fromCloudEvent(event: { data: { text: string } }): Noted {
      return new Noted(event.data.text);
    }
  }
  const heard: unknown[] = [];
  const bus = new EventBus();
  bus.include(listen(Noted)((event) => void heard.push(event instanceof Noted && event.text)));
  await bus.publish(new ApplicationEvent("com.shop.Noted", { text: "hello" }));
  assert.deepEqual(heard, ["hello"]);
});

test("an event that a handler cannot know is that handler's failure", async () => {
  const bus = new EventBus();
  bus.include(listen(DeploymentRequested, { name: "deploy" })(() => assert.fail("it cannot be read")));
  class Empty extends DomainEvent {
    readonly eventType = "DeploymentRequested";
  }
  const error: any = await failure(bus.publish(new Empty()));
  assert.equal(error.code, "handler_failed");
  assert.equal(error.failures[0].handler, "deploy");
  assert(error.cause instanceof InvalidInputError);
  assert.match(error.message, /component/);
});

const anything: any = listen;

for (const [wrong, said] of [
  [() => anything(), /needs the events/],
  [() => anything({ timeout: 3 }), /needs the events/],
  [() => anything(Number), /Number is no event class|parentheses/],
  [() => anything(Set), /parentheses/],
  [() => anything(() => undefined), /in parentheses/],
  [() => anything(deployed()), /takes event classes and names of events, not an object of type FunctionDeployed/],
  [() => anything(3), /takes event classes and names/],
  [() => anything(null), /takes event classes and names/],
  [() => anything(""), /no name of an event/],
  [() => anything("two words"), /no name of an event/],
  [() => anything(FunctionDeployed, { timeout: "1" }), /timeout is in seconds/],
  [() => anything(FunctionDeployed, { timeout: 0 }), /more than 0 seconds/],
  [() => anything(FunctionDeployed, { timeout: Number.NaN }), /more than 0 seconds/],
  [() => anything(FunctionDeployed, { timeout: Number.POSITIVE_INFINITY }), /more than 0 seconds/],
  [() => anything(FunctionDeployed, { name: "" }), /name is what the handler is called/],
  [() => anything(FunctionDeployed, { timeoutMs: 5 }), /no option `timeoutMs`; it has timeout and name/],
  [() => anything(FunctionDeployed)(3), /marks functions and methods, not number/],
  [() => anything(FunctionDeployed)(class Handler {}), /not the class Handler/],
  [() => anything(FunctionDeployed)(() => undefined, { kind: "method", name: "#hidden", private: true }), /#hidden, which is private/],
  [() => anything(FunctionDeployed)(undefined, { kind: "accessor", name: "x" }), /`x` is no method \(accessor\)/],
  [() => anything(FunctionDeployed)({}, "field"), /`field` is none/],
  [() => (EventHandler as any)(), /needs the events/],
  [() => (EventHandler as any)(FunctionDeployed)(() => undefined), /EventHandler marks classes/],
] as const) {
  test(`a wrong mark is refused where it stands: ${String(said)} ${String(wrong)}`, () => {
    assert.throws(wrong, (error: any) => error instanceof InvalidInputError && said.test(error.message));
  });
}
