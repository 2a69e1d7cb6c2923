/** The example of Semantest's workload does what its README shows, on this machine: the commands there are run, and what they print is compared. */

import assert from "node:assert/strict";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { WebSocket } from "ws";

import { run, type Ran } from "./program.js";
import { COMMAND_LINE, folder, stopHost } from "./project.js";
import { inRepository } from "./repository.js";

const EXAMPLE = inRepository("examples", "semantest");
const [HERE = ""] = readFileSync(join(EXAMPLE, "README.md"), "utf8").split("## The same on AWS");

/** A command, and the lines that the README shows below it. */
interface Shown {
  readonly command: string;
  readonly lines: readonly string[];
}

const SHOWN: readonly Shown[] = [...HERE.matchAll(/^\$ (.+?)(?: +#.*)?\n((?:(?!```|\$ ).*\n)*)/gm)].map(([, command = "", output = ""]) => {
  return { command, lines: output.split("\n").filter((line) => line !== "") };
});

/** What is another on each machine and each time, by what it stands for. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/127\.0\.0\.1:\d+/g, "127.0.0.1:<port>"],
  [/\(\d+\.\d s\)/g, "(<seconds>)"],
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "<time>"],
  [/^\d\d:\d\d:\d\d\.\d{3} (\S+) [0-9a-f]{8} /gm, "<time> $1 <request> "],
  [/by \S+ on \S+, process \d+/g, "by <somebody>"],
  [/"id":"[^"]+"/g, '"id":"<request>"'],
  [/\b(connect|from|disconnect) [\w-]+=/g, "$1 <connection>"],
];

function steady(lines: readonly string[]): string[] {
  return lines.map((line) => VARYING.reduce((text, [varying, name]) => text.replace(varying, name), line));
}

/** Whether a line tells of progress: several things are done at once, each time in another order. */
function isProgress(line: string): boolean {
  return /^\S+: version \d+$|^ {2}(creating|created|deleting|deleted) /.test(line);
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** The example's project, its commands and what answers in it. */
class Example {
  readonly #at: string;
  readonly #endpoints = new Map<string, string>();

  constructor(t: TestContext) {
    this.#at = join(folder(t), "semantest");
    cpSync(EXAMPLE, this.#at, { recursive: true, filter: (path) => !path.endsWith(".semantest") });
    t.after(() => stopHost(this.#at));
  }

  /** Runs a command of the README. */
  run(command: string): Ran {
    const named = command.replace(/<(\S+) endpoint>/g, (_, component: string) => this.endpoint(component));
    const line = named.replace(/^semantest-iac /, '"$NODE" "$COMMAND_LINE" ').replace(/^curl /, "curl --silent --show-error ");
    const environment = { NODE: process.execPath, COMMAND_LINE };
    const ran = run(["sh", "-c", line], { cwd: this.#at, environment });
    assert.equal(ran.code, 0, `${command}: ${ran.stdout}${ran.stderr}`);
    for (const [, component = "", endpoint = ""] of ran.stdout.matchAll(/^semantest\/dev\/(\S+) .*\n {2}endpoint {2}(\S+)$/gm)) {
      this.#endpoints.set(component, endpoint);
    }
    return ran;
  }

  endpoint(component: string): string {
    const endpoint = this.#endpoints.get(component);
    assert.ok(endpoint !== undefined, `${component} is deployed`);
    return endpoint;
  }
}

/** Says hello, and gives what comes back. */
async function hello(endpoint: string): Promise<string> {
  const socket = new WebSocket(`${endpoint}?token=abc`);
  const answered = new Promise<string>((resolve, reject) => {
    socket.on("open", () => socket.send("hello"));
    socket.on("message", (data) => resolve(String(data)));
    socket.on("error", reject);
  });
  const ended = new Promise((resolve) => socket.on("close", resolve));
  const answer = await answered;
  socket.close();
  await ended;
  return answer;
}

test("the example of Semantest's workload prints what its README shows", async (t) => {
  const example = new Example(t);
  assert.deepEqual(SHOWN.map(({ command }) => command.split(" ").slice(0, 2).join(" ").replace(/^curl .*/, "curl")), [
    ...["semantest-iac plan", "semantest-iac deploy", "curl", "curl"],
    ...["semantest-iac history", "semantest-iac logs", "semantest-iac destroy"],
  ]);
  for (const { command, lines } of SHOWN) {
    if (command.startsWith("semantest-iac logs")) {
      assert.ok(HERE.includes(`\n${await hello(example.endpoint("websocket"))}\n`), "what comes back is shown");
      // That a client has gone is logged behind its back.
      while (!example.run(command).stdout.includes(" disconnect ")) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { stdout, stderr } = example.run(command);
    const printed = linesOf(stdout).filter((line) => !/ (START|END|REPORT) /.test(line));
    assert.deepEqual(steady(printed), steady(lines.filter((line) => !isProgress(line))), command);
    assert.deepEqual(steady(linesOf(stderr)).sort(), steady(lines.filter(isProgress)).sort(), command);
  }
});
