/** How long a handler may take. The time it waits for us is not its own, and does not count. */

import { Attendance } from "./attendance.js";
import { scope, type Pausable } from "./causation.js";
import type { HandlerContext } from "./listen.js";

/** Timers do not take more milliseconds; most of a month is as good as no limit. */
const LONGEST = 2 ** 31 - 1;

/** A handler took longer than it may. @internal */
export class RanOut extends Error {
  override readonly name = "RanOut";
}

/** What happens in `work` does not count as time of the handler that is running. @internal */
export async function waiting<T>(work: () => Promise<T>): Promise<T> {
  const clock = scope.getStore()?.clock;
  if (clock === undefined || clock === null) return work();
  clock.pause();
  try {
    return await work();
  } finally {
    clock.resume();
  }
}

/** The time of one handler at work. `null` seconds: it may take as long as it likes. @internal */
export class Clock implements Pausable {
  readonly #limit: number | null;
  #left: number;
  #pauses = 0;
  #since = 0;
  #timer: NodeJS.Timeout | undefined;
  #rings: (() => void) | undefined;

  constructor(seconds: number | null) {
    this.#limit = seconds;
    this.#left = (seconds ?? 0) * 1000;
  }

  /**
   * Runs `work` while this ticks. What ends at once is given at once.
   *
   * Rejects with `ranOut()` when the time is over: the signal of `attendance` is aborted then, and what becomes of the
   * work is nobody's business any more.
   */
  within<T>(
    attendance: Attendance,
    work: (context: HandlerContext) => T | PromiseLike<T>,
    ranOut: () => Error = (): Error => new RanOut(`it did not end within ${this.#limit} s`),
  ): T | Promise<T> {
    this.#since = performance.now();
    const result = work(attendance);
    if (!isThenable(result)) return result;
    if (this.#limit === null) return Promise.resolve(result);
    return new Promise<T>((resolve, reject) => {
      this.#rings = (): void => {
        const over = ranOut();
        reject(over);
        attendance.end(over);
      };
      this.#go();
      result.then(
        (value) => {
          this.#stop();
          resolve(value);
        },
        (error: unknown) => {
          this.#stop();
          reject(error);
        },
      );
    });
  }

  /** `within` as a promise, also where `work` throws at once; `outer` tells that whoever waits has left. */
  async spend<T>(work: (signal: AbortSignal) => T | PromiseLike<T>, outer?: AbortSignal): Promise<T> {
    const attendance = new Attendance();
    const leave = (): void => attendance.end(outer?.reason);
    if (outer?.aborted === true) leave();
    outer?.addEventListener("abort", leave);
    try {
      return await this.within(attendance, (context) => work(context.signal));
    } finally {
      outer?.removeEventListener("abort", leave);
    }
  }

  pause(): void {
    this.#pauses += 1;
    if (this.#pauses === 1) {
      clearTimeout(this.#timer);
      this.#left -= performance.now() - this.#since;
    }
  }

  resume(): void {
    this.#pauses -= 1;
    if (this.#pauses === 0) {
      this.#since = performance.now();
      this.#go();
    }
  }

  #go(): void {
    if (this.#pauses > 0 || this.#rings === undefined) return;
    const left = this.#left - (performance.now() - this.#since);
    if (left > LONGEST) return;
    // Whoever waits for the handler keeps the process alive; its clock does not.
    this.#timer = setTimeout(this.#rings, Math.max(1, left)).unref();
  }

  /** What the handler left behind changes nothing any more. */
  #stop(): void {
    this.#rings = undefined;
    clearTimeout(this.#timer);
  }
}

/** Whether it is something to wait for. @internal */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  const held = typeof value === "object" || typeof value === "function";
  return held && value !== null && typeof (value as PromiseLike<T>).then === "function";
}
