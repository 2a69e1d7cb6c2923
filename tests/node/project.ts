/** A project of its own for each test, on this machine. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import { ApplicationEvent, Iac, type OpenOptions } from "semantest-iac";

const PROJECT = `\
project = "shop"

[environments.dev]
provider = "local"

[components.rest-api]
code = "code"
runtime = "nodejs20.x"
handler = "hello.handler"
environment_variables = { GREETING = "hello" }

[components.other]
kind = "rest-api"
code = "code"
runtime = "nodejs20.x"
handler = "hello.handler"
`;

const CODE = `\
exports.handler = async () => ({ statusCode: 200, body: process.env.GREETING ?? "" });
`;

/** The installed package's command line. */
export const COMMAND_LINE = fileURLToPath(new URL("cli.js", import.meta.resolve("semantest-iac")));

const ends = new WeakMap<TestContext, (() => unknown)[]>();

/** Has `end` done when the test is over, what was begun last first: `t.after` would end a folder before what runs in it. */
export function atTheEnd(t: TestContext, end: () => unknown): void {
  const known = ends.get(t);
  if (known !== undefined) return void known.push(end);
  const all = [end];
  ends.set(t, all);
  t.after(async () => {
    for (const each of all.reverse()) await each();
  });
}

/** A folder for one test. In the end its local host is stopped, and it is removed. */
export function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), "semantest-iac-"));
  atTheEnd(t, () => rmSync(made, { recursive: true, force: true }));
  atTheEnd(t, () => stopHost(made));
  return made;
}

/** Ends the local host of a project, if there is one. */
export function stopHost(of: string): void {
  if (!existsSync(join(of, ".semantest", "local"))) return;
  const stopped = spawnSync(process.execPath, [COMMAND_LINE, "local", "stop", "--project", of], { encoding: "utf8" });
  if (stopped.status !== 0) throw new Error(`the local host does not stop: ${stopped.stdout}${stopped.stderr}`);
}

/** A folder with a project in it. */
export function project(t: TestContext): string {
  const made = folder(t);
  write(made, "semantest.toml", PROJECT);
  write(made, "code/hello.js", CODE);
  return made;
}

/** The project, open; it is closed in the end. */
export async function open(t: TestContext, at: string = project(t), options: OpenOptions = {}): Promise<Iac> {
  const iac = await Iac.open(at, options);
  atTheEnd(t, () => iac.close());
  return iac;
}

/** Puts a file into a folder. */
export function write(into: string, name: string, text: string): void {
  const file = join(into, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Changes a file of a folder. */
export function replace(into: string, name: string, old: string, by: string): void {
  const text = readFileSync(join(into, name), "utf8");
  if (!text.includes(old)) throw new Error(`${name} has no ${old}`);
  writeFileSync(join(into, name), text.replace(old, by));
}

/** An application's event. */
export function noted(name = "SomethingNoted", data: Record<string, unknown> = {}): ApplicationEvent {
  return new ApplicationEvent(name, data);
}

/** All of a stream. */
export async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** A promise and what settles it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

/** What `work` is rejected with. */
export async function failure(work: Promise<unknown>): Promise<unknown> {
  const none = Symbol("none");
  const error = await work.then(
    () => none,
    (thrown: unknown) => thrown,
  );
  if (error === none) throw new Error("it did not fail");
  return error;
}
