/** An application that deploys a component, hears what happens, and takes it away again. */

import {
  DeploymentRequested,
  EventHandler,
  FunctionDeployed,
  Iac,
  InfrastructureUpdated,
  InvalidProjectError,
  listen,
} from "semantest-iac";

const announce = listen(FunctionDeployed)((event: FunctionDeployed) => {
  console.log("deployed:", event.functionName);
});

@EventHandler(InfrastructureUpdated)
class Count {
  async handle(event: InfrastructureUpdated) {
    console.log("version", event.version, "created", event.changes.created);
  }
}

const iac = await Iac.open(".");
iac.include(announce, new Count());
const answer = await iac.publish(new DeploymentRequested({ component: "rest-api", environment: "dev" }));
console.log(answer.status, answer.endpoint !== null);

const again = await iac.deploy("rest-api");
console.log(again.status);

try {
  await iac.deploy("rest-apo");
} catch (error) {
  if (!(error instanceof InvalidProjectError)) throw error;
  console.log(`refused (${error.code}): ${error.message}`);
}

for await (const event of iac.events({ component: "rest-api" })) {
  console.log(String(event.sequence).padStart(3), event.eventType);
}
await iac.destroy("rest-api");
await iac.close();
