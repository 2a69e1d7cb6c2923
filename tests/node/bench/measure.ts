/** Processor time per event of several ways to do the same, in turns: noise meets all of them. */

/** One way, by its name: `run(times)` does it so many times. */
export interface Way {
  readonly name: string;
  readonly times: number;
  run(times: number): Promise<unknown>;
}

/** What one event cost in each round, in microseconds. */
export class Cost {
  readonly #cpu: number[] = [];
  readonly #wall: number[] = [];

  add(cpu: number, wall: number): void {
    this.#cpu.push(cpu);
    this.#wall.push(wall);
  }

  /** Of the whole process, all its threads; the median of the rounds. */
  get cpu(): number {
    return median(this.#cpu);
  }

  /** The median of the rounds. */
  get wall(): number {
    return median(this.#wall);
  }

  /** How many times the processor time of `other` it takes: the median of the rounds. */
  timesOf(other: Cost): number {
    return median(this.#cpu.map((own, round) => own / (other.#cpu[round] as number)));
  }
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2;
}

/** Numbers that look random and are the same in every run. */
function* chances(): Generator<number, never> {
  for (let state = 1; ; ) {
    state = (state * 48_271) % 2_147_483_647;
    yield state / 2_147_483_647;
  }
}

function shuffle<T>(items: T[], chance: Generator<number, never>): void {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = Math.floor(chance.next().value * (last + 1));
    [items[last], items[other]] = [items[other] as T, items[last] as T];
  }
}

/** The cost of each way, by its name. */
export async function measure(ways: readonly Way[], rounds: number): Promise<Map<string, Cost>> {
  const costs = new Map(ways.map((way) => [way.name, new Cost()]));
  for (const way of ways) await way.run(Math.max(1, Math.floor(way.times / 10)));
  // What ran before has an effect: a processor that was just idle is slow to wake.
  const order = [...ways];
  const chance = chances();
  for (let round = 0; round < rounds; round += 1) {
    shuffle(order, chance);
    for (const way of order) {
      globalThis.gc?.();
      const cpu = process.cpuUsage();
      const wall = performance.now();
      await way.run(way.times);
      const spent = process.cpuUsage(cpu);
      const took = performance.now() - wall;
      costs.get(way.name)?.add((spent.user + spent.system) / way.times, (took * 1000) / way.times);
    }
  }
  return costs;
}
