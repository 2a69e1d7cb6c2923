/** Errors: one class for each kind, made from records and by users. */

import assert from "node:assert/strict";
import { test } from "node:test";

import * as iac from "semantest-iac";
import { ERROR_CLASSES, ErrorRecord, HeldError, IacError, NotFoundError, PublishAnswer } from "semantest-iac";

import { schema } from "./schema-data.js";

const KINDS = (schema("cli/error").$defs?.["ErrorKind"]?.oneOf ?? []).map((kind) => kind.const ?? "");
const RECORD = { kind: "held", message: "another run holds it", operation: "deploy", context: { holder: "me" }, retry: "later" };

test("there is a class for every kind of the schema", () => {
  assert.deepEqual(Object.keys(ERROR_CLASSES), KINDS);
  assert.ok(KINDS.length > 10);
});

for (const [kind, its] of Object.entries(ERROR_CLASSES)) {
  test(`the class of ${kind} is called as its kind`, () => {
    const words = kind.split("_").map((word) => word.charAt(0).toUpperCase() + word.slice(1));
    assert.equal(its.name, `${words.join("")}Error`);
    assert.equal((iac as Record<string, unknown>)[its.name], its);
    const error = new its("text");
    assert.deepEqual([error.code, error.name, String(error)], [kind, its.name, `${its.name}: text`]);
    assert.ok(error instanceof IacError && error instanceof Error);
    assert.match(error.stack ?? "", new RegExp(`^${its.name}: text\n`));
  });

  test(`a record of ${kind} becomes the error of its kind`, () => {
    const data = { ...RECORD, kind };
    for (const record of [data, ErrorRecord.fromJSON(data)]) {
      const error = IacError.of(record);
      assert.equal(error.constructor, its);
      assert.deepEqual(error.toJSON(), data);
      assert.deepEqual([error.answer, error.failures, "cause" in error], [null, [], false]);
    }
  });
}

test("a kind that is not known is a plain error with that kind", () => {
  for (const kind of ["out_of_luck", "constructor", "__proto__"]) {
    const error = IacError.of({ ...RECORD, kind });
    assert.deepEqual([error.constructor, error.code], [IacError, kind]);
  }
  assert.equal(new IacError("text").code, "unknown");
});

test("a poor record still becomes an error", () => {
  const error = IacError.of({ kind: "held" });
  assert.ok(error instanceof HeldError);
  assert.deepEqual([error.message, error.operation, error.retry, error.context], ["held", "", "never", {}]);
  for (const poor of [{}, { kind: 5, message: {}, operation: [], retry: "soon", context: "text" }, { context: { a: null, b: 5 } }]) {
    assert.equal(IacError.of(poor).code, "unknown");
  }
});

test("an error has its cause, the run's answer and the failed handlers", () => {
  const answer = PublishAnswer.fromJSON({ id: "1", event: "E" });
  const failures = [{ handler: "announce", eventId: "e", error: 5 }];
  for (const cause of [new Error("boom"), "text", undefined, null]) {
    const error = IacError.of(RECORD, answer, { cause, failures });
    assert.ok("cause" in error && Object.is(error.cause, cause));
    assert.equal(error.answer, answer);
    assert.deepEqual(error.failures, failures);
  }
});

test("users make them too", () => {
  const context = { address: "function.a" };
  const error = new NotFoundError("text", { retry: "later", context, operation: "aws.observe" });
  context.address = "changed";
  const { code, retry, operation } = error;
  assert.deepEqual([code, retry, operation, error.context], ["not_found", "later", "aws.observe", { address: "function.a" }]);
  assert.equal(new NotFoundError("text").retry, "never");
});

test("what an error says is in its JSON, and nothing that it was caused by", () => {
  const error = new NotFoundError("text", { operation: "o", cause: new Error("secret") });
  assert.deepEqual(JSON.parse(JSON.stringify(error)), { kind: "not_found", message: "text", operation: "o", context: {}, retry: "never" });
});
