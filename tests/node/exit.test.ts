// How a process that uses the package comes to its end.

import assert from "node:assert/strict";
import { setTimeout as after } from "node:timers/promises";
import { test } from "node:test";

import { DeployedProject } from "./deployed-project.js";
import { lines, moduleOf, Started } from "./program.js";

/** Lines that have the project in the current folder open as `iac`. */
function opened(text: string): string[] {
  return lines(`
    import { ApplicationEvent, FunctionDeployed, Iac, listen, ResourceChangeStarted } from ${moduleOf("index.js")};
    const iac = await Iac.open(".");
    ${text}`);
}

test("fifty short programs end normally, whichever way they end", async (t) => {
  const { folder } = new DeployedProject(t);
  const publish = `
    let heard = 0;
    iac.subscribe(async () => { heard += 1; });
    for (let each = 0; each < 3; each += 1) await iac.publish(new ApplicationEvent("SomethingNoted", { each }));
    console.log("heard", heard);`;
  const ends = [
    "",
    "await iac.close();",
    "process.exit();",
    "setImmediate(() => process.exit());",
    "iac.publish(new ApplicationEvent('Another', {}));",
  ];
  const programs = Array.from({ length: 50 }, (_, each) => opened(`${publish}\n${ends[each % ends.length]}`));
  const two = async (): Promise<void> => {
    for (let program = programs.pop(); program !== undefined; program = programs.pop()) {
      const ran = await new Started(program, { cwd: folder }).ended();
      assert.deepEqual(ran, { code: 0, signal: null, stdout: "heard 3\n", stderr: "" });
    }
  };
  await Promise.all([two(), two()]);
});

test("handlers and an open project keep no process alive", async (t) => {
  const { folder } = new DeployedProject(t);
  const text = "iac.subscribe(() => {}); iac.include(listen(FunctionDeployed)(() => {}));";
  const ran = await new Started(opened(text), { cwd: folder }).ended();
  assert.deepEqual(ran, { code: 0, signal: null, stdout: "", stderr: "" });
});

test("a run that nobody waits for keeps the process alive until it has ended", async (t) => {
  const { folder } = new DeployedProject(t);
  const text = `iac.deploy("rest-api").then(({ status }) => console.log(status));`;
  const ran = await new Started(opened(text), { cwd: folder }).ended();
  assert.deepEqual(ran, { code: 0, signal: null, stdout: "deployed\n", stderr: "" });
});

const ENDS = {
  "process.exit": { end: "process.exit(7)", code: 7 },
  "an error that nobody catches": { end: "setImmediate(() => { throw new Error('out'); })", code: 1 },
  "a rejection that nobody handles": { end: "Promise.reject(new Error('out'))", code: 1 },
};

for (const [what, { end, code }] of Object.entries(ENDS)) {
  test(`${what} in the middle of a run ends it in order, and the next one goes on from there`, async (t) => {
    const project = new DeployedProject(t);
    project.add("orders");
    const text = `
      iac.include(listen(ResourceChangeStarted)(() => { console.log("ends"); ${end}; return new Promise(() => {}); }));
      await iac.deploy("orders");
      console.log("not reached");`;
    const started = await project.whileSilent(async () => {
      const started = new Started(opened(text), { cwd: project.folder });
      await started.until("stdout", "ends");
      // What is under way is waited for: the host that is silent.
      await after(300);
      assert.equal(started.process.exitCode, null);
      return started;
    });
    const ran = await started.ended();
    assert.deepEqual([ran.code, ran.signal, ran.stdout], [code, null, "ends\n"], JSON.stringify(ran));
    const history = project.json(["history", "--component", "orders"]).events;
    const types: string[] = history.map((event: any) => event.type);
    assert.equal(types.at(-1), "com.semantest.iac.InfrastructureUpdateFailed", types.join());
    assert.equal(project.json(["deploy", "--component", "orders"]).status, "deployed");
  });
}

test("what does not end keeps no process for ever", async (t) => {
  const project = new DeployedProject(t);
  project.add("orders");
  const text = `
    iac.include(listen(ResourceChangeStarted)(() => process.exit(7)));
    await iac.deploy("orders");`;
  await project.whileSilent(async () => {
    const ran = await new Started(opened(text), { cwd: project.folder }).ended();
    assert.deepEqual(ran, { code: 7, signal: null, stdout: "", stderr: "" });
  });
  assert.equal(project.json(["deploy", "--component", "orders", "--wait", "60"]).status, "deployed");
});

test("an interrupt in the middle of a run ends the process, and the next run goes on from there", async (t) => {
  const project = new DeployedProject(t);
  project.add("orders");
  const started = await project.whileSilent(async () => {
    const started = new Started(opened(`console.log("begins"); await iac.deploy("orders");`), { cwd: project.folder });
    await started.until("stdout", "begins");
    await after(300);
    started.process.kill("SIGINT");
    const { code, signal } = await started.ended();
    assert.deepEqual([code, signal], [null, "SIGINT"]);
  });
  assert.equal(started, undefined);
  assert.equal(project.json(["deploy", "--component", "orders", "--wait", "60"]).status, "deployed");
});

test("an interrupt that aborts a run lets it end in order", async (t) => {
  const project = new DeployedProject(t);
  project.add("orders");
  const text = `
    const controller = new AbortController();
    process.once("SIGINT", () => { console.log("stopping"); controller.abort(); });
    console.log("begins");
    const error = await iac.deploy("orders", { signal: controller.signal }).catch((error) => error);
    console.log(error.code);`;
  const started = await project.whileSilent(async () => {
    const started = new Started(opened(text), { cwd: project.folder });
    await started.until("stdout", "begins");
    await after(300);
    started.process.kill("SIGINT");
    await started.until("stdout", "stopping");
    return started;
  });
  const ran = await started.ended();
  assert.deepEqual(ran, { code: 0, signal: null, stdout: "begins\nstopping\ncancelled\n", stderr: "" });
  assert.equal(project.json(["deploy", "--component", "orders"]).status, "deployed");
});
