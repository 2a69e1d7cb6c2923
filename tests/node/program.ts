/** Programs, run the way a user runs them. */

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

/** How long anything that is waited for may take, on a machine that does other things too. */
const PATIENCE_MS = 60_000;

/** A file of the installed package, by its path in `dist`. */
export function inPackage(path: string): string {
  return fileURLToPath(new URL(path, import.meta.resolve("semantest-iac")));
}

/** A module of the installed package, for lines that import it: also one that is not public. */
export function moduleOf(path: string): string {
  return JSON.stringify(new URL(path, import.meta.resolve("semantest-iac")).href);
}

/** What of the installed package is not public. */
export const internals: any = await import(new URL("internals.js", import.meta.resolve("semantest-iac")).href);

/** How a program ended, and what it wrote. */
export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a program runs. */
export interface Around {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

function options({ cwd, environment }: Around): { cwd: string | undefined; env: NodeJS.ProcessEnv } {
  // Nothing that says how Node or we are to behave.
  const kept = Object.entries(process.env).filter(([name]) => !/^(NODE_|SEMANTEST_|AWS_)/.test(name));
  return { cwd, env: { ...Object.fromEntries(kept), ...environment } };
}

/** Runs a program to its end. */
export function run(command: readonly string[], around: Around = {}): Ran {
  const [program, ...rest] = command;
  const ran = spawnSync(program!, rest, {
    ...options(around),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 2 * PATIENCE_MS,
  });
  if (ran.error !== undefined) throw ran.error;
  return { code: ran.status, signal: ran.signal, stdout: ran.stdout, stderr: ran.stderr };
}

/** Runs a program that has to end with `code`; what it wrote. */
export function ended(code: number, command: readonly string[], around: Around = {}): Ran {
  const ran = run(command, around);
  if (ran.code !== code) throw new Error(`not ${code}, but ${JSON.stringify(ran)}`);
  return ran;
}

/** Node on some lines, as a module. */
export function lines(text: string): string[] {
  return [process.execPath, "--input-type=module", "--eval", text];
}

/** A program that was started. */
export class Started {
  readonly process: ChildProcess;
  stdout = "";
  stderr = "";
  readonly #ended: Promise<Ran>;
  #looks: (() => void)[] = [];

  constructor(command: readonly string[], around: Around = {}) {
    const [program, ...rest] = command;
    this.process = spawn(program!, rest, { ...options(around), stdio: ["ignore", "pipe", "pipe"] });
    this.process.stdout!.setEncoding("utf8").on("data", (text: string) => this.#read("stdout", text));
    this.process.stderr!.setEncoding("utf8").on("data", (text: string) => this.#read("stderr", text));
    this.#ended = new Promise((resolve, reject) => {
      this.process.on("error", reject);
      this.process.on("close", (code, signal) => {
        this.#look();
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  /** Waits until it has written `text`. */
  async until(stream: "stdout" | "stderr", text: string): Promise<void> {
    while (!this[stream].includes(text)) {
      if (this.process.exitCode !== null) throw new Error(`it ended without ${text}: ${JSON.stringify(await this.ended())}`);
      await inTime(`${text} in:\n${this.stdout}${this.stderr}`, new Promise<void>((resolve) => this.#looks.push(resolve)));
    }
  }

  /** Waits for its end. */
  async ended(): Promise<Ran> {
    try {
      return await inTime(`its end: ${this.stdout}${this.stderr}`, this.#ended);
    } catch (error) {
      this.process.kill("SIGKILL");
      throw error;
    }
  }

  #read(stream: "stdout" | "stderr", text: string): void {
    this[stream] += text;
    this.#look();
  }

  #look(): void {
    const looks = this.#looks;
    this.#looks = [];
    looks.forEach((look) => look());
  }
}

async function inTime<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
