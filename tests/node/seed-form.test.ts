/**
 * The form that this project began with: a handler class decorated for `DeploymentRequested`, its services injected by its
 * constructor, publishing `FunctionDeployed` on an event bus; down to a function that answers.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ApplicationEvent,
  DeploymentRequested,
  EventBus,
  EventHandler,
  FunctionDeployed,
  HandlerFailedError,
  type Iac,
  listen,
} from "semantest-iac";

import { failure, open } from "./project.js";

@EventHandler(DeploymentRequested)
class DeployRestApiHandler implements EventHandler<DeploymentRequested> {
  constructor(
    private readonly infrastructure: Pick<Iac, "deploy">,
    private readonly eventBus: EventBus,
  ) {}

  async handle(event: DeploymentRequested): Promise<void> {
    const { component, environment, provider, configuration } = event;
    const answer = await this.infrastructure.deploy(component, { environment, provider, configuration });
    for (const { functionName, arn, endpoint } of answer.functions) {
      const deployed = { functionName, arn, endpoint, component, environment, provider: answer.provider };
      await this.eventBus.publish(new FunctionDeployed(deployed));
    }
  }
}

class Announcements {
  readonly deployed: FunctionDeployed[] = [];

  @listen(FunctionDeployed)
  async announce(event: FunctionDeployed): Promise<void> {
    this.deployed.push(event);
  }
}

class InfrastructureEventBus extends EventBus {
  @listen("ServiceDeploymentNeeded")
  async onServiceDeploymentNeeded(event: ApplicationEvent): Promise<void> {
    const { service_type: component, environment } = event.data as { service_type: string; environment: string };
    await this.publish(new DeploymentRequested({ component, environment, provider: "local", configuration: {} }));
  }
}

function needed(): ApplicationEvent {
  return new ApplicationEvent("ServiceDeploymentNeeded", { service_type: "rest-api", environment: "dev", service_config: {} });
}

async function answerOf(event: FunctionDeployed | undefined): Promise<string> {
  assert.ok(event?.endpoint);
  return (await fetch(event.endpoint)).text();
}

test("a decorated handler deploys what was requested and announces it on the bus", async (t) => {
  const iac = await open(t);
  const bus = new EventBus();
  const announcements = new Announcements();
  bus.include(new DeployRestApiHandler(iac, bus), announcements);
  const request = new DeploymentRequested({ component: "rest-api", provider: "local", environment: "dev", configuration: {} });
  await bus.publish(request);
  const [deployed] = announcements.deployed;
  assert.equal(deployed?.functionName, "shop-dev-rest-api");
  assert.equal(await answerOf(deployed), "hello");
  assert.deepEqual([deployed?.correlationId, deployed?.causationId], [request.eventId, request.eventId]);
  assert.equal((await iac.status("rest-api")).deployments[0]?.status, "deployed");
});

test("a service that is needed is deployed by handlers on a bus of its own", async (t) => {
  const iac = await open(t);
  const bus = new InfrastructureEventBus();
  const announcements = new Announcements();
  bus.include(new DeployRestApiHandler(iac, bus), announcements);
  const event = needed();
  await bus.publish(event);
  const [deployed] = announcements.deployed;
  assert.equal(await answerOf(deployed), "hello");
  assert.equal(deployed?.correlationId, event.eventId);
  assert.equal(deployed?.previousEventIds.at(-1), event.eventId);
});

test("a bus that is included in an Iac has its requests carried out and hears what happened", async (t) => {
  const iac = await open(t);
  const bus = new InfrastructureEventBus();
  const announcements = new Announcements();
  iac.include(bus);
  bus.include(announcements);
  const event = needed();
  await bus.publish(event);
  const [deployed, ...others] = announcements.deployed;
  assert.equal(await answerOf(deployed), "hello");
  assert.equal(others.length, 0);
  assert.equal(deployed?.correlationId, event.eventId);
});

test("handlers of the Iac itself hear what a deployment publishes", async (t) => {
  const iac = await open(t);
  const announcements = new Announcements();
  iac.include(announcements);
  const request = new DeploymentRequested({ component: "rest-api", provider: "local", environment: "dev", configuration: {} });
  assert.equal((await iac.publish(request)).status, "deployed");
  assert.equal(await answerOf(announcements.deployed[0]), "hello");
});

test("what the handler's service threw is the cause on the bus too", async (t) => {
  await open(t);
  const boom = new Error("no infrastructure today");
  const bus = new EventBus();
  bus.include(new DeployRestApiHandler({ deploy: () => Promise.reject(boom) }, bus));
  const error = await failure(bus.publish(new DeploymentRequested({ component: "rest-api" })));
  assert.ok(error instanceof HandlerFailedError);
  assert.equal(error.cause, boom);
});
