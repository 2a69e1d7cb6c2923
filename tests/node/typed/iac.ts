/** Types of the facade, of handlers and of ports as users see them: the marked lines are mistakes, no other is. */

import {
  ApplicationEvent,
  CloudEvent,
  type DeployAnswer,
  DeploymentRequested,
  FunctionDeployed,
  type HandlerContext,
  Iac,
  InfrastructureEvent,
  InfrastructureUpdated,
  type LogPage,
  type OpenOptions,
  type PlanAnswer,
  type PublishAnswer,
  type Subscription,
} from "semantest-iac";
import { check } from "semantest-iac/conformance";
import type { Applied, EventBus, EventStore, Provider, SecretResolver } from "semantest-iac/ports";

declare const iac: Iac;
declare const maybe: string | undefined;
declare const signal: AbortSignal | undefined;

export async function runs(): Promise<void> {
  const published: PublishAnswer = await iac.publish(new DeploymentRequested({ component: "a" }), { signal });
  await iac.publish({ type: "X", data: 1 });
  await iac.publish(new ApplicationEvent("X"));
  // @ts-expect-error text is no event
  await iac.publish("DeploymentRequested");
  // @ts-expect-error a signal is no option of its own
  await iac.publish(new ApplicationEvent("X"), new AbortController().signal);
  const deployed: DeployAnswer = await iac.deploy("a", { environment: maybe, provider: null, configuration: { memoryMb: 1 }, signal });
  await iac.deploy("a", { configuration: { memory_mb: 1 } });
  // @ts-expect-error a misspelt option
  await iac.deploy("a", { env: "dev" });
  // @ts-expect-error the component is text
  await iac.deploy(5);
  const planned: PlanAnswer = await iac.plan("a");
  await iac.scale("a", { minReplicas: 1 });
  // @ts-expect-error options are camelCase here
  await iac.scale("a", { min_replicas: 1 });
  await iac.configure("a", { variables: { A: "b", C: { secret: "env:C" } }, unset: ["D"], tags: { team: "blue" } });
  // @ts-expect-error variables are text or secrets
  await iac.configure("a", { variables: { A: 5 } });
  // @ts-expect-error whose orphans has to be said
  await iac.removeOrphans("a", {});
  const page: LogPage = await iac.logs("a", { since: new Date(), wait: 1 });
  // @ts-expect-error a time is a Date
  await iac.state("a", { time: "2026-01-31T12:00:00Z" });
  return void [published, deployed.functions[0]?.functionName, planned.steps[0]?.address, page.lines[0]?.message];
}

export function handlers(): Subscription {
  iac.subscribe((event) => void event.functionName.length, FunctionDeployed);
  iac.subscribe((event: FunctionDeployed | InfrastructureUpdated) => void event.component, FunctionDeployed, InfrastructureUpdated);
  iac.subscribe(async (event, context: HandlerContext) => void [event.eventType, context.signal.aborted]);
  iac.subscribe((event) => void event.source, InfrastructureEvent, { timeout: null });
  // @ts-expect-error it is called with an event of another class
  iac.subscribe((event: InfrastructureUpdated) => void event.changes, FunctionDeployed);
  // @ts-expect-error a handler comes first
  iac.subscribe(FunctionDeployed, () => {});
  // @ts-expect-error a timeout is a number of seconds
  iac.subscribe(() => {}, FunctionDeployed, { timeout: "long" });
  iac.include(() => {}, {}, new Date());
  // @ts-expect-error text is no handler
  iac.include("FunctionDeployed");
  return iac.subscribe(() => {}, "X");
}

export async function streams(): Promise<void> {
  for await (const event of iac.events(FunctionDeployed, { after: 5, follow: true, signal })) {
    const name: string = event.functionName;
    void name;
  }
  for await (const event of iac.events(FunctionDeployed, InfrastructureUpdated)) {
    // @ts-expect-error only one of both has it
    void event.functionName;
  }
  for await (const event of iac.events()) {
    const any: InfrastructureEvent | ApplicationEvent = event;
    void any.position;
  }
  for await (const event of iac.events(CloudEvent)) void event.subject;
  // @ts-expect-error a misspelt option
  iac.events({ folow: true });
  // @ts-expect-error a position is a number
  iac.events(FunctionDeployed, { after: "5" });
  await using scope = await Iac.open();
  void scope.project;
}

export async function opened(): Promise<void> {
  const options: OpenOptions = { parallelism: 4, leaseWait: 1.5, owner: maybe, traceparent: null };
  await Iac.open(".", options);
  await Iac.open(new URL("file:///srv/shop"));
  // @ts-expect-error a misspelt option
  await Iac.open(".", { leasewait: 5 });
  // @ts-expect-error an Iac is opened, not constructed
  new Iac();
  // @ts-expect-error a vault is no provider
  await Iac.open(".", { providers: [vault] });
  await Iac.open(".", { providers: [cloud], secretResolvers: [vault] });
}

const vault: SecretResolver = { schemes: ["vault"], resolve: () => null };
const cloud: Provider = {
  name: "cloud",
  lower: async (blueprint, { region }) => [
    { address: "a", kind: "k", inputs: { region, name: blueprint.component }, role: "function" },
  ],
  observe: () => null,
  apply: (change, operation, { signal: gone }): Applied => {
    const secret: string | undefined = change.secrets.get("vault:a");
    void [secret, operation.attempt, gone.aborted];
    return { id: "x" };
  },
  delete() {},
  discover: () => [],
};
export const odd: Provider = {
  ...cloud,
  // @ts-expect-error an id is text
  apply: () => ({ id: 5 }),
};

declare const bus: EventBus;
declare const store: EventStore;

export async function conformance(): Promise<void> {
  await check(bus);
  await check(store);
  await check(vault, { known: ["vault:a", "b"], other: ["vault:c", "d"], unknown: "vault:e" });
  // @ts-expect-error a provider is tried on a sample
  await check(cloud);
  // @ts-expect-error a sample of a secret is none of a provider
  await check(cloud, { known: ["vault:a", "b"], other: ["vault:c", "d"], unknown: "vault:e" });
}
