/** A project's own log: publishing to it and reading it as a stream. */

import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ApplicationEvent, Iac } from "semantest-iac";

import { internals } from "../program.js";
import type { Way } from "./measure.js";

const { delivered, Engine, hostCommand } = internals;
const bridge = internals.bridge();

/** Events in the log, and events of a round. */
const RECORDED = 20_480;
const PUBLISHED = 200;
/** Publishers at once: they share commits. */
const AT_ONCE = 64;
/** Events a crossing, as the package has it. */
const PAGE = 256;

/** Does `work` in a folder with a project that has nothing in it, and removes it. */
export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  // Beside the build rather than in /tmp, which may be memory.
  const folder = mkdtempSync(join(process.env["SEMANTEST_BENCH_FOLDER"] ?? tmpdir(), "bench-"));
  try {
    writeFileSync(join(folder, "semantest.toml"), 'project = "bench"\n');
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function event(): ApplicationEvent {
  return new ApplicationEvent("com.example.shop.OrderPlaced", { order: "o-1", lines: Array(10).fill("x".repeat(60)) });
}

async function publish(iac: Iac, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) await iac.publish(event());
}

async function publishAtOnce(iac: Iac, times: number): Promise<void> {
  await Promise.all(Array.from({ length: AT_ONCE }, () => publish(iac, Math.floor(times / AT_ONCE))));
}

/** Puts events of 1 KB into the log. */
export async function fill(iac: Iac): Promise<void> {
  await publishAtOnce(iac, RECORDED);
}

/** What the disk alone takes: a page appended and made durable. */
async function synced(folder: string, times: number): Promise<void> {
  const file = openSync(join(folder, "raw"), "w");
  const page = Buffer.alloc(4096, "x");
  for (let n = 0; n < times; n += 1) {
    writeSync(file, page);
    fdatasyncSync(file);
  }
  closeSync(file);
}

function check(read: ApplicationEvent): void {
  if (!read.position || !read.eventType) throw new Error("an event of the log has its position and its type");
}

async function streamed(iac: Iac, times: number): Promise<void> {
  let seen = 0;
  for await (const read of iac.events()) {
    check(read as ApplicationEvent);
    seen += 1;
    if (seen === times) return;
  }
}

/** As the package reads the log, without its stream: so many events a crossing. */
async function read(engine: any, page: number, times: number): Promise<void> {
  let after = 0;
  for (let seen = 0; seen < times; ) {
    const from = after;
    const { events, next } = await bridge.ask((call: number) => engine.events(call, from, page, [], 0));
    for (const [position, written] of events) check(delivered(written, position));
    seen += events.length;
    after = next;
  }
}

/** One at a time, several at once, and the disk alone. */
export function publishWays(iac: Iac, folder: string): Way[] {
  const whole = Math.floor(PUBLISHED / AT_ONCE) * AT_ONCE;
  return [
    { name: "publish 1", run: (times) => publish(iac, times), times: PUBLISHED },
    { name: `publish ${AT_ONCE}`, run: (times) => publishAtOnce(iac, times), times: whole },
    { name: "append + fdatasync", run: (times) => synced(folder, times), times: PUBLISHED },
  ];
}

/** The log as the package reads it, and with one event a crossing. */
export async function streamWays(iac: Iac, folder: string): Promise<Way[]> {
  const engine = new Engine(bridge.native);
  const settings = JSON.stringify({ directory: folder, host_command: hostCommand(), lease_wait_s: 0 });
  await bridge.ask((call: number) => engine.open(call, settings));
  return [
    { name: "iac.events()", run: (times) => streamed(iac, times), times: RECORDED },
    { name: `${PAGE} a crossing`, run: (times) => read(engine, PAGE, times), times: RECORDED },
    { name: "one a crossing", run: (times) => read(engine, 1, times), times: RECORDED / 20 },
  ];
}
