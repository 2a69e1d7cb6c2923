/** What is no event, and what somebody else made to harm: each is refused in words, by name, without a value. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ApplicationEvent,
  DeploymentRequested,
  EnvironmentConfigurationRequested,
  fromCloudEvent,
  FunctionDeployed,
  IacError,
  InvalidInputError,
  RemovalRequested,
} from "semantest-iac";

import { classOf, cloudEvent, DEPLOYED, ENVELOPE, propertyOf } from "./envelopes.js";
import { eventNames } from "./schema-data.js";

const SECRET = "hunter2-hunter2";
const made = (fields: unknown, about?: unknown): unknown =>
  new (EnvironmentConfigurationRequested as unknown as new (...given: unknown[]) => unknown)(fields, about);

/** The refusal that `work` ends with. */
function refusal(work: () => unknown): InvalidInputError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof InvalidInputError, String(error));
    assert.ok(!JSON.stringify(error).includes(SECRET), error.message);
    return error;
  }
  return assert.fail("it was not refused");
}

/** `levels` objects, one in the other. */
function deep(levels: number): object {
  let nested: object = {};
  for (let level = 1; level < levels; level += 1) {
    nested = { inner: nested };
  }
  return nested;
}

const thrower = { get component(): string { throw new Error(SECRET); } };
const trap = (): never => { throw new Error(SECRET); };
const proxy = new Proxy({}, { ownKeys: trap, get: trap, has: trap, getOwnPropertyDescriptor: trap, getPrototypeOf: trap });

test("a missing field is named with its event", () => {
  const { arn: _, ...broken } = DEPLOYED;
  const error = refusal(() => fromCloudEvent(cloudEvent("FunctionDeployed", broken)));
  assert.equal(error.message, "`arn` of FunctionDeployed is missing");
  assert.deepEqual(error.context, { name: "FunctionDeployed", field: "arn" });
  assert.equal(error.operation, "event.read");
  assert.equal(refusal(() => made({})).message, "`component` of EnvironmentConfigurationRequested is missing");
});

test("a field that nobody knows is refused with those that there are", () => {
  const fields = "component, environment, variables, unset, tags";
  const told = `\`componnent\` of EnvironmentConfigurationRequested is not known: there are ${fields}`;
  assert.equal(refusal(() => made({ component: "a", componnent: "b" })).message, told);
  assert.match(refusal(() => made({ component: "a" }, { event_id: "b" })).message, /^`event_id` .* is not known: there are eventId/);
});

test("a wrong type is told at once and without the value", () => {
  const cases: [object, object | undefined, RegExp][] = [
    [{ component: 5 }, undefined, /^`component` of EnvironmentConfigurationRequested must be text, not a value of type number/],
    [{ component: [SECRET] }, undefined, /must be text, not a value of type array/],
    [{ component: { [Symbol.toPrimitive]: () => SECRET } }, undefined, /must be text, not a value of type object/],
    [{ component: new String(SECRET) }, undefined, /must be text, not a value of type object/],
    [{ component: Symbol(SECRET) }, undefined, /must be text, not a value of type symbol/],
    [{ component: 5n }, undefined, /must be text, not a value of type bigint/],
    [{ component: () => SECRET }, undefined, /must be text, not a value of type function/],
    [{ component: `${SECRET}\ud800` }, undefined, /must not hold half a surrogate pair/],
    [{ component: "a", unset: SECRET }, undefined, /^`unset` .* must be an array, not a value of type string/],
    [{ component: "a", unset: { length: 1, 0: SECRET } }, undefined, /^`unset` .* must be an array/],
    [{ component: "a", unset: new Set([SECRET]) }, undefined, /^`unset` .* must be an array/],
    [{ component: "a", unset: new Array(4294967295) }, undefined, /^`unset.0` .* must be text, not undefined/],
    [{ component: "a", tags: { a: 1 } }, undefined, /^`tags.a` .* must be text/],
    [{ component: "a", tags: new Map([["a", SECRET]]) }, undefined, /^`tags` .* must be an object/],
    [{ component: "a", tags: [SECRET] }, undefined, /^`tags` .* must be an object, not a value of type array/],
    [{ component: "a", tags: { [Symbol("a")]: SECRET } }, undefined, /^`tags` .* text as keys, not a symbol/],
    [{ component: "a", tags: { "\udfff": SECRET } }, undefined, /^`tags` .* half a surrogate pair/],
    [{ component: "a", variables: { A: {} } }, undefined, /^`variables.A.secret` .* is missing/],
    [{ component: "a", variables: { A: { secret: "env:A", value: SECRET } } }, undefined, /^`variables.A.value` .* is not known/],
    [{ component: "a" }, { eventId: "" }, /^`eventId` .* must not be empty/],
    [{ component: "a" }, { previousEventIds: "abc" }, /^`previousEventIds` .* must be an array/],
    [{ component: "a" }, { time: new Date(Number.NaN) }, /^`time` .* a moment that exists/],
    [{ component: "a" }, { time: "2026-01-31T12:00:00" }, /^`time` .* with its offset from UTC/],
    [{ component: "a" }, { time: "2026-13-31T12:00:00Z" }, /^`time` .* a moment that exists/],
    [{ component: "a" }, { time: 0 }, /^`time` .* must be text/],
  ];
  for (const [fields, about, said] of cases) {
    assert.match(refusal(() => made(fields, about)).message, said);
  }
});

test("what is no object with fields is refused", () => {
  for (const junk of [null, undefined, [], SECRET, 5, 5n, Symbol(SECRET), () => {}, new Map(), new Date(0)]) {
    assert.match(refusal(() => made(junk)).message, /^EnvironmentConfigurationRequested must be an object/);
    refusal(() => made({ component: "a" }, junk === undefined ? null : junk));
  }
});

test("what is no CloudEvents object is refused", () => {
  for (const junk of [null, undefined, [], SECRET, 5, {}, new Map(), Symbol(SECRET), proxy]) {
    for (const reader of [fromCloudEvent, (event: unknown) => ApplicationEvent.fromCloudEvent(event), (event: unknown) => FunctionDeployed.fromCloudEvent(event)]) {
      refusal(() => reader(junk));
    }
  }
});

for (const attribute of ["specversion", "id", "source", "type", "time", "data"]) {
  test(`a CloudEvents object whose ${attribute} is missing or wrong is refused`, () => {
    const event = cloudEvent("FunctionDeployed", DEPLOYED);
    for (const wrong of [undefined, null, "", 5, [SECRET], Symbol(SECRET), 5n, Number.NaN]) {
      assert.match(refusal(() => fromCloudEvent({ ...event, [attribute]: wrong })).message, new RegExp(`\`?${attribute}\`? of|FunctionDeployed must be`));
    }
  });
}

test("a class reads its own type only", () => {
  const other = cloudEvent("FunctionDeployed", DEPLOYED);
  assert.match(refusal(() => RemovalRequested.fromCloudEvent(other)).message, /must be `com.semantest.iac.RemovalRequested`/);
});

test("getters and proxies that throw are refused by the name of the field, with what they threw as the cause", () => {
  const error = refusal(() => made(thrower));
  assert.equal(error.message, "`component` of EnvironmentConfigurationRequested cannot be read: it throws when it is looked at");
  assert.ok(error.cause instanceof Error && error.cause.message === SECRET);
  refusal(() => made(proxy));
  refusal(() => made({ component: "a" }, proxy));
  refusal(() => made({ component: "a", tags: proxy }));
  refusal(() => fromCloudEvent({ ...ENVELOPE, type: "Paid", data: { deep: [proxy] } }));
  refusal(() => fromCloudEvent(Object.defineProperty({}, "type", { get: trap, enumerable: true })));
  const inside = refusal(() => new ApplicationEvent("Paid", { list: [{ toJSON: trap }] }));
  assert.match(inside.message, /^`data.list.0` of ApplicationEvent cannot be read/);
});

test("what JSON cannot hold is refused by its path", () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 5n, Symbol(SECRET), () => {}, new Map(), new Set(), /a/, new Error(SECRET), [undefined]]) {
    const error = refusal(() => new ApplicationEvent("Paid", { list: [0, value] }));
    assert.match(error.message, /^`data\.list\.1(\.0)?` of ApplicationEvent must be/);
  }
  assert.match(refusal(() => new ApplicationEvent("Paid", "\ud800")).message, /^`data` .* half a surrogate pair/);
});

test("what holds itself, or is nested too deeply, is refused", () => {
  const cycle: { self?: object } = {};
  cycle.self = cycle;
  const list: unknown[] = [];
  list.push(list);
  const endless: { toJSON(): unknown } = { toJSON: () => endless };
  for (const data of [cycle, list, endless, deep(100_000)]) {
    const error = refusal(() => new ApplicationEvent("Paid", data));
    assert.match(error.message, /holds itself, or is nested deeper than 128 levels/);
    assert.ok(error.message.length < 200);
    refusal(() => new DeploymentRequested({ component: "a", configuration: { tags: data as never } }));
    refusal(() => fromCloudEvent({ ...ENVELOPE, type: "Paid", data }));
  }
  assert.deepEqual(new ApplicationEvent("Paid", deep(100)).data, deep(100));
});

test("keys that would change a prototype are keys like any other", () => {
  const data: unknown = JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}');
  const plain = {} as { polluted?: boolean };
  for (const event of [
    new ApplicationEvent("Paid", data),
    fromCloudEvent({ ...ENVELOPE, type: "Paid", data }),
    fromCloudEvent({ ...ENVELOPE, type: "Paid", ...(data as object) }),
    fromCloudEvent(JSON.parse(JSON.stringify({ ...ENVELOPE, type: "Paid", data }))),
    new DeploymentRequested({ component: "a", configuration: data as never }),
    new EnvironmentConfigurationRequested({ component: "a", tags: JSON.parse('{"__proto__": "t"}') }),
  ]) {
    assert.equal(plain.polluted, undefined);
    assert.equal((event.data as { polluted?: boolean } | null)?.polluted, undefined);
    const written = event.toCloudEvent();
    assert.ok(JSON.stringify([written, written.data]).includes('"__proto__"') || Object.hasOwn(written, "constructor"));
    assert.equal((written as { polluted?: unknown }).polluted, undefined);
  }
});

test("what an object only inherits is no field of it", () => {
  assert.equal(refusal(() => made(Object.create({ component: "inherited" }))).message, "`component` of EnvironmentConfigurationRequested is missing");
  const inherited = Object.create(cloudEvent("FunctionDeployed", DEPLOYED)) as object;
  refusal(() => fromCloudEvent(inherited));
});

test("names of an object's own methods are no events", () => {
  for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
    const event = fromCloudEvent({ ...ENVELOPE, type: `com.semantest.iac.${name}` });
    assert.ok(event instanceof ApplicationEvent);
    assert.equal(event.eventType, name);
  }
});

test("long keys of others are shortened in what is said about them", () => {
  const error = refusal(() => made({ component: "a", tags: { ["k".repeat(100_000)]: 5 } }));
  assert.ok(error.message.length < 300);
});

test("a number that JavaScript would not hold exactly is refused rather than changed", () => {
  const event = cloudEvent("RollbackRequested", { component: "a", version: 2 ** 53 });
  assert.match(refusal(() => fromCloudEvent(event)).message, /^`version` of RollbackRequested .* too big/);
  const text = JSON.stringify(cloudEvent("RollbackRequested", { component: "a", version: 1.5 }));
  assert.match(refusal(() => fromCloudEvent(JSON.parse(text))).message, /must be a whole number/);
});

test("whatever stands in a field, an event is made or refused in words, and never anything else", () => {
  const junk = [null, undefined, 0, -1, 2 ** 53, Number.NaN, "", SECRET, true, 5n, Symbol("s"), [], {}, [[]], [{}], { a: {} }, () => {}, proxy, new Map(), new Date(0)];
  for (const name of eventNames()) {
    const its = classOf(name);
    const bare = cloudEvent(name, {});
    for (const value of junk) {
      for (const fields of [value, Object.fromEntries(Object.keys(fieldsOf(name)).map((key) => [key, value]))]) {
        for (const work of [() => new its(fields as object), () => its.fromCloudEvent({ ...bare, data: fields }), () => its.fromCloudEvent({ ...bare, dataschema: value, data: fields })]) {
          try {
            JSON.stringify(work());
          } catch (error) {
            assert.ok(error instanceof IacError && error.code === "invalid_input", `${name}: ${String(error)}`);
          }
        }
      }
    }
  }
});

/** Fields of an event, by property: of one whose version is unknown none is checked. */
function fieldsOf(name: string): object {
  const event = fromCloudEvent(cloudEvent(name, {}, 99));
  return Object.fromEntries(Object.getOwnPropertyNames(event).filter((property) => !(property in ABOUT)).map((property) => [property, null]));
}

const ABOUT = { eventId: 0, source: 0, subject: 0, time: 0, correlationId: 0, causationId: 0, previousEventIds: 0, sequence: 0, traceparent: 0, position: 0 };

test("what is wrong with the envelope of an event of another version is told as well", () => {
  const event = { ...cloudEvent("DeploymentRequested", { component_name: "a" }, 1), sequence: {} };
  assert.match(refusal(() => fromCloudEvent(event)).message, /^`sequence` of DeploymentRequested/);
  const read = fromCloudEvent(cloudEvent("DeploymentRequested", { component_name: "a" }, 1));
  assert.equal(propertyOf(read, "component"), "a");
});
