/** CloudEvents objects of our events, as others would write them. */

import { EVENT_CLASSES, type EventName, type InfrastructureEvent } from "semantest-iac";

import type { Wire } from "./schema-data.js";

/** Everything an envelope can say. */
export const ENVELOPE = {
  specversion: "1.0",
  id: "0197f3e0-0000-7000-8000-000000000001",
  source: "/semantest-iac/shop",
  subject: "shop/dev/rest-api",
  time: "2026-01-31T12:00:00.123456Z",
  datacontenttype: "application/json",
  correlationid: "c-1",
  causationid: "c-2",
  previouseventids: "c-2,a%2Cb,100%25",
  sequence: "7",
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
};

/** What a `FunctionDeployed` says. */
export const DEPLOYED = {
  function_name: "semantest-rest-api",
  arn: "arn:1",
  endpoint: "https://a.example",
  component: "rest-api",
  environment: "dev",
  provider: "local",
};

/** The class of a name, which takes its fields by any name that they have: the tests make data of schemas. */
export interface AnyEventClass {
  new (fields: object, about?: object): InfrastructureEvent;
  readonly eventType: string;
  readonly schemaVersion: number;
  fromCloudEvent(event: unknown): InfrastructureEvent;
}

/** The class of a name. */
export function classOf(name: string): AnyEventClass {
  const its = EVENT_CLASSES.get(name);
  if (its === undefined) {
    throw new Error(`there is no event ${name}`);
  }
  return its as unknown as AnyEventClass;
}

/** An event as a CloudEvents object, of the version that its class has or of another one. */
export function cloudEvent(name: EventName | string, data: unknown, version = classOf(name).schemaVersion): Wire {
  return {
    ...ENVELOPE,
    type: `com.semantest.iac.${name}`,
    dataschema: `urn:semantest-iac:${name}:${version}`,
    data,
  };
}

/** A property of an event, by a name that is known only when the test runs. */
export function propertyOf(event: object, name: string): unknown {
  return (event as Readonly<Record<string, unknown>>)[name];
}
