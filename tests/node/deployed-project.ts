/** A project in a folder of its own, deployed to this machine by the command line. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { ended } from "./program.js";
import { COMMAND_LINE, folder, replace, stopHost, write } from "./project.js";

/** The installed package's command line. */
export const COMMAND = [process.execPath, COMMAND_LINE];

const PROJECT = `\
project = "shop"

[environments.dev]
provider = "local"
`;

const FUNCTION = `\
exports.handler = async () => ({ statusCode: 200, body: process.env.GREETING });
`;

/** A project with one function, `rest-api`. What runs for it is stopped in the end. */
export class DeployedProject {
  readonly folder: string;

  constructor(t: TestContext, name = "shop") {
    // First come, first done: it is stopped before its folder goes.
    t.after(() => stopHost(this.folder));
    this.folder = join(folder(t), name);
    write(this.folder, "semantest.toml", PROJECT);
    this.add("rest-api");
  }

  /** A component with one function. */
  add(name: string): void {
    write(this.folder, `${name}/app.js`, FUNCTION);
    const project = readFileSync(this.file("semantest.toml"), "utf8");
    const component = `
[components.${name}]
kind = "rest-api"
code = "${name}"
runtime = "nodejs20.x"
handler = "app.handler"
routes = ["GET /"]
environment_variables = { GREETING = "hello" }
`;
    write(this.folder, "semantest.toml", project + component);
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  /** In `semantest.toml`. */
  replace(old: string, by: string): void {
    replace(this.folder, "semantest.toml", old, by);
  }

  /** The one object that a command prints with `--output json`. */
  json(args: readonly string[], code = 0, command: readonly string[] = COMMAND): any {
    const ran = ended(code, [...command, ...args, "--output", "json"], { cwd: this.folder });
    return JSON.parse(ran.stdout);
  }

  /** The process id of the local host, if it runs. */
  get host(): number | undefined {
    const about = this.file(".semantest/local/host.json");
    if (!existsSync(about)) return undefined;
    const { pid } = JSON.parse(readFileSync(about, "utf8")) as { pid: number };
    return existsSync(`/proc/${pid}`) ? pid : undefined;
  }

  /** The process id of the local host, which runs. */
  running(): number {
    const pid = this.host;
    if (pid === undefined) throw new Error("there is no local host");
    return pid;
  }

  /** Meanwhile the local host answers nobody: what is deployed waits. */
  async whileSilent<T>(work: () => Promise<T>): Promise<T> {
    this.json(["deploy", "--component", "rest-api"]);
    const pid = this.running();
    process.kill(pid, "SIGSTOP");
    try {
      return await work();
    } finally {
      process.kill(pid, "SIGCONT");
    }
  }
}
