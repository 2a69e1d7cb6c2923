/** Handlers that cannot take what they are marked for: the marked lines are mistakes, no other is. Both kinds of decorators. */

import {
  type AnyEvent,
  ApiGatewayDeployed,
  ApplicationEvent,
  DeploymentRequested,
  EventHandler,
  FunctionDeployed,
  type HandlerContext,
  InfrastructureEvent,
  listen,
} from "semantest-iac";

export class Methods {
  @listen(FunctionDeployed)
  async its(event: FunctionDeployed): Promise<void> {
    event.functionName.trim();
  }

  @listen(FunctionDeployed, { timeout: 5, name: "audit" })
  withContext(event: FunctionDeployed, context: HandlerContext): ApplicationEvent[] {
    return context.signal.aborted ? [] : [new ApplicationEvent(event.eventType)];
  }

  @listen(FunctionDeployed, ApiGatewayDeployed)
  either(event: FunctionDeployed | ApiGatewayDeployed): void {
    event.component.trim();
  }

  @listen(FunctionDeployed)
  wider(event: InfrastructureEvent): void {
    event.eventType.trim();
  }

  @listen(FunctionDeployed)
  anything(event: AnyEvent): void {
    event.eventType.trim();
  }

  @listen("OrderPlaced", "com.example.OrderPaid")
  byName(event: ApplicationEvent): void {
    event.eventType.trim();
  }

  @listen(InfrastructureEvent)
  static ofAll(event: InfrastructureEvent): void {
    event.eventType.trim();
  }

  // @ts-expect-error another event
  @listen(FunctionDeployed)
  another(event: DeploymentRequested): void {
    event.component.trim();
  }

  // @ts-expect-error one of two
  @listen(FunctionDeployed, ApiGatewayDeployed)
  oneOfTwo(event: FunctionDeployed): void {
    event.component.trim();
  }

  // @ts-expect-error more than an event and its context
  @listen(FunctionDeployed)
  tooMuch(event: FunctionDeployed, context: HandlerContext, more: number): void {
    [event, context, more].at(0);
  }

  // @ts-expect-error no event class
  @listen(Date)
  noEvent(event: Date): void {
    event.getTime();
  }

  // @ts-expect-error a limit is a number of seconds
  @listen(FunctionDeployed, { timeout: "5s" })
  limited(event: FunctionDeployed): void {
    event.component.trim();
  }
}

@EventHandler(FunctionDeployed)
export class Announce {
  constructor(readonly greeting: string) {}

  async handle(event: FunctionDeployed): Promise<void> {
    this.greeting.concat(event.functionName);
  }
}

@EventHandler(FunctionDeployed, DeploymentRequested, { timeout: null })
export class Both implements EventHandler<FunctionDeployed | DeploymentRequested> {
  handle(event: FunctionDeployed | DeploymentRequested): void {
    event.component.trim();
  }
}

// @ts-expect-error it handles another event
@EventHandler(FunctionDeployed)
export class Wrong {
  async handle(event: DeploymentRequested): Promise<void> {
    event.component.trim();
  }
}

// @ts-expect-error it handles nothing
@EventHandler(FunctionDeployed)
export class Nothing {
  run(event: FunctionDeployed): void {
    event.component.trim();
  }
}

// @ts-expect-error it handles one of two
@EventHandler(FunctionDeployed, DeploymentRequested)
export class OneOfTwo {
  handle(event: FunctionDeployed): void {
    event.functionName.trim();
  }
}

export function functions(): void {
  listen(FunctionDeployed)((event) => event.functionName.trim());
  const announce = listen(FunctionDeployed)(async (event: FunctionDeployed, { signal }) => signal.aborted);
  const kept: Promise<boolean> = announce(undefined as never, undefined as never);
  void kept;
  // @ts-expect-error it has no such field
  listen(FunctionDeployed)((event) => event.endpointt);
  // @ts-expect-error another event
  listen(FunctionDeployed)((event: DeploymentRequested) => event.component);
  // @ts-expect-error there is no such option
  listen(FunctionDeployed, { timeoutMs: 5 });
}
