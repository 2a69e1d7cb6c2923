/** The same with a bus of the application's own: handlers are classes that get what they work with from outside. */

import {
  ApplicationEvent,
  DeploymentRequested,
  EventBus,
  EventHandler,
  FunctionDeployed,
  Iac,
  listen,
} from "semantest-iac";

class ServiceDeploymentNeeded extends ApplicationEvent {
  constructor(data: { serviceType: string; environment: string; serviceConfig: object }) {
    super("ServiceDeploymentNeeded", data);
  }
}

@EventHandler(DeploymentRequested)
class DeployRestApiHandler {
  constructor(
    private readonly iac: Iac,
    private readonly bus: EventBus,
  ) {}

  async handle(event: DeploymentRequested) {
    const answer = await this.iac.deploy(event.component, {
      environment: event.environment,
      configuration: event.configuration,
    });
    for (const { functionName, arn, endpoint } of answer.functions) {
      await this.bus.publish(
        new FunctionDeployed({
          functionName,
          arn,
          endpoint,
          component: event.component,
          environment: event.environment,
          provider: answer.provider,
        }),
      );
    }
  }
}

const iac = await Iac.open(".");
const bus = new EventBus();
bus.include(new DeployRestApiHandler(iac, bus));
const needed = new ServiceDeploymentNeeded({
  serviceType: "rest-api",
  environment: "dev",
  serviceConfig: { memory_mb: 256 },
});
bus.include(
  listen(ServiceDeploymentNeeded)(async (event: ServiceDeploymentNeeded) => {
    const data = event.data as { serviceType: string; environment: string; serviceConfig: object };
    await bus.publish(
      new DeploymentRequested({
        component: data.serviceType,
        environment: data.environment,
        configuration: data.serviceConfig,
      }),
    );
  }),
  listen(FunctionDeployed)((event: FunctionDeployed) => {
    const origin = event.correlationId === needed.eventId ? "what was asked for" : "something else";
    console.log(event.functionName, "goes back to", origin);
  }),
);
await bus.publish(needed);
await iac.destroy("rest-api");
await iac.close();
