/** Records and answers: read, written, and left as they are. */

import assert from "node:assert/strict";
import { test } from "node:test";

import * as iac from "semantest-iac";
import { blueprint, type DeployAnswer, DeployAnswer as Deploys, InvokeAnswer, LogLine, networking, PlanStep, PropertyChange, PublishAnswer } from "semantest-iac";

import { camelCase, sampleOf, schema, type Schema } from "./schema-data.js";

interface Kind {
  fromJSON(data: unknown): object;
  toJSON(record: object): Record<string, unknown>;
}

// What a program calls differently than the command line.
const RENAMED: Readonly<Record<string, string>> = { StatusOfAll: "StatusAnswer" };
const VERBS = ["deploy", "publish", "plan", "status", "refresh", "discover", "invoke"];

/** Everything public that reads and writes records, by name. */
const KINDS = new Map<string, Kind>(Object.entries<unknown>({ ...iac, ...networking, ...blueprint }).filter(isKind));

function isKind(entry: [string, unknown]): entry is [string, Kind] {
  const [, thing] = entry;
  return typeof thing === "object" && thing !== null && "fromJSON" in thing;
}

/** Each record that a schema of an answer or of a plan describes, with that schema. */
function documents(): Map<string, Schema> {
  const found = new Map<string, Schema>();
  for (const path of [...VERBS.map((verb) => `cli/${verb}`), "events/DeploymentPlanned"]) {
    const document = schema(path);
    const defined = document.$defs ?? {};
    for (const [title, part] of Object.entries({ [document.title ?? ""]: document, ...defined })) {
      const name = RENAMED[title] ?? title;
      if (KINDS.has(name)) {
        found.set(name, { ...part, $defs: defined });
      }
    }
  }
  return found;
}

/** Names of properties, at any depth, but for those of the user's maps. */
function names(value: unknown): string[] {
  if (Array.isArray(value)) {
    return value.flatMap(names);
  }
  return typeof value === "object" && value !== null ? Object.entries(value).flatMap(([key, item]) => [key, ...names(item)]) : [];
}

test("every record is described by a schema", () => {
  assert.deepEqual([...documents().keys()].sort(), [...KINDS.keys()].sort());
  assert.ok(KINDS.size > 20);
});

for (const [name, document] of documents()) {
  const kind = KINDS.get(name) as Kind;

  for (const full of [true, false]) {
    test(`${name} survives being written and read, ${full ? "with everything" : "with no more than it must have"}`, () => {
      const data = sampleOf(document, full);
      const record = kind.fromJSON(data);
      const written: unknown = JSON.parse(JSON.stringify(kind.toJSON(record)));
      assert.deepEqual(kind.fromJSON(written), record);
      assert.deepEqual(Object.keys(data).filter((key) => !Object.hasOwn(written as object, key)), []);
      if (full) {
        assert.deepEqual(written, data);
      }
    });
  }

  test(`the properties of ${name} are those of its schema in camelCase`, () => {
    const record = kind.fromJSON(sampleOf(document, true));
    assert.deepEqual(Object.keys(record), Object.keys(document.properties ?? {}).map(camelCase));
    const own = names(record).filter((property) => !["a_key", "any_thing"].includes(property));
    assert.deepEqual(own.filter((property) => property.includes("_")), []);
  });

  test(`a missing key is named with ${name}`, () => {
    for (const key of (document.required ?? []).filter((key) => key !== "payload")) {
      const { [key]: _, ...data } = sampleOf(document, true);
      assert.throws(() => kind.fromJSON(data), { code: "invalid_input", message: `\`${key}\` of ${name} is missing` });
    }
  });

  test(`what is no ${name} is refused`, () => {
    for (const junk of [null, undefined, [], "text", 5, Symbol("s"), new Map()]) {
      assert.throws(() => kind.fromJSON(junk), { code: "invalid_input", message: new RegExp(`^${name} must be an object`) });
      assert.throws(() => kind.toJSON(junk as never), { code: "invalid_input" });
    }
  });
}

test("records do not change", () => {
  const step = PlanStep.fromJSON({ action: "create", address: "a", kind: "k", diff: [{ property: "p" }] });
  for (const part of [step, step.diff, step.diff[0]]) {
    assert.ok(Object.isFrozen(part));
  }
});

test("keys of a newer version are passed over", () => {
  const data = { time: "t", function_name: "f", message: "m", colour: "red" };
  assert.deepEqual(LogLine.fromJSON(data), { time: "t", functionName: "f", message: "m", requestId: null, replica: null });
});

test("words of a newer version are kept", () => {
  assert.equal(PlanStep.fromJSON({ action: "polish", address: "a", kind: "k" }).action, "polish");
});

test("null is left out unless the schema wants the key", () => {
  assert.deepEqual(PropertyChange.toJSON(PropertyChange.fromJSON({ property: "a" })), { property: "a" });
  const invoked = InvokeAnswer.fromJSON({ request_id: "r", payload: null });
  assert.deepEqual(InvokeAnswer.toJSON(invoked), { request_id: "r", payload: null });
});

test("what is deep inside is named by its path", () => {
  const data = { action: "update", address: "a", kind: "k", diff: [{ property: "p" }, { property: 5 }] };
  assert.throws(() => PlanStep.fromJSON(data), {
    message: "`diff.1.property` of PlanStep must be text, not a value of type number",
    context: { name: "PlanStep", field: "diff.1.property" },
    operation: "record.read",
  });
});

test("a publish answer reaches through to its result", () => {
  const result = Deploys.fromJSON(sampleOf(schema("cli/configure"), true));
  const answer = PublishAnswer.fromJSON({ id: "1", event: "DeploymentRequested", result: Deploys.toJSON(result) });
  const bare = PublishAnswer.fromJSON({ id: "1", event: "ServiceDeploymentNeeded" });
  for (const name of ["status", "endpoint", "functions", "changes", "deployment", "version"] as const) {
    assert.deepEqual(answer[name], result[name]);
    assert.equal(bare[name], null);
  }
  assert.deepEqual([bare.duplicate, bare.result], [false, null]);
  const kept: DeployAnswer | null = answer.result;
  assert.deepEqual(kept, result);
});
