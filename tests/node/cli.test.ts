// `npx semantest-iac`: one command line, wherever the package is.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { test } from "node:test";

import { COMMAND, DeployedProject } from "./deployed-project.js";
import { ended, inPackage, run, Started } from "./program.js";
import { folder } from "./project.js";

/** Node on the file, and the program that npm puts in the way of `npx`. */
const WAYS = { file: COMMAND, program: [inPackage("../../.bin/semantest-iac")] };

for (const [way, command] of Object.entries(WAYS)) {
  test(`a project is deployed, told of and taken away (${way})`, async (t) => {
    const project = new DeployedProject(t);
    const ask = (args: string[], code = 0): any => project.json(args, code, command);
    assert.equal(ask(["plan", "--detailed-exitcode"], 3).steps.length, 2);
    const deployed = ask(["deploy"]);
    assert.equal(deployed.status, "deployed");
    assert.equal(await (await fetch(deployed.endpoint)).text(), "hello");
    assert.equal(ask(["deploy"]).status, "unchanged");
    assert.ok(ask(["plan", "--detailed-exitcode"]).steps.length > 0);
    const statuses = (): string[] => ask(["status"]).deployments.map((each: any) => each.status);
    assert.deepEqual(statuses(), ["deployed"]);
    const types = ask(["history"]).events.map((event: any) => event.type);
    assert.ok(types.includes("com.semantest.iac.FunctionDeployed"));
    assert.equal(ask(["destroy", "--yes"]).status, "removed");
    assert.deepEqual(statuses(), ["removed"]);
  });

  test(`it calls itself by the name of the program (${way})`, (t) => {
    const cwd = folder(t);
    const { version } = JSON.parse(readFileSync(inPackage("../package.json"), "utf8"));
    assert.equal(ended(0, [...command, "--version"], { cwd }).stdout, `semantest-iac ${version}\n`);
    for (const verb of [[], ["deploy"], ["local"]]) {
      const told = ended(0, [...command, ...verb, "--help"], { cwd });
      assert.ok(told.stdout.includes(`Usage: ${["semantest-iac", ...verb].join(" ")} `), told.stdout);
      assert.ok(!told.stdout.includes("cli.js"));
      assert.equal(told.stderr, "");
    }
    const refused = ended(2, [...command, "deploy", "--nonsense"], { cwd });
    assert.ok(refused.stderr.includes("semantest-iac deploy"));
    assert.equal(refused.stdout, "");
  });
}

test("wrong usage, a wrong project and a failure have their exit codes", (t) => {
  const project = new DeployedProject(t);
  const kind = (args: string[], code: number): string => project.json(args, code).error.kind;
  assert.equal(kind(["deploy", "--nonsense"], 2), "invalid_input");
  assert.equal(kind(["deploy", "--component", "nowhere"], 2), "invalid_project");
  assert.equal(kind(["deploy", "--project", "nowhere"], 2), "invalid_project");
  project.replace('GREETING = "hello"', 'GREETING = { secret = "env:NEVER_SET" }');
  assert.equal(kind(["deploy"], 1), "secret_unresolved");
});

test("the local host is this Node and stops when told", (t) => {
  const project = new DeployedProject(t);
  project.json(["deploy"]);
  const started = readFileSync(`/proc/${project.running()}/cmdline`, "utf8").split("\0");
  assert.deepEqual(started.slice(0, 2), COMMAND);
  ended(0, [...COMMAND, "local", "stop"], { cwd: project.folder });
  assert.equal(project.host, undefined);
});

test("it works from another folder and with a path that is not ASCII", (t) => {
  const project = new DeployedProject(t, "größe 日本");
  const ran = ended(0, [...COMMAND, "deploy", "--project", project.folder, "--output", "json"], { cwd: "/" });
  assert.equal(JSON.parse(ran.stdout).status, "deployed");
});

test("what lies in the current folder, or is said to Node, does not get in the way of the host", (t) => {
  const project = new DeployedProject(t);
  writeFileSync(project.file("package.json"), "no JSON");
  for (const name of ["fs", "process", "semantest-iac"]) {
    mkdirSync(project.file(`node_modules/${name}`), { recursive: true });
    writeFileSync(project.file(`node_modules/${name}/index.js`), "throw new Error('the wrong module')");
  }
  const environment = { NODE_OPTIONS: "--title=ours" };
  const ran = ended(0, [...COMMAND, "deploy", "--output", "json"], { cwd: project.folder, environment });
  assert.equal(JSON.parse(ran.stdout).status, "deployed");
  assert.ok(project.running() > 0);
});

test("arguments that are no text are passed on as they are", (t) => {
  const where = folder(t);
  for (const place of ["C.UTF-8", "C"]) {
    // Node passes nothing on but text: a shell does.
    const named = `"$(printf '${place}\\377\\376')"`;
    const ask = (verb: string): string[] => ["sh", "-c", `exec "$0" "$@" ${verb} ${named}`, ...COMMAND];
    const around = { cwd: where, environment: { LC_ALL: place } };
    ended(0, ask("init"), around);
    ended(0, ["sh", "-c", `test -f ${named}/semantest.toml`], around);
    assert.ok(!ended(2, ask("status"), around).stderr.includes("at "), "no stack is shown");
  }
});

test("whoever stops reading is not told of it", (t) => {
  const project = new DeployedProject(t);
  project.json(["deploy"]);
  for (const args of [["--help"], ["schema"], ["events"]]) {
    const told = '{ "$0" "$@"; code=$?; test $code -lt 128 || echo "ended with $code" >&2; } | true';
    const command = ["sh", "-c", told, ...COMMAND, ...args];
    assert.deepEqual(run(command, { cwd: project.folder }), { code: 0, signal: null, stdout: "", stderr: "" });
  }
});

test("without any standard streams it ends as ever", (t) => {
  const cwd = folder(t);
  const closed = ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', ...COMMAND];
  ended(0, [...closed, "--version"], { cwd });
  ended(2, [...closed, "--nonsense"], { cwd });
});

test("the first interrupt finishes what is under way, and meanwhile others are held", async (t) => {
  const project = new DeployedProject(t);
  project.add("orders");
  const deploy = ["deploy", "--component", "orders"];
  const started = await project.whileSilent(async () => {
    const process = new Started([...COMMAND, ...deploy, "--output", "json"], { cwd: project.folder });
    await process.until("stderr", "creating function.orders");
    assert.equal(project.json(deploy, 4).error.kind, "held");
    const waiting = new Started([...COMMAND, ...deploy, "--output", "json", "--wait", "600"], { cwd: project.folder });
    await waiting.until("stderr", "waiting: `");
    waiting.process.kill("SIGINT");
    const left = await waiting.ended();
    assert.equal(left.code, 130, JSON.stringify(left));
    assert.equal(JSON.parse(left.stdout).error.kind, "cancelled");
    process.process.kill("SIGINT");
    await process.until("stderr", "stopping: what is under way is finished first");
    return process;
  });
  const ran = await started.ended();
  assert.equal(ran.code, 130, JSON.stringify(ran));
  assert.equal(JSON.parse(ran.stdout).error.kind, "cancelled");
  assert.equal(project.json(deploy).status, "deployed", "the next run goes on from there");
});

test("the second interrupt ends at once", async (t) => {
  const project = new DeployedProject(t);
  project.add("orders");
  await project.whileSilent(async () => {
    const started = new Started([...COMMAND, "deploy", "--component", "orders"], { cwd: project.folder });
    await started.until("stderr", "creating function.orders");
    started.process.kill("SIGINT");
    await started.until("stderr", "stopping");
    started.process.kill("SIGINT");
    assert.equal((await started.ended()).code, 130, "the host still sleeps");
  });
});

test("an interrupt or a request to terminate ends what only follows without a word", async (t) => {
  const project = new DeployedProject(t);
  project.json(["deploy"]);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    const started = new Started([...COMMAND, "events", "--follow"], { cwd: project.folder });
    await started.until("stdout", "\n");
    started.process.kill(signal);
    const { code, stderr } = await started.ended();
    assert.deepEqual([code, stderr], [130, ""], signal);
  }
});

test("an interrupt while it starts ends it without a word", async (t) => {
  const where = folder(t);
  // What comes before our first line is Node's own affair: the signal comes in the middle of ours.
  const watched = join(where, "watched.cjs");
  writeFileSync(
    watched,
    `const { arch } = process;
    let sent = false;
    const get = () => {
      if (!sent) process.kill(process.pid, "SIGINT");
      sent = true;
      return arch;
    };
    Object.defineProperty(process, "arch", { get });`,
  );
  const child = spawn(process.execPath, ["--require", watched, COMMAND[1]!, "--version"], { stdio: ["ignore", "pipe", "pipe"] });
  let told = "";
  child.stderr.on("data", (text) => (told += text));
  const signal = await new Promise((resolve) => child.on("close", (_, signal) => resolve(signal)));
  assert.deepEqual([signal, told], ["SIGINT", ""]);
});

test("it loads nothing but the native module", (t) => {
  const where = folder(t);
  const part = join(where, "node_modules", "semantest-iac");
  for (const name of ["dist/cli.js", "dist/host.js", "native.cjs", "package.json"]) {
    cpSync(inPackage(`../${name}`), join(part, name), { recursive: true });
  }
  symlinkSync(inPackage("../../@semantest"), join(where, "node_modules", "@semantest"));
  assert.ok(!existsSync(join(part, "dist", "index.js")));
  const ran = ended(0, [process.execPath, join(part, "dist", "cli.js"), "--version"], { cwd: where });
  assert.ok(ran.stdout.startsWith("semantest-iac "));
});

test("it is found on the path as npx puts it there", (t) => {
  const cwd = folder(t);
  const environment = { PATH: `${inPackage("../../.bin")}${delimiter}${process.env["PATH"]}` };
  assert.ok(ended(0, ["semantest-iac", "--version"], { cwd, environment }).stdout.startsWith("semantest-iac "));
});
