/** What a method of a port answers: the answer itself, or a promise of it, as its author likes. */
export type MaybePromise<T> = T | PromiseLike<T>;

/** What a port's method is called with behind its arguments. */
export interface PortContext {
  /**
   * Aborts when nobody waits for the call any more: the run was cancelled and the call did not end within 30 seconds, or
   * nothing was changed yet and the caller does not want to wait.
   */
  readonly signal: AbortSignal;
}
