/** What comes from outside is refused as input, whatever it is: nothing else is thrown, and nothing is changed. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { fromSemantest, InvalidInputError, toSemantest, toStoreLine } from "semantest-iac";

const PERSISTED = {
  eventId: "e",
  eventType: "Noted",
  eventVersion: 1,
  payload: { a: 1 },
  metadata: { correlationId: "c", timestamp: "2025-09-12T10:37:38.440Z" },
};

const HOSTILE: readonly unknown[] = [
  "",
  "null",
  "[]",
  "3",
  '"text"',
  "{",
  "{}",
  '{"a": NaN}',
  '{"a": 1e999, "specversion": "1.0"}',
  '{"specversion": "1.0", "specversion": "1.0"}',
  '{"eventType": "A", "payload": {"a": 1, "\\u0061": 2}}',
  '{"specversion": 1}',
  '{"specversion": "1.0", "id": "1", "source": "/s", "type": "A", "UPPER": 1}',
  '{"specversion": "1.0", "id": "1", "source": "/s", "type": "A", "data": 1, "data_base64": ""}',
  '{"specversion": "1.0", "id": "1", "source": "/s", "type": "A", "subject": {}}',
  '{"specversion": "1.0", "id": "1", "source": "/s", "type": "A", "sequence": 1.5}',
  '{"_internal": null}',
  '{"_internal": []}',
  '{"_internal": {}}',
  '{"_internal": {"class": 3}}',
  '{"_internal": {"class": "a..b"}, "id": "1"}',
  '{"_internal": {"class": "os.system(\'x\')"}, "id": "1"}',
  '{"_internal": {"class": "a.B"}, "id": 3}',
  '{"_internal": {"class": "a.B"}}',
  '{"_internal": {"class": "a.B", "previous_event_ids": 3}, "id": "1"}',
  '{"_internal": {"class": "a.B", "previous_event_ids": "[[["}, "id": "1"}',
  '{"_internal": {"class": "a.B", "created": {}}, "id": "1"}',
  '{"event": 3, "globalPosition": 0}',
  '{"event": {}, "globalPosition": 0}',
  '{"event": {"event": {}, "globalPosition": 0, "eventType": "a"}, "globalPosition": 0}',
  '{"event": {"type": "AEvent", "payload": {}}, "globalPosition": 0}',
  '{"type": "event", "envelope": []}',
  '{"type": "event", "envelope": {"type": "event", "envelope": {}}}',
  '{"eventType": 3}',
  '{"eventType": null}',
  '{"eventType": ""}',
  '{"eventType": {}, "payload": {}}',
  '{"eventType": "A", "payload": []}',
  '{"eventType": "A", "payload": "text"}',
  '{"eventType": "A", "payload": {"aB": 1, "a_b": 2}}',
  '{"eventType": "A", "metadata": {"previousEventIds": "x"}}',
  '{"eventType": "A", "metadata": {"previousEventIds": [1]}}',
  '{"eventType": "A", "metadata": {"causationId": {}}}',
  '{"eventType": "A", "timestamp": []}',
  '{"eventType": "A", "timestamp": 1e300}',
  '{"eventType": "A", "timestamp": "Tuesday"}',
  '{"eventType": "A", "timestamp": "2026-13-01T00:00:00Z"}',
  '{"eventType": "A", "eventId": {}}',
  '{"eventType": "A", "aggregateId": ["x"]}',
  '{"eventType": "A", "correlationId": 7}',
  '{"type": 3, "payload": {}}',
  '{"type": "Event", "payload": 3}',
  '{"eventType": "A", "payload": {"__proto__": {"polluted": true}}}',
  '{"eventType": "A", "payload": {"a": [{"__proto__": 1}]}}',
  '{"__proto__": {"eventType": "A"}}',
  '{"constructor": {"prototype": {"polluted": true}}}',
  '{"a":'.repeat(100_000),
  "[".repeat(1_000_000),
  `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
  `{"eventType":"A","payload":${'{"a":'.repeat(200)}1${"}".repeat(200)}}`,
  `{"eventType":"A","payload":{"a":${"9".repeat(5000)}}}`,
  '{"eventType":"A","payload":{"a":9007199254740993}}',
  " ".repeat(9 * 1024 * 1024),
  `{"eventType":"A","payload":{"a":"${"é".repeat(5 * 1024 * 1024)}"}}`,
  new Uint8Array([0xff, 0xfe, 0x7b, 0x7d]),
  new Uint8Array([0]),
  '{"eventType": "\\ud800"}',
  '{"eventType": "A", "payload": {"a": "\\udfff"}}',
  '{"eventType": "A", "payload": {"\\ud800": 1}}',
  '{"eventType": "A\\u0007"}',
  undefined,
  null,
  3,
  true,
  Symbol("x"),
  () => undefined,
  [],
  [PERSISTED],
  new Date(),
  new Map([["eventType", "A"]]).entries(),
  { eventType: "A", payload: { a: undefined, b: () => 1 } },
  { eventType: "A", payload: { a: Number.NaN } },
  { eventType: "A", payload: { a: 2n ** 64n } },
  { eventType: "A", payload: { a: Symbol("x") } },
];

for (const [number, hostile] of HOSTILE.entries()) {
  const shown = typeof hostile === "string" ? hostile.slice(0, 60) : inspect(hostile, { breakLength: Infinity });
  test(`hostile input is refused: ${number} ${shown}`, () => {
    assert.throws(() => fromSemantest(hostile), InvalidInputError);
    assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
  });
}

test("objects that throw when they are looked at are refused", () => {
  const boom = (): never => {
    throw new Error("boom");
  };
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const ring: Record<string, unknown> = { eventType: "A" };
  ring["payload"] = ring;
  let wide: unknown = 1;
  for (let depth = 0; depth < 60; depth += 1) wide = [wide, wide];
  for (const hostile of [
    { get eventType() { return boom(); } },
    { eventType: "A", payload: { get a() { return boom(); } } },
    { toCloudEvent: boom },
    { toCloudEvent: () => null },
    { toCloudEvent: () => "text" },
    { eventType: "A", payload: { toJSON: boom } },
    new Proxy({}, { get: boom, has: boom, ownKeys: boom, getPrototypeOf: boom }),
    revoked.proxy,
    ring,
    { eventType: "A", payload: { wide } },
  ]) {
    assert.throws(() => fromSemantest(hostile), InvalidInputError);
  }
});

test("the longest event is read, whatever its text is made of", () => {
  for (const bit of ["a", "\\n", '\\"', "\\\\", "\\u0041", "{[,:"]) {
    const text = bit.repeat(Math.floor((7 * 1024 * 1024) / bit.length));
    const { data } = fromSemantest(`{"eventType":"A","payload":{"text":"${text}","after":1}}`);
    assert.equal((data as { after: number }).after, 1);
  }
  const many = Array.from({ length: 200_000 }, (_, at) => `"key${at}":{"a":[1.5e3,-2]}`).join(",");
  assert.equal(Object.keys(fromSemantest(`{"eventType":"A","payload":{${many}}}`).data as object).length, 200_000);
});

test("a name that every object has is no event of ours", () => {
  for (const eventType of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
    assert.equal(fromSemantest({ ...PERSISTED, eventType }).type, eventType);
  }
});

test("no error shows a value", () => {
  for (const hostile of [
    '{"eventType": "A", "payload": {"password": "s3cret"',
    '{"eventType": "A", "timestamp": "s3cret"}',
    '{"eventType": "A", "eventId": {"a": "s3cret"}}',
    '{"specversion": "s3cret"}',
    '{"eventType": "A", "payload": "s3cret"}',
  ]) {
    assert.throws(() => fromSemantest(hostile), (error: any) => {
      return !JSON.stringify([error, error.message, error.stack]).includes("s3cret");
    });
  }
});

test("no shuffled event is anything but an event or refused", () => {
  let seed = 11;
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const whole = [PERSISTED, toStoreLine(fromSemantest(PERSISTED), 0), fromSemantest(PERSISTED), { type: "AEvent", payload: {} }];
  const bits = ['"', "{", "}", "[", "null", "3", ",", "", "\0", "__proto__", ":"];
  let read = 0;
  for (let round = 0; round < 3000; round += 1) {
    let text = JSON.stringify(whole[random(whole.length)]);
    for (let times = random(4); times > 0; times -= 1) {
      const at = random(text.length);
      text = text.slice(0, at) + (bits[random(bits.length)] ?? "") + text.slice(at + 1);
    }
    try {
      const event = fromSemantest(text);
      read += 1;
      if (typeof event.data === "object" && event.data !== null) toSemantest(event);
    } catch (error) {
      assert(error instanceof InvalidInputError, String(error));
    }
  }
  assert.notEqual(read, 0);
});
