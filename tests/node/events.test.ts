/** Event objects: made by a user, and read from CloudEvents. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import {
  ApplicationEvent,
  CloudEvent,
  DeploymentPlanned,
  DeploymentRequested,
  EnvironmentConfigurationRequested,
  EVENT_CLASSES,
  EVENT_NAMES,
  fromCloudEvent,
  FunctionDeployed,
  InfrastructureEvent,
  RemovalRequested,
} from "semantest-iac";

import { classOf, cloudEvent, DEPLOYED, ENVELOPE, propertyOf } from "./envelopes.js";
import { camelCase, eventNames, sampleOf, schema } from "./schema-data.js";

const ABOUT = ["eventId", "source", "subject", "time", "correlationId", "causationId", "previousEventIds", "sequence", "traceparent", "position"];
const deployed = { functionName: "f", arn: "a", component: "c", environment: "dev", provider: "local" };

/** What a class offers beside the fields of its events. */
function offered(its: object): string[] {
  const prototype: unknown = Object.getPrototypeOf(its);
  const above = typeof prototype === "object" && prototype !== null && prototype !== Object.prototype ? offered(prototype) : [];
  return [...Object.getOwnPropertyNames(its), ...above];
}

test("there is a class for every event that has a schema", () => {
  assert.deepEqual([...EVENT_CLASSES.keys()].sort(), eventNames());
  assert.deepEqual([...EVENT_CLASSES.keys()], [...EVENT_NAMES]);
  for (const [name, its] of EVENT_CLASSES) {
    assert.deepEqual([(its as unknown as Function).name, its.eventType], [name, name]);
    assert.equal(schema(`events/${name}`).$id, `urn:semantest-iac:${name}:${its.schemaVersion}`);
  }
});

for (const name of eventNames()) {
  const document = schema(`events/${name}`);
  const its = classOf(name);

  test(`the fields of ${name} are those of the schema and hide nothing of the base`, () => {
    const event = new its(sampleOf(document, true));
    const fields = Object.keys(event).filter((property) => !ABOUT.includes(property));
    assert.deepEqual(fields.sort(), Object.keys(document.properties ?? {}).map(camelCase).sort());
    const base = new Set([...offered(CloudEvent.prototype), ...ABOUT]);
    assert.deepEqual(fields.filter((field) => base.has(field)), []);
  });

  for (const full of [true, false]) {
    const data = sampleOf(document, full);
    const which = full ? "with every field" : "with no more than it must have";

    test(`${name} ${which} survives the way through CloudEvents`, () => {
      const about = { subject: "s", source: "/a", previousEventIds: ["a,b", "100%", "%2C"] };
      const event = new its(data, about);
      const again = fromCloudEvent(JSON.parse(JSON.stringify(event.toCloudEvent())));
      assert.ok(again instanceof its);
      assert.deepEqual(again, event);
    });

    test(`${name} ${which} is written as the schema has it`, () => {
      const written = new its(data).toCloudEvent();
      assert.equal(written.type, `com.semantest.iac.${name}`);
      assert.equal(written.dataschema, document.$id);
      const inside = written.data as Record<string, unknown>;
      assert.deepEqual(Object.keys(data).filter((key) => !Object.hasOwn(inside, key)), []);
      if (full) {
        assert.deepEqual(inside, data);
      }
    });

    test(`${name} ${which} reads the same at once and bit by bit`, () => {
      const read = fromCloudEvent(cloudEvent(name, data));
      // What has another version goes through the core, and is read when it is asked for.
      const lazy = fromCloudEvent(cloudEvent(name, data, 99));
      assert.ok(read instanceof its && lazy instanceof its);
      assert.deepEqual(lazy, read);
      assert.deepEqual(lazy.data, read.data);
      assert.deepEqual(read.toCloudEvent(), cloudEvent(name, data));
    });
  }
}

test("a new event has an id, the time and nothing else of an envelope", () => {
  const before = Date.now();
  const [one, other] = [new RemovalRequested({ component: "a" }), new RemovalRequested({ component: "a" })];
  assert.notEqual(one.eventId, other.eventId);
  assert.ok(before <= one.time.getTime() && one.time.getTime() <= Date.now());
  assert.deepEqual([one.source, one.subject, one.previousEventIds], ["", "", []]);
  assert.deepEqual([one.causationId, one.sequence, one.traceparent, one.position], [null, null, null, null]);
  assert.equal(one.correlationId, one.eventId);
  assert.equal(one.toCloudEvent().correlationid, undefined);
});

test("what is said about an event is kept", () => {
  const about = {
    eventId: "e-1",
    source: "/shop",
    subject: "shop/dev/a",
    time: "2026-01-31T14:00:00+02:00",
    correlationId: "c-1",
    causationId: "c-2",
    previousEventIds: ["c-2"],
    traceparent: ENVELOPE.traceparent,
  };
  const event = new RemovalRequested({ component: "a" }, about);
  assert.deepEqual({ ...event, time: about.time }, { ...event, ...about });
  assert.equal(event.time.toISOString(), "2026-01-31T12:00:00.000Z");
  assert.equal(event.toCloudEvent().time, "2026-01-31T12:00:00.000Z");
});

test("everything that an envelope says is read", () => {
  const event = fromCloudEvent(cloudEvent("FunctionDeployed", DEPLOYED));
  assert.ok(event instanceof FunctionDeployed && event instanceof InfrastructureEvent);
  assert.deepEqual(event.previousEventIds, ["c-2", "a,b", "100%"]);
  assert.deepEqual([event.sequence, event.correlationId, event.causationId], [7, "c-1", "c-2"]);
  assert.equal(event.time.toISOString(), "2026-01-31T12:00:00.123Z");
  assert.equal(event.toCloudEvent().time, "2026-01-31T12:00:00.123456Z");
});

test("Semantest's words for the same are there too", () => {
  const event = fromCloudEvent(cloudEvent("FunctionDeployed", DEPLOYED)) as FunctionDeployed;
  assert.deepEqual([event.eventType, event.type], ["FunctionDeployed", "com.semantest.iac.FunctionDeployed"]);
  assert.deepEqual(event.timestamp, event.time);
  assert.equal(event.aggregateId, "shop/dev/rest-api");
  assert.equal(new RemovalRequested({ component: "a" }).aggregateId, undefined);
  const persisted = JSON.parse(JSON.stringify(event)) as Record<string, Record<string, unknown>>;
  assert.deepEqual(persisted["payload"]?.["functionName"], "semantest-rest-api");
  assert.deepEqual([persisted["eventId"], persisted["eventVersion"]], [event.eventId, 1]);
  assert.deepEqual(persisted["metadata"]?.["causationId"], "c-2");
});

test("an event that has no form at Semantest can be printed as JSON all the same", () => {
  for (const data of [5, "text", [1], { a_b: 1, aB: 2 }]) {
    const printed = JSON.parse(JSON.stringify(new ApplicationEvent("Paid", data))) as Record<string, unknown>;
    assert.deepEqual(printed["payload"], data);
  }
});

test("defaults are those of the schema", () => {
  const event = new DeploymentRequested({ component: "a", provider: undefined, region: null });
  const { environment, provider, region, configuration } = event;
  assert.deepEqual([environment, provider, region, configuration], ["dev", null, null, {}]);
});

test("what happens to an argument later does not reach the event", () => {
  const configuration = { environmentVariables: { A: "1" }, routes: ["GET /a"] };
  const about = { previousEventIds: ["a"], time: new Date(0) };
  const event = new DeploymentRequested({ component: "a", configuration }, about);
  configuration.environmentVariables.A = "2";
  configuration.routes.push("GET /b");
  about.previousEventIds.push("b");
  about.time.setTime(1);
  assert.deepEqual(event.configuration, { environment_variables: { A: "1" }, routes: ["GET /a"] });
  assert.deepEqual([event.previousEventIds, event.time.getTime()], [["a"], 0]);
});

test("what happens to what an event gave does not reach it either", () => {
  const event = fromCloudEvent(cloudEvent("EnvironmentConfigured", { component: "a", environment: "dev", tags: { a: "b" } }));
  const written = event.toCloudEvent();
  (written.data as Record<string, unknown>)["component"] = "changed";
  event.time.setTime(0);
  assert.equal(propertyOf(event, "component"), "a");
  assert.equal(event.time.toISOString(), "2026-01-31T12:00:00.123Z");
  assert.throws(() => Object.assign(propertyOf(event, "tags") as object, { a: "c" }), TypeError);
  assert.throws(() => Object.assign(event.data as object, { component: "c" }), TypeError);
});

test("events do not change", () => {
  for (const event of [new RemovalRequested({ component: "a" }), new ApplicationEvent("A", {})]) {
    assert.ok(Object.isFrozen(event));
    assert.throws(() => Object.assign(event, { subject: "b" }), TypeError);
    assert.throws(() => Object.assign(event, { anything: "b" }), TypeError);
    assert.throws(() => Reflect.deleteProperty(event, "eventId") || assert.fail("it stays"), /it stays/);
  }
});

test("nested fields are records, with names as they are written here", () => {
  const changes = { created: 1, updated: 1, replaced: 1, deleted: 1, unchanged: 1 };
  const step = { action: "create", address: "function.a", kind: "lambda", diff: [{ property: "p", known_after_apply: true }] };
  const event = DeploymentPlanned.fromCloudEvent(
    cloudEvent("DeploymentPlanned", { provider: "local", version: 1, changes, steps: [step] }),
  );
  const [read] = event.steps;
  assert.deepEqual(read?.diff, [{ property: "p", before: null, after: null, knownAfterApply: true }]);
  assert.deepEqual([read?.reason, event.changes.created, event.blueprint], [null, 1, null]);
  const fields = { provider: "local", version: 1, changes, steps: event.steps };
  assert.deepEqual(new DeploymentPlanned(fields).steps, event.steps);
});

test("a secret is given as the reference that it is, text as text", () => {
  const variables = { A: "plain", B: { secret: "env:B" }, snake_case: "kept", camelCase: "kept" };
  const event = new EnvironmentConfigurationRequested({ component: "a", variables });
  assert.deepEqual(event.variables, { ...variables, B: { secret: "env:B", digest: null } });
  assert.deepEqual(event.data["variables"], variables);
});

test("events compare, spread and print by what they hold", () => {
  const about = { eventId: "1", time: new Date(0) };
  const one = new RemovalRequested({ component: "a" }, about);
  assert.deepEqual(one, new RemovalRequested({ component: "a" }, about));
  assert.notDeepEqual(one, new RemovalRequested({ component: "b" }, about));
  assert.notDeepEqual(one, new RemovalRequested({ component: "a" }, { ...about, eventId: "2" }));
  assert.equal({ ...one }.component, "a");
  assert.match(inspect(one), /^RemovalRequested \{ eventId: '1', component: 'a', environment: 'dev' \}$/);
  assert.match(inspect(new ApplicationEvent("a.b.Paid", { sum: 5 })), /ApplicationEvent \{[^]*type: 'a\.b\.Paid'[^]*sum: 5/);
});

test("an older version is brought up to date", () => {
  const old = cloudEvent("DeploymentRequested", { component_name: "rest-api" }, 1);
  for (const event of [fromCloudEvent(old), DeploymentRequested.fromCloudEvent(old)]) {
    assert.ok(event instanceof DeploymentRequested);
    assert.deepEqual([event.component, event.environment], ["rest-api", "dev"]);
    assert.equal(event.toCloudEvent().dataschema, "urn:semantest-iac:DeploymentRequested:2");
  }
});

test("what a newer version no longer has is told when it is asked for", () => {
  const event = FunctionDeployed.fromCloudEvent(cloudEvent("FunctionDeployed", { component: "rest-api", colour: "red" }, 99));
  assert.equal(event.component, "rest-api");
  assert.throws(() => event.arn, { code: "invalid_input", message: "`arn` of FunctionDeployed is missing", operation: "event.read" });
  assert.match(inspect(event), /FunctionDeployed/);
  assert.deepEqual(event.data, { component: "rest-api", colour: "red" });
});

test("a foreign event keeps everything it came with", () => {
  const foreign = {
    ...ENVELOPE,
    type: "com.example.shop.ServiceDeploymentNeeded",
    dataschema: "https://example.com/schema",
    tenant: "t-1",
    data: { service_type: "rest-api" },
  };
  const event = fromCloudEvent(foreign);
  assert.ok(event instanceof ApplicationEvent);
  assert.deepEqual([event.name, event.eventType], ["ServiceDeploymentNeeded", "ServiceDeploymentNeeded"]);
  assert.deepEqual([event.type, event.dataschema], [foreign.type, foreign.dataschema]);
  assert.deepEqual([event.data, event.attributes], [{ service_type: "rest-api" }, { tenant: "t-1" }]);
  assert.deepEqual(event.previousEventIds, ["c-2", "a,b", "100%"]);
  assert.deepEqual(event.toCloudEvent(), foreign);
});

test("an event of ours that this version does not know is kept", () => {
  const unknown = { ...ENVELOPE, type: "com.semantest.iac.MoonLanded", data: { by: "us" } };
  const event = fromCloudEvent(unknown);
  assert.ok(event instanceof ApplicationEvent);
  assert.deepEqual([event.eventType, event.toCloudEvent()], ["MoonLanded", unknown]);
});

test("another domain's own way to count is kept, and is no place in the stream", () => {
  for (const sequence of ["abc", "12345678901234567890", ""]) {
    const event = fromCloudEvent({ ...ENVELOPE, type: "Paid", sequence });
    assert.deepEqual([event.sequence, event.toCloudEvent().sequence], [null, sequence]);
  }
});

test("an application event has any JSON value as its data", () => {
  for (const data of [null, 5, "text", [1, [2]], { a: { b: null }, snake_case: 1 }]) {
    const event = new ApplicationEvent("com.example.Paid", data, { correlationId: "c" });
    assert.deepEqual([event.name, event.type, event.data], ["Paid", "com.example.Paid", data]);
    assert.deepEqual({ ...ApplicationEvent.fromCloudEvent(event.toCloudEvent()), source: "" }, { ...event });
  }
});

test("what JSON has a form for is taken in that form", () => {
  const data = { at: new Date(0), where: new URL("https://a.example/"), nothing: undefined, own: new (class Sum { euros = 5; })() };
  const { data: kept } = new ApplicationEvent("Paid", data);
  assert.deepEqual(kept, { at: "1970-01-01T00:00:00.000Z", where: "https://a.example/", own: { euros: 5 } });
});

test("an application event cannot pose as one of ours", () => {
  const posing = (): unknown => new ApplicationEvent("com.semantest.iac.DeploymentRequested", {});
  assert.throws(posing, { code: "invalid_input", message: /has a class of its own/ });
});

test("an event class of one's own is what it was made as", () => {
  class OrderPaid extends ApplicationEvent {
    constructor(order: string) {
      super("com.example.OrderPaid", { order });
    }
    get order(): unknown {
      return (this.data as { order: unknown }).order;
    }
  }
  const event = new OrderPaid("o-1");
  assert.deepEqual([event.order, event.eventType, Object.isFrozen(event)], ["o-1", "OrderPaid", true]);
});
