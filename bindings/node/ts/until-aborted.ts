/** Waiting that a signal ends. */

/**
 * `work`, or a rejection with `error()` as soon as `signal` is aborted: what becomes of the work is nobody's business then.
 *
 * @internal
 */
export async function untilAborted<T>(
  work: PromiseLike<T> | T,
  signal: AbortSignal | undefined,
  error: (signal: AbortSignal) => unknown = (aborted) => aborted.reason,
): Promise<T> {
  if (signal === undefined) return work;
  let leave: (() => void) | undefined;
  const left = new Promise<never>((_, reject) => {
    leave = (): void => reject(error(signal));
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave);
  });
  try {
    return await Promise.race([work, left]);
  } finally {
    if (leave !== undefined) signal.removeEventListener("abort", leave);
  }
}
