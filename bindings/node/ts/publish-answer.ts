/** What an answer to a published event says of the run, without a detour. */

import type { DeployAnswer, FunctionAnswer, RunStatus } from "./answers.js";
import type { ChangeCounts } from "./records.js";

/** Reaches through to `result`. Everything is null where the event brought no run about. */
export interface OfResult {
  /** How the run ended. */
  readonly status: RunStatus | null;
  /** The deployment's stream: `<project>/<environment>/<component>`. */
  readonly deployment: string | null;
  /** Version of the deployment now. */
  readonly version: number | null;
  /** Where to call the component. */
  readonly endpoint: string | null;
  /** Its functions, sorted by name. */
  readonly functions: readonly FunctionAnswer[] | null;
  /** What was done. */
  readonly changes: ChangeCounts | null;
}

/** What such an answer inherits. */
export const OF_RESULT: OfResult = Object.freeze({
  get status() {
    return resultOf(this)?.status ?? null;
  },
  get deployment() {
    return resultOf(this)?.deployment ?? null;
  },
  get version() {
    return resultOf(this)?.version ?? null;
  },
  get endpoint() {
    return resultOf(this)?.endpoint ?? null;
  },
  get functions() {
    return resultOf(this)?.functions ?? null;
  },
  get changes() {
    return resultOf(this)?.changes ?? null;
  },
});

function resultOf(answer: object): DeployAnswer | null | undefined {
  return (answer as { readonly result?: DeployAnswer | null }).result;
}
