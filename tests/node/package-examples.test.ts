/** The examples do what their README shows, and so does what the package's own README and its comments show. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import { Started } from "./program.js";
import { folder, stopHost, write } from "./project.js";
import { inRepository } from "./repository.js";
import { SemantestServer } from "./semantest-standin.js";

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

/** Writes the first example in the comments of a module as a program. */
function documented(at: string, module: string, before: string, after: string): string {
  const source = readFileSync(inRepository("bindings", "node", "ts", `${module}.ts`), "utf8");
  const [shown] = /^ \*     .*\n(?: \*(?:     .*)?\n)*/m.exec(source) ?? [];
  assert.ok(shown !== undefined, `${module} has no example`);
  const program = `${before}\n${shown.replaceAll(/^ \* {0,5}/gm, "")}\n${after}\n`;
  write(at, "shown.ts", program);
  return program;
}

const OPENED = `import * as all from "semantest-iac";
const { Iac, EventHandler, JsonlWriter, listen, readJsonl, WebSocketBridge } = all;
import { ApiGatewayDeployed, FunctionDeployed, InfrastructureEvent } from "semantest-iac";
const iac = await Iac.open(".");`;

test("the example of marked handlers runs", (t) => {
  const at = copy(t);
  documented(at, "listen", OPENED, 'iac.include(announce, new Audit()); await iac.deploy("rest-api"); await iac.close();');
  compile(at);
  assert.match(run(at, "shown"), /^http:\/\/\S+\n$/);
});

test("the example of a handler as a class runs", (t) => {
  const at = copy(t);
  documented(at, "event-handler", OPENED, 'await iac.deploy("rest-api"); await iac.close();');
  compile(at);
  assert.match(run(at, "shown"), /^hello-events-dev-rest-api http:\/\/\S+\n$/);
});

test("the example of a file of events runs, and the file has what was recorded", (t) => {
  const at = copy(t);
  const after = `
    await iac.publish({ type: "Noted", data: {} });
    await iac.close();
    await store.close();
    for await (const { event } of readJsonl("events.jsonl")) console.log(event.type);`;
  documented(at, "semantest/jsonl-writer", OPENED, after);
  compile(at);
  assert.equal(run(at, "shown"), "Noted\n");
});

test("the example of a bridge runs: what is asked for there is deployed, and what happened is told there", async (t) => {
  const server = await SemantestServer.run(t);
  const at = copy(t);
  const program = documented(at, "semantest/websocket-bridge", OPENED, 'await bridge.ready(); console.log("ready");');
  write(at, "shown.ts", program.replace(/"ws:[^"]+"/, JSON.stringify(server.url)));
  compile(at);
  const started = new Started([process.execPath, "built/shown.js"], { cwd: at });
  await started.until("stdout", "ready");
  const payload = { serviceType: "rest-api", environment: "dev", serviceConfig: {} };
  server.put({ eventType: "ServiceDeploymentNeeded", aggregateId: "services", payload, metadata: {} });
  const told = (): string[] => server.store.map(({ event }) => event.eventType);
  while (!told().includes("InfrastructureUpdated")) await new Promise((resolve) => setTimeout(resolve, 10));
  started.process.kill();
  const { stderr } = await started.ended();
  assert.equal(stderr, "");
  assert.ok(told().includes("FunctionDeployed"), told().join());
  assert.ok(!told().slice(1).includes("ServiceDeploymentNeeded"), "only what is ours is told");
});
