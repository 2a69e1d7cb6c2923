/** Whether somebody still waits for a handler or a port. */

/**
 * What a handler or a port is told of whoever waits for it. The signal is made when it is first asked for: most handlers
 * never do.
 *
 * @internal
 */
export class Attendance {
  #controller: AbortController | undefined;
  #left: { reason: unknown } | undefined;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#left !== undefined) this.#controller.abort(this.#left.reason);
    }
    return this.#controller.signal;
  }

  /** Nobody waits any more. Twice is harmless. */
  end(reason: unknown): void {
    this.#left ??= { reason };
    this.#controller?.abort(reason);
  }
}
