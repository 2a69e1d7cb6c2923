/**
 * Benchmark of the npm package: what an event costs on its way between Rust and JavaScript.
 *
 * `cargo xtask bench node` builds what it needs and runs it.
 */

import { availableParallelism, loadavg } from "node:os";

import { Iac } from "semantest-iac";

import { FLAT, NESTED, ways } from "./deliveries.js";
import { fill, inFolder, publishWays, streamWays } from "./filled-project.js";
import { type Cost, measure } from "./measure.js";

const ROUNDS = Number(process.env["SEMANTEST_BENCH_ROUNDS"] ?? "9");
/** Rounds that the disk has a say in take longer. */
const DISK_ROUNDS = Math.min(5, ROUNDS);

type Costs = Map<string, Cost>;

/** Prints costs; `against` has for a name those it is compared with. */
function table(title: string, costs: Costs, against: Readonly<Record<string, readonly string[]>>): void {
  console.log(`\n${title.padEnd(32)}${"us CPU".padStart(9)}${"us wall".padStart(9)}   CPU as a multiple of`);
  for (const [name, cost] of costs) {
    const ratios = (against[name] ?? []).map((other) => `${other}: ${cost.timesOf(costs.get(other) as Cost).toFixed(2)}`);
    const line = name.padEnd(32) + cost.cpu.toFixed(1).padStart(9) + cost.wall.toFixed(1).padStart(9);
    console.log(`${line}   ${ratios.join(", ")}`.trimEnd());
  }
}

const PURE = ["a turn of the loop each", "await handler(event)", "EventEmitter.emit"];
const AGAINST = {
  ...Object.fromEntries([1, 64].flatMap((n) => ["ours async", "ours sync", "publish, crossing"].map((kind) => [`${kind} ${n}`, PURE]))),
  "iac.events()": ["256 a crossing", "one a crossing"],
  "publish 1": ["append + fdatasync"],
};

const [load = 0] = loadavg();
console.log(`Node.js ${process.version}, ${availableParallelism()} cores, load before ${load.toFixed(1)}; medians`);
for (const [name, event] of Object.entries({ flat: FLAT, nested: NESTED })) {
  console.log(`the ${name} event has ${JSON.stringify(event.toCloudEvent()).length} bytes`);
}
const all: Costs = new Map();
async function run(title: string, found: Parameters<typeof measure>[0], rounds: number): Promise<void> {
  const costs = await measure(found, rounds);
  table(title, costs, AGAINST);
  for (const [name, cost] of costs) all.set(name, cost);
}
await run("an event to a handler", ways(), ROUNDS);
await inFolder(async (folder) => {
  const iac = await Iac.open(folder);
  await fill(iac);
  await run("an event published", publishWays(iac, folder), DISK_ROUNDS);
  await run("an event read from the log", await streamWays(iac, folder), DISK_ROUNDS);
  await iac.close();
});
const rounded = (number: number): number => Math.round(number * 10) / 10;
const us = Object.fromEntries([...all].map(([name, { cpu, wall }]) => [name, { cpu: rounded(cpu), wall: rounded(wall) }]));
console.log(`\n${JSON.stringify({ node: process.version, load, us })}`);
