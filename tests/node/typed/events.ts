/** Types of events, records, errors and configurations as users see them: the marked lines are mistakes, no other is. */

import {
  type About,
  ApplicationEvent,
  type ComponentConfiguration,
  type configuration,
  DeploymentPlanned,
  DeploymentRequested,
  type DriftDetected,
  EnvironmentConfigurationRequested,
  type ErrorKind,
  type EventName,
  fromCloudEvent,
  type FunctionAnswer,
  FunctionDeployed,
  type FunctionSettings,
  HeldError,
  IacError,
  InfrastructureUpdateFailed,
  InvalidInputError,
  PublishAnswer,
  type RunStatus,
  ScalingRequested,
} from "semantest-iac";

declare const maybe: string | undefined;
declare const parsed: Record<string, unknown>;

export function requests(): void {
  new DeploymentRequested({ component: "a" });
  new DeploymentRequested({ component: "a", provider: maybe, region: null, configuration: {} }, { correlationId: maybe });
  // @ts-expect-error the component is text
  new DeploymentRequested({ component: 7 });
  // @ts-expect-error the component is missing
  new DeploymentRequested({});
  // @ts-expect-error fields are given by name
  new DeploymentRequested("rest-api");
  // @ts-expect-error nothing is called so
  new DeploymentRequested({ component: "a", componant: "b" });
  // @ts-expect-error the wire's name is not the property's
  new ScalingRequested({ component: "a", min_replicas: 2 });
  // @ts-expect-error replicas are a number
  new ScalingRequested({ component: "a", minReplicas: "two" });
  // @ts-expect-error an id is text
  new DeploymentRequested({ component: "a" }, { eventId: 1 });
  // @ts-expect-error what is said about an event has names of its own
  new DeploymentRequested({ component: "a" }, { event_id: "1" });
  const request = new DeploymentRequested({ component: "a" });
  // @ts-expect-error events do not change
  request.component = "b";
  // @ts-expect-error nor what they hold
  request.configuration["a"] = 1;
}

export function configurations(): void {
  const complete: ComponentConfiguration = {
    kind: "rest-api",
    memoryMb: 512,
    routes: ["GET /"],
    environmentVariables: { A: "1", B: { secret: "env:B" } },
    functions: { list: { handler: "a.b", timeoutS: 5 } },
    cors: { allowOrigins: ["*"] },
    replicas: { min: 1, max: 2 },
    throttling: { rate: 1.5, burst: 2 },
    stageVariables: { anyKey: "kept" },
    authorizers: {
      tokens: { type: "jwt", issuer: "https://id.example.com", audience: ["a"], identitySource: "$request.header.A" },
      ask: { type: "lambda", function: "auth", identitySource: ["$request.header.A"], simpleResponses: true, ttlS: 60 },
    },
    authorizer: "tokens",
    authorizationScopes: ["read"],
    tags: { anyKey: "kept" },
  };
  const settings: FunctionSettings = { handler: maybe, memoryMb: null };
  const cors: configuration.Cors = { allowOrigins: ["*"] };
  new DeploymentRequested({ component: "a", configuration: { ...complete, functions: { list: settings }, cors } });
  new DeploymentRequested({ component: "a", configuration: { memory_mb: 512, functions: { list: { timeout_s: 5 } } } });
  new DeploymentRequested({ component: "a", configuration: { environment_variables: { anyKey: "kept" } } });
  // What was read from a file may be anything: the core judges it.
  new DeploymentRequested({ component: "a", configuration: parsed });
  // @ts-expect-error nothing is called so
  new DeploymentRequested({ component: "a", configuration: { memory: 512 } });
  // @ts-expect-error memory is a number
  new DeploymentRequested({ component: "a", configuration: { memoryMb: "512" } });
  // @ts-expect-error memory is a number, however it is spelled
  new DeploymentRequested({ component: "a", configuration: { memory_mb: "512" } });
  // @ts-expect-error a kind is one of three
  const kind: ComponentConfiguration = { kind: "database" };
  // @ts-expect-error a reference is to something
  const variables: ComponentConfiguration = { environmentVariables: { A: {} } };
  // @ts-expect-error throttling has both
  const throttling: ComponentConfiguration = { throttling: { rate: 1 } };
  // @ts-expect-error an authorizer is of one of two types
  const authorizers: ComponentConfiguration = { authorizers: { ask: { type: "iam" } } };
  void [kind, variables, throttling, authorizers];
}

export function fields(event: FunctionDeployed): void {
  const texts: string[] = [event.functionName, event.eventId, event.source, event.correlationId, event.type];
  const dates: Date[] = [event.time, event.timestamp];
  const name: "FunctionDeployed" = event.eventType;
  const all: EventName[] = [event.eventType, FunctionDeployed.eventType];
  const versions: number[] = [FunctionDeployed.schemaVersion];
  const maybes: (string | null)[] = [event.endpoint, event.causationId, event.traceparent];
  // @ts-expect-error nothing is called so
  event.functionNam;
  // @ts-expect-error the wire's name is not the property's
  event.function_name;
  // @ts-expect-error there may be none
  event.endpoint.toUpperCase();
  // @ts-expect-error a moment is no text
  event.time.toUpperCase();
  // @ts-expect-error the ancestry does not change
  event.previousEventIds.push("1");
  // @ts-expect-error its stream may be empty
  const stream: string = event.aggregateId;
  void [texts, dates, name, all, versions, maybes, stream];
}

export function classes(event: FunctionDeployed, drift: DriftDetected): void {
  // @ts-expect-error events of two classes are never the same, even where they have the same fields
  const one: DriftDetected = event;
  // @ts-expect-error what only looks like an event is none
  const other: FunctionDeployed = { ...event };
  const read = fromCloudEvent(parsed);
  if (read instanceof FunctionDeployed) {
    read.functionName.toUpperCase();
  }
  if (read instanceof ApplicationEvent) {
    const data: unknown = read.data;
    void data;
  }
  // @ts-expect-error it is not known yet which event it is
  read.functionName;
  FunctionDeployed.fromCloudEvent(parsed).arn.toUpperCase();
  // @ts-expect-error a class reads its own events
  FunctionDeployed.fromCloudEvent(parsed).missing;
  // @ts-expect-error the type of an event of others is text
  new ApplicationEvent(5);
  void [one, other, drift];
}

export function nested(event: DeploymentPlanned, failed: InfrastructureUpdateFailed): void {
  const known: boolean | undefined = event.steps[0]?.diff[0]?.knownAfterApply;
  // @ts-expect-error there may be no step
  event.steps[0].action;
  // @ts-expect-error there may be no such failure
  failed.failed["function.a"].message;
  const kind: ErrorKind = failed.error.kind;
  new DeploymentPlanned({
    provider: "local",
    version: 1,
    changes: event.changes,
    steps: [{ action: "create", address: "a", kind: "k", diff: [{ property: "p", after: 1 }] }],
  });
  // @ts-expect-error nobody does that
  new DeploymentPlanned({ provider: "local", version: 1, changes: event.changes, steps: [{ action: "polish", address: "a", kind: "k" }] });
  new EnvironmentConfigurationRequested({ component: "a", variables: { A: "1", B: { secret: "env:B" } } });
  // @ts-expect-error a value is text, or a reference to a secret
  new EnvironmentConfigurationRequested({ component: "a", variables: { A: 1 } });
  void [known, kind];
}

export function answers(answer: PublishAnswer): void {
  const status: RunStatus | null = answer.status;
  const functions: readonly FunctionAnswer[] = answer.functions ?? [];
  // @ts-expect-error nothing is called so
  answer.endpiont;
  // @ts-expect-error answers do not change
  answer.id = "2";
  // @ts-expect-error there may be no run
  answer.changes.created;
  void [status, functions];
}

export function errors(error: unknown, about: About): void {
  if (error instanceof HeldError) {
    const code: "held" = error.code;
    const cause: unknown = error.cause;
    void [code, cause];
  }
  // @ts-expect-error an error says something
  new HeldError();
  // @ts-expect-error it may help to try again now, later, or never
  new HeldError("words", { retry: "soon" });
  // @ts-expect-error facts are text
  new InvalidInputError("words", { context: { a: 5 } });
  const made: IacError = IacError.of({ kind: "held", message: "m" });
  // @ts-expect-error it stays as it was made
  made.operation = "another";
  // @ts-expect-error an id stays too
  about.eventId = "1";
}
