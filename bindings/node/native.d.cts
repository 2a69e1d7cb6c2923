/**
 * The native module. `ts/bridge.ts` is the one that talks to it; nothing here is meant for applications.
 *
 * All that crosses is JSON and numbers. Functions that take a `call` begin something and return at once; its end comes as a
 * job with that number. What they throw has an `ErrorRecord` as its message (JSON).
 */

/** The version of this module. */
export declare function version(): string;
/** A new UUIDv7. */
export declare function newId(): string;
/** A CloudEvents object (JSON) with its data brought up to date. */
export declare function upcast(event: string): string;
/** Runs the command line and returns its exit code. Nothing else happens on this thread meanwhile. */
export declare function run(args: string[], hostCommand: string[]): number;

/** Something to do. */
export interface Job {
  /**
   * 0: `call`, a number that JavaScript gave, has ended; `text` is `{"ok": value}` or `{"error": record}`.
   * 1: `target` is asked for an answer, which `settle(call, …)` gives; `text` is a CloudEvents object for a handler, and
   *    `{"method": name, "arguments": [...]}` for a port. A handler among the arguments is `{"handler": number, "name": name}`.
   * 2: nobody waits for the answer to `call` any more.
   * 3: what was thrown under the number `call` is not needed any more.
   */
  kind: number;
  call: number;
  target: number;
  text?: string;
}

/** The queue of one JavaScript environment. */
export declare class Bridge {
  /** `wake` is called when there is something to drain. */
  constructor(wake: () => void);
  /** Takes what is queued. */
  drain(): Job[];
  /**
   * Answers a call with `{"ok": value}`, or `{"error": record}` and the number of what was thrown. Anything else is taken for
   * an answer that JSON has not.
   */
  settle(call: number, outcome: string, thrown?: number): void;
  /** Keeps the process alive until `release`. */
  hold(): void;
  /** Lets the process end, however often `hold` was called. */
  release(): void;
  /** Has a handler that came as an argument handle an event (JSON of a CloudEvents object): `null`. */
  deliver(call: number, handler: number, event: string): void;
  /** A handler that came as an argument is not used any more. */
  giveBack(handler: number): void;
  /** Asks what is under way to end in order, waits for it up to ten seconds, and takes no more calls. */
  close(): void;
}

/** A project that is opened, used and closed. */
export declare class Engine {
  constructor(bridge: Bridge);
  /** `{"project": name}` */
  open(call: number, settings: string): void;
  /** `{"answer": PublishAnswer | null, "error": record | null, "failed": {handler, event_id, error: record}[]}` */
  publish(call: number, event: string): void;
  /** Asks a call to end in order: one of `publish`, or a question. */
  cancel(call: number): void;
  /** The answer of `semantest_iac::query`. */
  query(call: number, question: string): void;
  /** `{"events": CloudEvents objects}` */
  history(call: number, environment: string, component: string): void;
  /** `{"events": [position, CloudEvents object][], "next": position}`; waits up to `waitS` seconds for the first one. */
  events(call: number, after: number, limit: number, names: string[], waitS: number): void;
  /** The last position. */
  head(call: number): void;
  /** The position after which everything was recorded at `time` (RFC 3339) or later. */
  recordedBefore(call: number, time: string): void;
  /** The number of the subscription. */
  subscribe(call: number, target: number, name: string, names: string[]): void;
  /** `null` */
  unsubscribe(call: number, subscription: number): void;
  /** Lets the log go, as soon as calls that are under way have ended. */
  close(): void;
}

/** Tries a port: `null`, or the broken claim as text. */
export declare function checkConformance(bridge: Bridge, call: number, port: string, sample: string): void;
/** For benchmarks: `target` handles the event so many times, so many at once. */
export declare function deliverRepeatedly(
  bridge: Bridge,
  call: number,
  target: number,
  event: string,
  times: number,
  atOnce: number,
): void;
