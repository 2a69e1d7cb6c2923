/** Calls of deployed functions, and their logs, where a provider has them. */

import type { LogLine } from "../answers.js";
import type { ResourceHandle } from "./resource.js";

/** A direct call of a function. */
export interface InvokeRequest {
  /** The deployed function. */
  readonly function: ResourceHandle;
  /** The event as JSON text, byte for byte as it was given. */
  readonly payload: string;
}

/** A log line, as a provider answers it. */
export interface LogLineFound {
  /** When it was written: RFC 3339. */
  readonly time: string;
  /** The function's name. */
  readonly functionName: string;
  /** The request that it belongs to, where known. */
  readonly requestId?: string | null | undefined;
  /** The line. */
  readonly message: string;
}

/** What a direct call gave. */
export interface Invoked {
  /** The function's request id. */
  readonly requestId: string;
  /** JSON text of what the handler returned, byte for byte, or of the error object. */
  readonly payload: string;
  /** `Unhandled`, `Sandbox.Timedout`, …; null on success. */
  readonly errorType?: string | null | undefined;
  /** How long it took, in milliseconds, where known. */
  readonly durationMs?: number | null | undefined;
  /** Its log lines, where known. */
  readonly logs?: readonly LogLineFound[] | null | undefined;
}

/** Which log lines. */
export interface LogQuery {
  /** The deployed function. */
  readonly function: ResourceHandle;
  /** Opaque place to go on from, as a former answer gave it. */
  readonly cursor: string | null;
  /** Only lines since then, on the first call. */
  readonly since: Date | null;
  /** At most this many (the newest); null: as many as there are. */
  readonly limit: number | null;
  /** Wait up to this many seconds for a new line where there is none. */
  readonly wait: number;
}

/** Log lines of a function, oldest first. */
export interface LogPage {
  /** The lines. */
  readonly lines: readonly LogLine[];
  /** Pass it on to go on from here. */
  readonly cursor: string;
}

/** Log lines as a provider answers them, oldest first. */
export interface LogPageFound {
  /** The lines. */
  readonly lines: readonly LogLineFound[];
  /** Where to go on. */
  readonly cursor: string;
}
