/**
 * Types beside those of Semantest's core, whose documented members are declared here: ours are the same in structure. The
 * marked lines are mistakes, no other is.
 */

import {
  type AnyEvent,
  ApplicationEvent,
  type CloudEventObject,
  DeploymentRequested,
  envelope,
  EventBus,
  EventHandler,
  fromSemantest,
  FunctionDeployed,
  InfrastructureUpdated,
  JsonlWriter,
  listen,
  name,
  type PersistedEvent,
  type PublishAnswer,
  type Published,
  readJsonl,
  toSemantest,
  toStoreLine,
  toWsMessage,
  WebSocketBridge,
} from "semantest-iac";

/** As the core declares it. */
declare abstract class CoreEvent {
  abstract readonly eventType: string;
  readonly correlationId: string;
  readonly aggregateId?: string;
  readonly timestamp: Date;
  constructor(correlationId: string, aggregateId?: string);
  toJSON(): Record<string, unknown>;
}

interface CoreHandler<T extends CoreEvent = CoreEvent> {
  handle(event: T): Promise<void>;
}

interface CoreBus {
  publish(event: CoreEvent): Promise<void>;
  subscribe(eventType: string, handler: CoreHandler): void;
}

/** The same as versions with type parameters declare it. */
interface GenericBus {
  publish<T extends CoreEvent>(event: T): Promise<void>;
  subscribe<T extends CoreEvent>(eventType: string, handler: CoreHandler<T>): void;
}

declare class OrderPlaced extends CoreEvent {
  static readonly eventType: string;
  readonly eventType: string;
  readonly orderNumber: number;
  constructor(orderNumber: number);
}

declare const deployed: FunctionDeployed;
declare const order: OrderPlaced;
declare const bus: EventBus;
declare const coreBus: CoreBus;

/** `A` can stand where `B` is asked for. */
type Fits<A extends B, B> = A;

/** The members of the core's events. */
type Members = Pick<CoreEvent, "eventType" | "correlationId" | "aggregateId" | "timestamp" | "toJSON">;

export type OursAreCoreEvents = [
  Fits<FunctionDeployed, AnyEvent>,
  Fits<DeploymentRequested, AnyEvent>,
  Fits<ApplicationEvent, AnyEvent>,
  Fits<CoreEvent, AnyEvent>,
  Fits<Omit<FunctionDeployed, "toJSON">, Omit<Members, "toJSON">>,
  Fits<ReturnType<FunctionDeployed["toJSON"]>, PersistedEvent>,
];

export function eventsAreTheSameInStructure(): void {
  const core: CoreEvent = deployed;
  const application: CoreEvent = new ApplicationEvent("Noted");
  const members: Members = new DeploymentRequested({ component: "a" });
  void [core, application, members];
  void coreBus.publish(deployed);
  void coreBus.publish(new InfrastructureUpdated({} as never));
  // @ts-expect-error what is no event has no such members
  const nothing: CoreEvent = { eventType: "A" };
  void nothing;
}

export function theBusIsTheSameInStructure(): void {
  const core: CoreBus = new EventBus();
  const generic: GenericBus = new EventBus();
  class Derived extends EventBus {}
  const derived: CoreBus = new Derived();
  void [core, generic, derived];
  const handler: CoreHandler = { handle: async (event) => void event.correlationId };
  const narrow: CoreHandler<OrderPlaced> = { handle: async (event) => void event.orderNumber };
  const end: () => void = bus.subscribe("OrderPlaced", handler);
  bus.subscribe("OrderPlaced", narrow);
  bus.subscribe(OrderPlaced, narrow);
  bus.subscribe(OrderPlaced, (event, { signal }) => signal.aborted && event.orderNumber);
  bus.subscribe("OrderPlaced", (event: OrderPlaced) => event.orderNumber, { timeout: null, name: "order" });
  end();
  // @ts-expect-error another event
  bus.subscribe(OrderPlaced, (event: FunctionDeployed) => event.functionName);
  // @ts-expect-error another event, in an object
  bus.subscribe(OrderPlaced, { handle: (event: FunctionDeployed): string => event.functionName });
  // @ts-expect-error no handler
  bus.subscribe("OrderPlaced", { run: () => undefined });
  // @ts-expect-error a limit is a number of seconds
  bus.subscribe("OrderPlaced", narrow, { timeout: "5s" });
}

export async function whatIsPublishedComesBack(): Promise<void> {
  const published: Published<FunctionDeployed> = await bus.publish(deployed);
  const answer: PublishAnswer | null = published.answer;
  void [published.event.functionName, answer?.status];
  const nothing: void = await bus.publish(order);
  void nothing;
  // @ts-expect-error it is no event
  await bus.publish({ component: "a" });
  // @ts-expect-error a class is no event
  await bus.publish(FunctionDeployed);
}

@EventHandler(OrderPlaced)
export class Orders implements EventHandler<OrderPlaced>, CoreHandler<OrderPlaced> {
  async handle(event: OrderPlaced): Promise<void> {
    event.orderNumber.toFixed();
  }
}

export class Bus extends EventBus {
  @listen(OrderPlaced)
  async onOrder(event: OrderPlaced): Promise<void> {
    await this.publish(new DeploymentRequested({ component: `order-${event.orderNumber}` }));
  }

  // @ts-expect-error another event
  @listen(OrderPlaced)
  onOther(event: FunctionDeployed): void {
    event.functionName.trim();
  }
}

export async function adapters(): Promise<void> {
  const cloud: CloudEventObject = envelope("Noted", { a: 1 }, { previous: [deployed.eventId], time: new Date() });
  const read: CloudEventObject = fromSemantest(order);
  const eventType: string = name(read);
  const persisted: PersistedEvent = toSemantest(deployed);
  const correlation: string = toWsMessage(cloud).correlationId;
  const position: number = toStoreLine(deployed, { streamPosition: 0, globalPosition: 1 }).globalPosition;
  void [eventType, persisted.payload, correlation, position];
  // @ts-expect-error an object of the core is read first: toSemantest(fromSemantest(order))
  toSemantest(order);
  // @ts-expect-error the names of previous events are text
  envelope("Noted", {}, { previous: [1] });
  const bridge = new WebSocketBridge("ws://localhost:8082/ws-events", { timeout: null, most: 10 });
  bridge.subscribe(OrderPlaced, async (event) => {
    const stored: { readonly eventId: string } = await bridge.publish(event);
    return void stored.eventId;
  });
  // @ts-expect-error another event
  bridge.subscribe(OrderPlaced, (event: FunctionDeployed) => event.functionName);
  await bridge.publish(deployed, { signal: AbortSignal.abort() });
  for await (const { event, globalPosition } of readJsonl("events.jsonl")) {
    void [event.type, globalPosition?.toFixed()];
  }
  await using store = await JsonlWriter.open("events.jsonl");
  const line = await store.append(order);
  void line?.streamPosition.toFixed();
}
