/** One version for everything: of the crates, the Python package and the npm packages. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { inRepository } from "./repository.js";

const require = createRequire(import.meta.url);
const installed = require("semantest-iac/package.json") as { version: string };

function text(...path: string[]): string {
  return readFileSync(inRepository(...path), "utf8");
}

/** The version in Cargo.toml, which all crates have. */
function cargo(): string {
  const [, version] = /^\[workspace\.package\]\nversion = "(.+)"$/m.exec(text("Cargo.toml")) ?? [];
  assert.ok(version !== undefined, "Cargo.toml has a version for the workspace");
  return version;
}

test("the manifest and the lock file of the npm package have Cargo's version", () => {
  const manifest = JSON.parse(text("bindings", "node", "package.json")) as { version: string };
  const lock = JSON.parse(text("bindings", "node", "package-lock.json")) as {
    version: string;
    packages: Record<string, { version?: string }>;
  };
  assert.equal(manifest.version, cargo());
  assert.equal(lock.version, cargo());
  assert.equal(lock.packages[""]?.version, cargo());
});

test("the manifest and the lock file ask for the same Node", () => {
  const { engines } = JSON.parse(text("bindings", "node", "package.json")) as { engines: object };
  const lock = JSON.parse(text("bindings", "node", "package-lock.json")) as { packages: Record<string, { engines?: object }> };
  assert.deepEqual(lock.packages[""]?.engines, engines);
});

test("what is installed, and its native module, have Cargo's version", () => {
  assert.equal(installed.version, cargo());
  const loader = join(dirname(require.resolve("semantest-iac/package.json")), "native.cjs");
  assert.equal((require(loader) as { version(): string }).version(), cargo());
});

test("the crates and the Python package take their version from the workspace", () => {
  for (const binding of ["node", "python"]) {
    assert.match(text("bindings", binding, "Cargo.toml"), /^version\.workspace = true$/m, binding);
  }
  const python = text("bindings", "python", "pyproject.toml");
  assert.match(python, /^dynamic = \["version"\]$/m);
  assert.doesNotMatch(python, /^version *=/m);
});

test("crates of the workspace ask for each other in the workspace's version", () => {
  const asked = [...text("Cargo.toml").matchAll(/^semantest-iac[\w-]* = \{ path = "[^"]+", version = "([^"]+)"/gm)];
  assert.ok(asked.length > 0);
  for (const [line, version] of asked) assert.equal(version, cargo(), line);
});

test("no lock file says where packages were downloaded from", () => {
  for (const lock of ["bindings/node", "tests/node", "tests/tools"]) {
    assert.doesNotMatch(text(lock, "package-lock.json"), /"resolved"/, lock);
  }
});
