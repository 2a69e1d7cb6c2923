/** A project in a folder of its own, deployed to this machine by the command line. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { ended, inPackage, run } from "./program.js";

/** The installed package's command line. */
export const COMMAND = [process.execPath, inPackage("cli.js")];

const PROJECT = `\
project = "shop"

[environments.dev]
provider = "local"
`;

const FUNCTION = `\
exports.handler = async () => ({ statusCode: 200, body: process.env.GREETING });
`;

/** A folder for one test, which is removed in the end. */
export function emptyFolder(t: TestContext, name = ""): string {
  const made = mkdtempSync(join(tmpdir(), "semantest-iac-"));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  const folder = join(made, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A project with one function, `rest-api`. What runs for it is stopped in the end. */
export class DeployedProject {
  readonly folder: string;

  constructor(t: TestContext, name = "shop") {
    this.folder = emptyFolder(t, name);
    writeFileSync(join(this.folder, "semantest.toml"), PROJECT);
    this.add("rest-api");
    t.after(() => run([...COMMAND, "local", "stop", "--project", this.folder]));
  }

  /** A component with one function. */
  add(name: string): void {
    mkdirSync(join(this.folder, name));
    writeFileSync(join(this.folder, name, "app.js"), FUNCTION);
    const component = `
[components.${name}]
kind = "rest-api"
code = "${name}"
runtime = "nodejs20.x"
handler = "app.handler"
routes = ["GET /"]
environment_variables = { GREETING = "hello" }
`;
    writeFileSync(this.file("semantest.toml"), component, { flag: "a" });
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  /** In `semantest.toml`. */
  replace(old: string, by: string): void {
    const text = readFileSync(this.file("semantest.toml"), "utf8");
    if (!text.includes(old)) throw new Error(`there is no ${old} in ${text}`);
    writeFileSync(this.file("semantest.toml"), text.replace(old, by));
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
