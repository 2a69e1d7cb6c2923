/** Correlation, causation and ancestry, on a bus. */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";

import { ApplicationEvent, type CloudEvent, DeploymentRequested, EventBus, fromSemantest, listen } from "semantest-iac";

import { OrderPlaced } from "./core-events.js";
import { failure } from "./project.js";

const event = (name: string, about = {}): ApplicationEvent => new ApplicationEvent(name, {}, about);

/** A bus that keeps what is published on it. */
class Story {
  readonly bus = new EventBus();
  readonly heard: CloudEvent[] = [];

  constructor(...names: string[]) {
    this.bus.include(listen(...names)((event: CloudEvent) => void this.heard.push(event)));
  }

  on(name: string, work: () => unknown): this {
    this.bus.include(listen(name)(work));
    return this;
  }
}

test("what a handler publishes or gives back goes back to its event", async () => {
  const story = new Story("First", "Second", "Third");
  story.on("First", () => story.bus.publish(event("Second")).then(() => undefined)).on("Second", () => [event("Third")]);
  const start = event("First");
  await story.bus.publish(start);
  const [first, second, third] = story.heard as [CloudEvent, CloudEvent, CloudEvent];
  assert.deepEqual([first.correlationId, first.causationId, first.previousEventIds], [start.eventId, null, []]);
  assert.deepEqual([second.correlationId, second.causationId], [start.eventId, start.eventId]);
  assert.deepEqual([third.correlationId, third.causationId], [start.eventId, second.eventId]);
  assert.deepEqual(third.previousEventIds, [second.eventId, start.eventId]);
});

test("events are stamped as copies, of the same class and with the same id", async () => {
  const story = new Story("DeploymentRequested");
  const request = new DeploymentRequested({ component: "a" });
  story.on("First", async () => {
    const { event } = await story.bus.publish(request);
    assert(event instanceof DeploymentRequested);
    assert.equal(event.eventId, request.eventId);
    assert.equal(event.component, "a");
  });
  const first = event("First");
  await story.bus.publish(first);
  assert.equal(request.causationId, null);
  assert.equal(story.heard[0]?.causationId, first.eventId);
});

test("an event with another correlation keeps it, and one that names its cause keeps that", async () => {
  const story = new Story("Second", "Third", "Fourth");
  story.on("First", () => [
    event("Second", { correlationId: "mine" }),
    event("Third", { correlationId: "story", causationId: "another" }),
    event("Fourth", { correlationId: "story" }),
  ]);
  const first = event("First", { correlationId: "story" });
  await story.bus.publish(first);
  assert.deepEqual(
    story.heard.map(({ correlationId, causationId }) => [correlationId, causationId]),
    [["mine", null], ["story", "another"], ["story", first.eventId]],
  );
});

test("objects of Semantest's core take part: their cause is kept beside them", async () => {
  const story = new Story("Third");
  const first = event("First");
  const placed = new OrderPlaced(1, first.eventId);
  story.on("First", () => placed).on("OrderPlaced", () => event("Third"));
  await story.bus.publish(first);
  const read = fromSemantest(placed);
  assert.deepEqual([read.correlationid, read.causationid, read.previouseventids], [first.eventId, first.eventId, first.eventId]);
  const [third] = story.heard as [CloudEvent];
  assert.deepEqual([third.correlationId, third.causationId], [first.eventId, read.id]);
  assert.deepEqual(third.previousEventIds, [read.id, first.eventId]);
});

test("nothing is stamped outside of handlers, also after one failed", async () => {
  const story = new Story("Third");
  story.on("First", () => {
    throw new Error("boom");
  });
  await failure(story.bus.publish(event("First")));
  await story.bus.publish(event("Third"));
  assert.equal(story.heard[0]?.causationId, null);
});

test("an event passed on does not become its own cause", async () => {
  const story = new Story("First");
  const first = event("First");
  story.on("First", () => story.bus.publish(first).then(() => undefined));
  await story.bus.publish(first);
  assert.deepEqual(story.heard.map(({ causationId }) => causationId), [null]);
});

test("what outlives its handler still publishes on its behalf", async () => {
  const story = new Story("Second");
  let later = Promise.resolve<unknown>(null);
  story.on("First", () => {
    later = sleep(5).then(() => story.bus.publish(event("Second")));
  });
  const first = event("First");
  await story.bus.publish(first);
  await later;
  assert.equal(story.heard[0]?.causationId, first.eventId);
});
