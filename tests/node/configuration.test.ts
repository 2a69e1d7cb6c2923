/** The keys of a component: in camelCase here, as the project file has them in events. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { type ComponentConfiguration, DeploymentRequested, fromCloudEvent, InvalidInputError } from "semantest-iac";

import { failure, open } from "./project.js";
import { camelCase, sampleOf, schema, type Schema } from "./schema-data.js";

const DOCUMENT = schema("semantest");
const PARTS = DOCUMENT.$defs ?? {};
const part = (name: string): Schema => ({ ...PARTS[name], $defs: PARTS });
const written = (configuration: unknown): unknown =>
  new DeploymentRequested({ component: "a", configuration: configuration as ComponentConfiguration }).configuration;

/** A record with its own keys in camelCase, and those of the records in it. */
function inCamelCase(value: unknown, its: Schema | undefined): unknown {
  const known = (its?.$ref ?? its?.anyOf?.find((choice) => choice.$ref !== undefined)?.$ref)?.split("/").at(-1);
  const properties = (known === undefined ? its : PARTS[known])?.properties;
  const inner = typeof its?.additionalProperties === "object" ? its.additionalProperties : undefined;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return value;
  }
  const entries = Object.entries(value).map(([key, item]) =>
    properties === undefined ? [key, inCamelCase(item, inner)] : [camelCase(key), inCamelCase(item, properties[key])],
  );
  return Object.fromEntries(entries);
}

test("every key of a component can be given in camelCase, those of records inside too", () => {
  const keys = sampleOf(part("ComponentDefinition"), true);
  const given = inCamelCase(keys, PARTS["ComponentDefinition"]) as Record<string, unknown>;
  assert.ok(Object.hasOwn(given, "memoryMb") && JSON.stringify(given).includes('"allowOrigins"'));
  assert.deepEqual(written(given), keys);
});

test("every key of a component can be given as the project file has it", () => {
  const keys = sampleOf(part("ComponentDefinition"), true);
  assert.deepEqual(written(keys), keys);
});

test("keys of the user's own maps stay as they are", () => {
  const own = { fooBar: "1", FOO_BAR: "2", memoryMb: "3", foo_bar: "4" };
  const functions = { listAll: { timeoutS: 5, environmentVariables: own }, memoryMb: { handler: "a.b" } };
  assert.deepEqual(written({ environmentVariables: own, tags: own, functions }), {
    environment_variables: own,
    tags: own,
    functions: { listAll: { timeout_s: 5, environment_variables: own }, memoryMb: { handler: "a.b" } },
  });
});

test("keys that nobody knows are passed on as they are, for the core to refuse with the nearest one", () => {
  const unknown = { memoryMB: 1, memory: 2, cors: { allowOrigin: ["*"] }, constructor: 3, toString: 4 };
  assert.deepEqual(written(unknown), unknown);
});

test("values of the wrong type are passed on for the core to refuse", () => {
  for (const value of [5, "text", [1], null, true]) {
    const wrong = { cors: value, functions: value, replicas: value, environmentVariables: value };
    const { environmentVariables, ...rest } = wrong;
    assert.deepEqual(written(wrong), { ...rest, environment_variables: environmentVariables });
  }
  assert.deepEqual(written({ functions: { a: 5, b: [1] } }), { functions: { a: 5, b: [1] } });
});

test("what is undefined is not given", () => {
  assert.deepEqual(written({ memoryMb: undefined, functions: { a: { timeoutS: undefined } } }), { functions: { a: {} } });
});

test("a key in both spellings is refused", () => {
  for (const [both, path] of [
    [{ memoryMb: 1, memory_mb: 2 }, "configuration.memory_mb"],
    [{ functions: { a: { timeout_s: 1, timeoutS: 1 } } }, "configuration.functions.a.timeout_s"],
  ] as const) {
    const message = `\`${path}\` of DeploymentRequested is given twice, in two spellings`;
    assert.throws(() => written(both), { code: "invalid_input", message });
  }
});

test("what an event holds is read as it is: nothing is renamed on the way back", () => {
  const event = new DeploymentRequested({ component: "a", configuration: { memoryMb: 512, tags: { aB: "c" } } });
  const object = event.toCloudEvent();
  assert.deepEqual((object.data as Record<string, unknown>)["configuration"], { memory_mb: 512, tags: { aB: "c" } });
  (object.data as Record<string, unknown>)["configuration"] = { memoryMb: 512 };
  assert.deepEqual((fromCloudEvent(object) as DeploymentRequested).configuration, { memoryMb: 512 });
});

test("the core refuses a key that nobody knows with the nearest one", async (t) => {
  const iac = await open(t);
  const mistakes: [object, string][] = [
    [{ memoryMB: 512 }, "memory_mb"],
    [{ functions: { list: { timeOutS: 5 } } }, "timeout_s"],
    [{ cors: { allow_origin: ["*"] } }, "allow_origins"],
  ];
  for (const [configuration, nearest] of mistakes) {
    const request = new DeploymentRequested({ component: "rest-api", configuration });
    const error = await failure(iac.publish(request));
    assert.ok(error instanceof InvalidInputError, String(error));
    assert.match(error.message, new RegExp(nearest));
  }
});

test("the core takes what is given in camelCase as the project file's own keys", async (t) => {
  const iac = await open(t);
  const configuration: ComponentConfiguration = { memoryMb: 256, environmentVariables: { fooBar: "1", FOO: "2" } };
  const planned = await iac.plan("rest-api", { configuration });
  const text = JSON.stringify(planned);
  assert.ok(text.includes("fooBar") && text.includes("FOO") && text.includes("256"), text);
});
