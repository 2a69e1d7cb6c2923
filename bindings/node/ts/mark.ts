/** Marks of handlers: the events that they ask for, and how they are called. */

import { InvalidInputError } from "./errors.js";
import { CloudEvent } from "./event.js";
import { cloudEventOf, type AnyEvent } from "./live-event.js";

/** A class of events: of ours, of the application, or one that derives from the `DomainEvent` of Semantest's core. */
export type EventClass<E extends AnyEvent = AnyEvent> = abstract new (...given: never[]) => E;

/** How a handler is called. */
export interface ListenOptions {
  /**
   * Seconds that the handler may take, waiting for what it publishes or deploys not counted; `null`: as many as it likes.
   * 60 where not given.
   */
  readonly timeout?: number | null | undefined;
  /** What the handler is called in messages, where its own name says too little. */
  readonly name?: string | undefined;
}

/** Seconds that a handler may take where nothing else is said. */
const TIMEOUT = 60;

const OPTIONS: readonly string[] = ["timeout", "name"];

/** The events that a handler asks for, and how it is called. @internal */
export class Mark {
  /** Whether it asks for every event rather than for some of them by name. */
  readonly everything: boolean;
  /** Whether the names alone tell what it asks for; else what comes is still to be asked about with `wants`. */
  readonly namesTell: boolean;
  /** What an event source is asked for; nothing stands for every event. */
  readonly namesToAskFor: readonly string[];

  constructor(
    /** Names of events; those of the classes are among them. */
    readonly names: ReadonlySet<string>,
    /** Classes of events; base classes stand for what is derived from them. */
    readonly classes: readonly EventClass[],
    /** Seconds that the handler may take; `null`: as many as it likes. */
    readonly timeout: number | null,
    /** What the handler is called in messages; `null`: by its own name. */
    readonly name: string | null,
  ) {
    this.everything = (names.size === 0 && classes.length === 0) || classes.includes(CloudEvent);
    this.namesTell = classes.every((chosen) => nameOfClass(chosen) !== "");
    this.namesToAskFor = this.namesTell ? [...names].sort() : [];
  }

  /** Whether the handler wants to see `event`. */
  wants(event: object): boolean {
    return this.names.has(nameOf(event)) || this.classes.some((chosen) => event instanceof chosen) || this.everything;
  }

  /**
   * The event as the handler knows it: one of another class that has the name of a class named here is made one of it,
   * where that class can read CloudEvents objects.
   *
   * @throws InvalidInputError It cannot be read as such.
   */
  asked(event: object): object {
    if (this.classes.length === 0 || this.classes.some((chosen) => event instanceof chosen)) return event;
    const name = nameOf(event);
    const chosen = this.classes.find((each) => nameOfClass(each) === name);
    const read = (chosen as { fromCloudEvent?: unknown } | undefined)?.fromCloudEvent;
    return typeof read === "function" ? (read.call(chosen, cloudEventOf(event)) as object) : event;
  }
}

/**
 * The mark for such events; without any it asks for every one.
 *
 * @throws InvalidInputError For what is no event, or no option.
 *
 * @internal
 */
export function markOf(events: readonly unknown[], options: ListenOptions = {}): Mark {
  const names = events.map(nameOfNamed).filter((name) => name !== "");
  const classes = events.filter((event) => typeof event === "function");
  const unknown = Object.keys(options).find((key) => !OPTIONS.includes(key));
  if (unknown !== undefined) throw refused(`listen has no option \`${unknown.slice(0, 80)}\`; it has timeout and name`);
  const { name } = options;
  if (name !== undefined && (typeof name !== "string" || name === "")) {
    throw refused("listen: name is what the handler is called, in words");
  }
  return new Mark(
    new Set(names),
    [...new Set(classes)] as unknown as EventClass[],
    checkedTimeout(options.timeout),
    name ?? null,
  );
}

/** Several marks on one handler are one: it sees an event once however many ask for it. @internal */
export function merged(marks: readonly Mark[]): Mark {
  const [only] = marks;
  if (only !== undefined && marks.length === 1) return only;
  const limits = marks.map((mark) => mark.timeout);
  return new Mark(
    new Set(marks.flatMap((mark) => [...mark.names])),
    [...new Set(marks.flatMap((mark) => mark.classes))],
    limits.includes(null) ? null : Math.max(...(limits as number[])),
    marks.find((mark) => mark.name !== null)?.name ?? null,
  );
}

/** Events and options, as users write them in one list of arguments. @internal */
export function splitOptions(given: readonly unknown[]): [events: readonly unknown[], options: ListenOptions] {
  const last = given.at(-1);
  return isPlain(last) ? [given.slice(0, -1), last] : [given, {}];
}

/** The name of an event object, e.g. `FunctionDeployed`; empty where it has none. @internal */
export function nameOf(event: object): string {
  const type = (event as { eventType?: unknown }).eventType;
  return typeof type === "string" ? lastSegment(type) : "";
}

/** What a class or a function is called in messages; any other object by its class. @internal */
export function called(target: unknown): string {
  if (typeof target === "function") return target.name === "" ? "a function without a name" : target.name;
  if (typeof target !== "object" || target === null) return target === null ? "null" : typeof target;
  const made: unknown = (target as { constructor?: unknown }).constructor;
  return typeof made === "function" && made.name !== "" ? made.name : "an object";
}

/** The error for a mark that cannot be. @internal */
export function refused(message: string, context: Readonly<Record<string, string>> = {}): InvalidInputError {
  return new InvalidInputError(message, { operation: "listen", context });
}

function nameOfNamed(event: unknown): string {
  if (typeof event === "string") {
    const name = lastSegment(event);
    if (name !== "" && !/\s/.test(event)) return name;
    throw refused(`listen: ${JSON.stringify(event.slice(0, 80))} is no name of an event`);
  }
  if (typeof event !== "function") {
    const given = typeof event === "object" && event !== null ? `an object of type ${called(event)}` : called(event);
    throw refused(`listen takes event classes and names of events, not ${given}: @listen(FunctionDeployed)`);
  }
  if (isEventClass(event)) return nameOfClass(event);
  if (Object.getOwnPropertyDescriptor(event, "prototype")?.writable === false) {
    const how = "events are named in parentheses: @listen(FunctionDeployed), @EventHandler(FunctionDeployed)";
    throw refused(`${called(event)} is no event class; ${how}`);
  }
  throw refused(`listen needs the events that ${called(event)} listens for, in parentheses: @listen(FunctionDeployed)`);
}

/** Ours write themselves; those of Semantest's core have a `toJSON`, or say their name on the class. */
function isEventClass(given: object): boolean {
  if (nameOfClass(given) !== "") return true;
  const { prototype } = given as { prototype?: { toCloudEvent?: unknown; toJSON?: unknown } };
  return typeof prototype?.toCloudEvent === "function" || typeof prototype?.toJSON === "function";
}

/** Empty for base classes, which stand for events of many names, and for classes that do not tell. */
function nameOfClass(given: object): string {
  const type = (given as { eventType?: unknown }).eventType;
  return typeof type === "string" ? lastSegment(type) : "";
}

function checkedTimeout(timeout: unknown): number | null {
  if (timeout === undefined) return TIMEOUT;
  if (timeout === null) return null;
  if (typeof timeout !== "number") throw refused(`listen: timeout is in seconds, not ${called(timeout)}`);
  if (Number.isFinite(timeout) && timeout > 0) return timeout;
  throw refused(`listen: timeout must be more than 0 seconds, not ${timeout}; null: no limit`);
}

function lastSegment(type: string): string {
  return type.slice(type.lastIndexOf(".") + 1);
}

function isPlain(value: unknown): value is ListenOptions {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
