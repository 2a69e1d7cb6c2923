/** The examples do what their README shows, and so does what the package's own README shows. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import { folder, stopHost, write } from "./project.js";
import { inRepository } from "./repository.js";

const EXAMPLES = inRepository("examples", "typescript");
const SHOWN = [...readFileSync(join(EXAMPLES, "README.md"), "utf8").matchAll(/```\n\$ node built\/(\S+)\.js\n(.*?)```/gs)];

/** A copy of the examples' project, with this project's packages. */
function copy(t: TestContext): string {
  const at = join(folder(t), "typescript");
  const left = [".semantest", "built", "node_modules"].map((name) => join(EXAMPLES, name));
  cpSync(EXAMPLES, at, { recursive: true, filter: (path) => !left.includes(path) });
  symlinkSync(fileURLToPath(new URL("../node_modules", import.meta.url)), join(at, "node_modules"));
  t.after(() => stopHost(at));
  return at;
}

function compile(at: string): void {
  const ran = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc"], { cwd: at, encoding: "utf8" });
  assert.equal(ran.status, 0, ran.stdout);
}

function run(at: string, name: string): string {
  const ran = spawnSync(process.execPath, [`built/${name}.js`], { cwd: at, encoding: "utf8" });
  assert.equal(ran.status, 0, ran.stdout + ran.stderr);
  return ran.stdout;
}

test("the README of the examples shows every example", () => {
  const there = readdirSync(EXAMPLES).filter((name) => name.endsWith(".ts"));
  assert.deepEqual(SHOWN.map(([, name]) => `${name}.ts`).sort(), there.sort());
});

for (const [, name = "", output = ""] of SHOWN) {
  test(`the example ${name} prints what its README shows`, (t) => {
    const at = copy(t);
    compile(at);
    assert.equal(run(at, name), output);
  });
}

test("the program in the package's README runs", (t) => {
  const at = copy(t);
  const [, program] = /```ts\n(.*?)```/s.exec(readFileSync(inRepository("bindings", "node", "README.md"), "utf8")) ?? [];
  assert.ok(program !== undefined);
  write(at, "readme.ts", program);
  compile(at);
  assert.match(run(at, "readme"), /^hello-events-dev-rest-api http:\/\/\S+\ndeployed http:\/\/\S+\n$/);
});
