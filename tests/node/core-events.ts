/** What Semantest's core declares, as its documentation has it: events and their data are of an application's own classes. */

import { randomUUID } from "node:crypto";

/** As the core's base class of events: its `toJSON` leaves out what derived classes add. */
export abstract class DomainEvent {
  abstract readonly eventType: string;
  readonly timestamp = new Date();

  constructor(
    readonly correlationId: string = randomUUID(),
    readonly aggregateId?: string,
  ) {}

  toJSON(): Record<string, unknown> {
    const { eventType, correlationId, aggregateId, timestamp } = this;
    return { eventType, correlationId, aggregateId, timestamp: timestamp.toISOString() };
  }
}

/** As the core's base class of events for other systems. */
export abstract class IntegrationEvent extends DomainEvent {
  constructor(
    readonly source: string,
    readonly version: string,
    correlationId?: string,
  ) {
    super(correlationId);
  }
}

/** What an application asks for a service with. */
export class ServiceDeploymentNeeded extends DomainEvent {
  readonly eventType = "ServiceDeploymentNeeded";

  constructor(
    readonly serviceType: string,
    readonly environment: string = "dev",
    readonly serviceConfig: Record<string, unknown> = {},
    correlationId?: string,
  ) {
    super(correlationId, "services");
  }
}

/** Any other event of an application. */
export class OrderPlaced extends DomainEvent {
  static readonly eventType = "OrderPlaced";
  readonly eventType = OrderPlaced.eventType;

  constructor(
    readonly orderNumber: number,
    correlationId?: string,
  ) {
    super(correlationId);
  }
}
