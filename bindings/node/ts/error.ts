/** What all errors of this package have in common. */

import type { DeployAnswer, PublishAnswer } from "./answers.js";
import type { Retry } from "./records.js";

/** A handler that failed for good while a run went on. It stopped no run. */
export interface HandlerFailure {
  /** What the handler is called. */
  readonly handler: string;
  /** The event it was handling. */
  readonly eventId: string;
  /** What it threw. */
  readonly error: unknown;
}

/** What may be said about an error, beside its message. */
export interface ErrorDetails {
  /** What was being done. */
  readonly operation?: string | undefined;
  /** Whether the same call can succeed when made again; default: `never`. */
  readonly retry?: Retry | undefined;
  /** Facts by name. Never a value that may be a secret. */
  readonly context?: Readonly<Record<string, string>> | undefined;
  /** How the run ended, where it was one that failed. */
  readonly answer?: PublishAnswer | DeployAnswer | null | undefined;
  /** Handlers that failed for good meanwhile. */
  readonly failures?: readonly HandlerFailure[] | undefined;
  /** What brought the error about. */
  readonly cause?: unknown;
}

type ErrorClass = new (message: string, details?: ErrorDetails) => IacError;

const classes = new Map<string, ErrorClass>();

/** Something that semantest-iac could not do. */
export class IacError extends Error {
  /** What went wrong, as a word: the same for every language and in `--output json`. */
  declare readonly code: string;
  /** What was being done. */
  readonly operation: string;
  /** Whether the same call can succeed when made again. */
  readonly retry: Retry;
  /** Facts by name. */
  readonly context: Readonly<Record<string, string>>;
  /** How the run ended, where it was one that failed. */
  readonly answer: PublishAnswer | DeployAnswer | null;
  /** Handlers that failed for good meanwhile, with what they threw. They stop no run. */
  readonly failures: readonly HandlerFailure[];

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, Object.hasOwn(details, "cause") ? { cause: details.cause } : undefined);
    // Of its own, for loggers: it stands on the prototype, where `known` put it.
    Object.defineProperty(this, "code", { value: this.code, enumerable: true, configurable: true });
    this.operation = details.operation ?? "";
    this.retry = details.retry ?? "never";
    this.context = Object.freeze({ ...details.context });
    this.answer = details.answer ?? null;
    this.failures = Object.freeze([...(details.failures ?? [])]);
  }

  /**
   * The error that is told as data: an `ErrorRecord`, or what JSON has of one.
   *
   * A kind that this version does not know gives a plain `IacError` that has it as its `code`.
   */
  static of(
    record: object,
    answer: PublishAnswer | DeployAnswer | null = null,
    more: Pick<ErrorDetails, "cause" | "failures"> = {},
  ): IacError {
    const told = record as Readonly<Record<string, unknown>>;
    const kind = typeof told["kind"] === "string" ? told["kind"] : "unknown";
    const { message, operation, retry } = told;
    const error = new (classes.get(kind) ?? IacError)(typeof message === "string" ? message : kind, {
      ...more,
      operation: typeof operation === "string" ? operation : "",
      retry: retry === "later" || retry === "exhausted" ? retry : "never",
      context: texts(told["context"]),
      answer,
    });
    if (!classes.has(kind)) {
      Object.defineProperty(error, "code", { value: kind, enumerable: true });
    }
    return error;
  }

  /** The error as data: what events keep and `--output json` prints under `error`. */
  toJSON(): { kind: string; message: string; operation: string; context: Record<string, string>; retry: Retry } {
    const { code: kind, message, operation, context, retry } = this;
    return { kind, message, operation, context: { ...context }, retry };
  }
}

named(IacError, "IacError", "unknown");

/**
 * Says which class each kind of error has. The generated classes stand on this module, so that they tell it.
 *
 * @internal
 */
export function known(byKind: Readonly<Record<string, ErrorClass>>): void {
  for (const [kind, its] of Object.entries(byKind)) {
    named(its, its.name, kind);
    classes.set(kind, its);
  }
}

/**
 * The error that a native function threw, which has an `ErrorRecord` as its message.
 *
 * @internal
 */
export function nativeError(thrown: unknown): IacError {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  let told: unknown;
  try {
    told = JSON.parse(message);
  } catch {
    told = null;
  }
  if (typeof told === "object" && told !== null && "kind" in told) {
    return IacError.of(told);
  }
  return IacError.of({ kind: "internal", message, operation: "native" }, null, { cause: thrown });
}

// On the prototype: the first line of a stack is written before a constructor could set a name.
function named(its: ErrorClass, name: string, code: string): void {
  Object.defineProperty(its.prototype, "name", { value: name, configurable: true, writable: true });
  Object.defineProperty(its.prototype, "code", { value: code, configurable: true });
}

function texts(context: unknown): Record<string, string> {
  const entries = typeof context === "object" && context !== null ? Object.entries(context) : [];
  return Object.fromEntries(entries.map(([key, value]) => [key, String(value)]));
}
