/** Semantest's forms of events: every one that is known is read, and what is written is read as the same event. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ApplicationEvent,
  chain,
  type CloudEventObject,
  DeploymentRequested,
  envelope,
  fromCloudEvent,
  fromSemantest,
  FunctionDeployed,
  InvalidInputError,
  name,
  toEquivalent,
  toRequest,
  toSemantest,
  toStoreLine,
  toWsMessage,
} from "semantest-iac";

import { DomainEvent, IntegrationEvent, ServiceDeploymentNeeded } from "./core-events.js";

const PERSISTED = {
  eventId: "evt_1757673458440_8c7yx1vrd",
  aggregateId: "test_0",
  eventType: "ImageGenerationRequested",
  eventVersion: 1,
  payload: { promptText: "x", inner: { keepMe: 1 } },
  metadata: {
    correlationId: "corr_1757673458440_c6toej2ua",
    userId: "client_1",
    causationId: null,
    timestamp: "2025-09-12T10:37:38.440Z",
    sequenceNumber: 0,
  },
};
const LINE = { event: PERSISTED, streamPosition: 0, globalPosition: 0, committedAt: "2025-09-13T00:00:00Z" };

const BYTES = new TextEncoder().encode(JSON.stringify(PERSISTED));

for (const [what, event] of [
  ["persisted", PERSISTED],
  ["a line of the store", LINE],
  ["a message of the server", { type: "event", envelope: LINE }],
  ["text", JSON.stringify({ type: "event", envelope: LINE })],
  ["bytes", BYTES],
] as const) {
  test(`what Semantest stores and sends is read: ${what}`, () => {
    assert.deepEqual(fromSemantest(event), {
      specversion: "1.0",
      id: "evt_1757673458440_8c7yx1vrd",
      source: "/semantest",
      type: "ImageGenerationRequested",
      subject: "test_0",
      time: "2025-09-12T10:37:38.440Z",
      datacontenttype: "application/json",
      correlationid: "corr_1757673458440_c6toej2ua",
      data: { prompt_text: "x", inner: { keepMe: 1 } },
    });
  });
}

test("our id and time are read before those that the server made up", () => {
  const more = { ceId: "ours", ceTime: "2025-01-01T00:00:00Z", causationId: "c", source: "/s" };
  const event = fromSemantest({ ...PERSISTED, metadata: { ...PERSISTED.metadata, ...more }, correlationId: "top" });
  assert.deepEqual([event.id, event.time], ["ours", "2025-01-01T00:00:00Z"]);
  assert.deepEqual([event.correlationid, event.source], ["top", "/s"]);
  assert.deepEqual(chain(event), ["ours", "c"]);
});

test("other shapes that are about are read", () => {
  const flat = { id: "f", timestamp: 0, correlationId: "c", eventType: "DeploymentRequested", component: "a", fooBar: 1 };
  const read = fromSemantest(flat);
  assert.equal(read.type, "com.semantest.iac.DeploymentRequested");
  assert.deepEqual(read.data, { component: "a", foo_bar: 1 });
  assert.deepEqual([read.id, read.time, read.correlationid], ["f", "1970-01-01T00:00:00.000Z", "c"]);
  const typed = { type: "TestDoneEvent", payload: { a: 1 }, correlationId: "c", timestamp: "2025-01-01T00:00:00Z" };
  assert.equal(fromSemantest(typed).type, "TestDone");
  assert.equal(fromSemantest(typed).id, fromSemantest(JSON.stringify(typed)).id, "the same text is the same event");
  const at = "2025-01-01T00:00:00Z";
  const other = { eventId: "e", eventType: "A", aggregateId: "s", timestamp: at, payload: {}, metadata: {} };
  const { id, subject, time } = fromSemantest(other);
  assert.deepEqual([id, subject, time], ["e", "s", at]);
});

test("CloudEvents and both dialects of PythonEDA are read before any of them", () => {
  const cloud = envelope("com.shop.Noted", { a_b: 1 }, { previous: ["b", "a"], subject: "s" });
  assert.deepEqual(fromSemantest(cloud), cloud);
  const internal = {
    previous_event_ids: ["b", "a"],
    created: "2026-01-31T12:00:00",
    invariants: {},
    class: "shop.events.Noted",
  };
  const read = fromSemantest({ id: "i", stack_name: "dev", project_name: "p", _internal: internal, eventType: "Other" });
  assert.deepEqual(read, {
    specversion: "1.0",
    id: "i",
    source: "/pythoneda/shop.events",
    type: "shop.events.Noted",
    subject: "dev/p",
    time: "2026-01-31T12:00:00.000Z",
    datacontenttype: "application/json",
    correlationid: "a",
    causationid: "b",
    previouseventids: "b,a",
    data: { stack_name: "dev", project_name: "p", eventType: "Other" },
  });
  const older = {
    _internal: {
      properties: { id: '"i"', previous_event_ids: '["\\"b\\"", "a"]', created: '"2025-01-20 10:00:00.5"' },
      class: "shop.events.Noted",
    },
    password: "[hidden]",
  };
  assert.deepEqual(chain(fromSemantest(older)), ["i", "b", "a"]);
  assert.equal(fromSemantest(older).time, "2025-01-20T10:00:00.500Z");
  assert.deepEqual(fromSemantest(older).data, {});
});

test("live objects of Semantest's core are read whole, each with one id", () => {
  const needed = new ServiceDeploymentNeeded("rest-api", "dev", { memoryMb: 1 }, "story");
  const read = fromSemantest(needed);
  assert.equal(read.type, "ServiceDeploymentNeeded");
  assert.deepEqual([read.subject, read.correlationid, read.source], ["services", "story", "/semantest"]);
  assert.equal(read.time, needed.timestamp.toISOString());
  assert.deepEqual(read.data, { service_type: "rest-api", environment: "dev", service_config: { memoryMb: 1 } });
  assert.equal(fromSemantest(needed).id, read.id);
  assert.notEqual(fromSemantest(new ServiceDeploymentNeeded("rest-api")).id, read.id);
  class Announced extends IntegrationEvent {
    readonly eventType = "Announced";
    readonly url = "https://x";
    constructor() {
      super("/shop", "2.0");
    }
  }
  const { source, data } = fromSemantest(new Announced());
  assert.deepEqual([source, data], ["/shop", { url: "https://x" }]);
  class Versioned extends DomainEvent {
    readonly eventType = "Versioned";
    readonly version = 3;
  }
  assert.deepEqual(fromSemantest(new Versioned()).data, { version: 3 }, "data of its own, where it is no integration event");
});

test("events of ours are written with their keys in camelCase, at the top only", () => {
  const event = new FunctionDeployed(
    { functionName: "f", arn: "a", component: "c", environment: "dev", provider: "local" },
    {
      eventId: "e",
      time: "2026-01-02T03:04:05Z",
      subject: "p/dev/c",
      correlationId: "c",
      causationId: "b",
      previousEventIds: ["b"],
    },
  );
  const persisted = {
    eventId: "e",
    aggregateId: "p/dev/c",
    eventType: "FunctionDeployed",
    eventVersion: 1,
    payload: { functionName: "f", arn: "a", component: "c", environment: "dev", provider: "local" },
    metadata: {
      correlationId: "c",
      causationId: "b",
      userId: null,
      timestamp: "2026-01-02T03:04:05.000Z",
      sequenceNumber: 0,
      ceId: "e",
      ceTime: "2026-01-02T03:04:05.000Z",
      source: "/semantest-iac",
      previousEventIds: ["b"],
      ceDataschema: "urn:semantest-iac:FunctionDeployed:1",
    },
  };
  assert.deepEqual(toSemantest(event), persisted);
  assert.deepEqual(toSemantest(event.toCloudEvent()), persisted);
  const json = JSON.parse(JSON.stringify(event)) as Record<string, unknown>;
  assert.deepEqual({ ...json, ...persisted }, json, "all of that, at least");
  assert.deepEqual(fromSemantest(JSON.stringify(event)).id, "e");
  assert.deepEqual(toWsMessage(event), { ...persisted, correlationId: "c" });
  const position = { streamPosition: 3, globalPosition: 9, committedAt: "2026-01-02T03:04:06Z" };
  assert.deepEqual(toStoreLine(event, position), { event: persisted, ...position });
  const { streamPosition, globalPosition, committedAt } = toStoreLine(event, 9);
  assert.deepEqual([streamPosition, globalPosition, committedAt], [9, 9, persisted.metadata.timestamp]);
  const nested = new DeploymentRequested({ component: "c", configuration: { environment_variables: { A_B: "x" } } });
  assert.deepEqual(toSemantest(nested).payload["configuration"], { environment_variables: { A_B: "x" } });
});

const NEEDED = { service_type: "rest-api", environment: "dev", service_config: { a_b: { cD: [1, null] } } };
const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

const SENT: readonly CloudEventObject[] = [
  envelope("ServiceDeploymentNeeded", NEEDED),
  envelope("com.shop.OrderPlaced", { API_KEY: "x", "x-y": 1, a1_b2: 2, LOUD: true }, { previous: ["b,1", "a%"], source: "/s" }),
  envelope("DeploymentRequested", { component: "c" }, { subject: "p/dev/c", time: "2026-01-02T03:04:05.123456789+02:00" }),
  new DeploymentRequested({ component: "c", configuration: { memory_mb: 1 } }, { traceparent: TRACE }).toCloudEvent(),
  new ApplicationEvent("Noted", { text: 'é"\\\u2028 \u{1f600}' }).toCloudEvent(),
];

for (const sent of SENT) {
  test(`what is written in any form is read as the same event: ${sent.type}`, () => {
    // A correlation is always there; that of an event that began the story is its own id.
    const same = { ...sent, correlationid: sent.correlationid ?? sent.id };
    const line = toStoreLine(sent, 3);
    for (const written of [toSemantest(sent), toWsMessage(sent), line, { type: "event", envelope: line }]) {
      assert.deepEqual(fromSemantest(JSON.stringify(written)), same);
      assert.deepEqual(fromSemantest(written), same);
    }
    assert.equal(fromCloudEvent(same).eventType, name(sent));
  });
}

test("an application's event is written with its keys in camelCase too", () => {
  const serviceConfig = NEEDED.service_config;
  const { eventType, payload } = toSemantest(envelope("ServiceDeploymentNeeded", NEEDED));
  assert.equal(eventType, "ServiceDeploymentNeeded");
  assert.deepEqual(payload, { serviceType: "rest-api", environment: "dev", serviceConfig });
});

test("the server's version does not make new data old", () => {
  const event = new DeploymentRequested({ component: "c" });
  const kept = { ...toWsMessage(event), eventVersion: 1 };
  assert.equal(fromSemantest(kept).dataschema, event.toCloudEvent().dataschema);
  const told = { ...PERSISTED, eventType: "DeploymentRequested", eventVersion: 2 };
  assert.equal(fromSemantest(told).dataschema, "urn:semantest-iac:DeploymentRequested:2");
});

test("what has no place in Semantest's forms is refused", () => {
  for (const [wrong, said] of [
    [() => toSemantest(new ApplicationEvent("A", [1])), /no JSON object/],
    [() => toSemantest(envelope("A", { a_b: 1, aB: 2 })), /two spellings/],
    [() => toSemantest({} as never), /an event or a CloudEvents 1.0 object/],
    [() => toSemantest(null as never), /an event or a CloudEvents 1.0 object/],
    [() => toSemantest({ specversion: "1.0" } as never), /`id`|`data`|must be text/],
    [() => toStoreLine(envelope("A"), -1), /`\w+Position` must be a whole number/],
    [() => toStoreLine(envelope("A"), undefined as never), /must be a whole number/],
    [() => toStoreLine(envelope("A"), { streamPosition: 0.5, globalPosition: 1 }), /`streamPosition`/],
  ] as const) {
    assert.throws(wrong, (error: any) => error instanceof InvalidInputError && said.test(error.message));
  }
});

test("an envelope says what brought it about", () => {
  const first = envelope("First", {}, { source: "/shop" });
  assert.deepEqual([first.correlationid, first.causationid, first.source], [first.id, undefined, "/shop"]);
  const second = envelope("Second", {}, { previous: first });
  const third = envelope("Third", {}, { previous: [second] });
  assert.deepEqual(chain(third), [third.id, second.id, first.id]);
  assert.deepEqual([third.correlationid, third.causationid], [first.id, second.id]);
  assert.equal(envelope("X", {}, { previous: ["b", "a"] }).correlationid, "a");
  assert.equal(envelope("X", {}, { previous: ["b"], correlation: "mine" }).correlationid, "mine");
  assert.equal(name(envelope("com.shop.Noted")), "Noted");
  assert.equal(envelope("DeploymentRequested").type, "com.semantest.iac.DeploymentRequested");
  for (const wrong of [
    () => envelope(3 as never),
    () => envelope("A", [] as never),
    () => envelope("A", {}, { previous: [3] as never }),
    () => envelope("A", {}, { previous: [{}] as never }),
    () => envelope("A", {}, { time: "yesterday" }),
    () => envelope("A", {}, { time: "2026-02-30T00:00:00Z" }),
    () => envelope("A", {}, { source: "has spaces" }),
    () => envelope("A", {}, { id: "" }),
    () => envelope("A", {}, { id: "x".repeat(5000) }),
    () => envelope("A\u0000"),
    () => envelope("A", { a: () => 1 }),
    () => name({} as never),
    () => chain({} as never),
  ]) {
    assert.throws(wrong, InvalidInputError);
  }
});

const METADATA = { component: "rest-api", provider: "aws", environment: "production", configuration: { memory_mb: 512 } };

test("events of ours and those of PythonEDA's IaC domain mean the same, both ways", () => {
  const request = envelope(
    "DeploymentRequested",
    { region: "eu-west-1", ...METADATA },
    { source: "/semantest-iac/shop" },
  );
  const there = toEquivalent(request);
  assert.equal(there.type, "pythoneda.shared.iac.events.InfrastructureUpdateRequested");
  assert.equal(there.subject, "aws-production/shop");
  assert.deepEqual(there.data, {
    stack_name: "aws-production",
    project_name: "shop",
    location: "eu-west-1",
    metadata: METADATA,
  });
  const back = toRequest(there);
  assert.equal(back.type, request.type);
  assert.deepEqual(back.data, request.data);
  assert.deepEqual(chain(back).slice(1), [request.id]);
  assert.equal(back.correlationid, request.correlationid);
  assert.equal(toRequest(there).id, back.id, "one that is delivered twice is carried out once");
  assert.deepEqual(toEquivalent(there), there);
  assert.equal(name(toEquivalent(envelope("RemovalRequested", { component: "c" }))), "InfrastructureRemovalRequested");
  const outcome = { provider: "aws", environment: "dev", endpoint: "https://x" };
  const updated: any = toEquivalent(envelope("InfrastructureUpdated", outcome, { subject: "shop/dev/c" })).data;
  assert.deepEqual([updated.metadata.endpoint, updated.project_name], ["https://x", "shop"]);
});

test("a request of PythonEDA's says what to deploy by its stack and its project, where nothing else does", () => {
  const asked = (data: Record<string, unknown>, event = "InfrastructureUpdateRequested"): unknown => {
    return toRequest(envelope(event, data, { id: "1", source: "/licdata" })).data;
  };
  assert.deepEqual(asked({ stack_name: "aws-production", project_name: "rest-api", location: "eu-west-1" }), {
    component: "rest-api",
    environment: "production",
    configuration: {},
    provider: "aws",
    region: "eu-west-1",
  });
  assert.deepEqual(asked({ stack_name: "dev", project_name: "licdata" }, "InfrastructureRemovalRequested"), {
    component: "licdata",
    environment: "dev",
  });
  // As the Python package makes it.
  const stack = { stack_name: "dev", project_name: "p" };
  const request = toRequest(envelope("InfrastructureUpdateRequested", stack, { id: "1", source: "/licdata" }));
  assert.equal(request.id, "7a080712-32a2-5ba8-a0ee-c745c7ade772");
  for (const [data, event] of [
    [{}, undefined],
    [{ stack_name: "dev" }, undefined],
    [{ stack_name: "dev", project_name: "p", metadata: [] }, undefined],
    [{ stack_name: "dev", project_name: "p", metadata: { configuration: "x" } }, undefined],
    [{ stack_name: "dev", project_name: "p", metadata: { component: 3 } }, undefined],
    [{ stack_name: "dev", project_name: "p" }, "DockerImageDetailsRequested"],
  ] as const) {
    assert.throws(() => asked(data, event), InvalidInputError);
  }
});

test("what is none of these forms says what it lacks", () => {
  assert.throws(() => fromSemantest({ a: 1 }), /no `specversion`, `_internal`, `eventType` or `payload`/);
});
