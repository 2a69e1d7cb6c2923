/**
 * What all event objects have in common, and events of other domains.
 *
 * An event object stands on a CloudEvents object that nobody else has, and reads each property off it when it is first
 * asked for: most handlers read two or three.
 */

import {
  type About,
  checkEnvelope,
  type CloudEventObject,
  ENVELOPE,
  filled,
  givenAttributes,
  JSON_CONTENT,
  optionalText,
  type Readers,
  TYPE_PREFIX,
  UNDERSTOOD,
  type Wire,
  joinIds,
  writeEnvelope,
} from "./cloudevent.js";
import { newId } from "./native.js";
import { anything, refusing, Unfit } from "./record.js";
import { type PersistedEvent, persistedOf, toSemantest } from "./semantest/persisted.js";
import { fresh, objectOf } from "./value.js";

/** Whether an event has a correlation of its own. @internal */
export const CORRELATED: unique symbol = Symbol("semantest-iac.correlated");
/** A copy of an event that says what brought it about. @internal */
export const STAMP: unique symbol = Symbol("semantest-iac.stamp");
/** How a class reads its own properties. @internal */
export const READERS: unique symbol = Symbol("semantest-iac.readers");

/** An event as the cause of others. */
export interface Cause {
  readonly eventId: string;
  readonly correlationId: string;
  readonly previousEventIds: readonly string[];
}

/** What an event object is made on. @internal */
export interface Held {
  readonly wire: Wire;
  /** Properties that are known already. */
  readonly values: Record<string, unknown>;
  readonly position: number | null;
}

/** A class of events, as it is named where one subscribes. */
export type EventClass<E extends CloudEvent = CloudEvent> = (abstract new (...given: never[]) => E) & {
  readonly eventType: string;
};

const INSPECT = Symbol.for("nodejs.util.inspect.custom");
const properties = new WeakMap<object, PropertyDescriptorMap>();
let textOf: (event: CloudEvent) => string;
let propertyOf: (name: string, reader: (wire: Wire) => unknown) => PropertyDescriptor;

/** An event and its envelope. Events do not change. */
export abstract class CloudEvent {
  /** Unique with `source`. */
  declare readonly eventId: string;
  /** Who says so: `/semantest-iac/<project>` of ours; empty before it is published. */
  declare readonly source: string;
  /** The stream: `<project>/<environment>/<component>`; empty before it is published. */
  declare readonly subject: string;
  /** When it happened. */
  declare readonly time: Date;
  /** Groups everything that one request brought about: its own id where nothing brought it about. */
  declare readonly correlationId: string;
  /** The event that brought this one about. */
  declare readonly causationId: string | null;
  /** Ancestry, newest first. */
  declare readonly previousEventIds: readonly string[];
  /** Place in the stream, given by the log: 1, 2, 3, …. */
  declare readonly sequence: number | null;
  /** W3C trace context. */
  declare readonly traceparent: string | null;
  /** Place in the whole log. */
  declare readonly position: number | null;
  /** The name: the last segment of the type. */
  declare readonly eventType: string;
  /** `subject`, as Semantest calls it; undefined where it is empty. */
  declare readonly aggregateId?: string;
  /** The data as it is in the envelope, with the wire's names for keys. */
  declare readonly data: unknown;

  readonly #wire: Wire;
  readonly #values: Record<string, unknown>;

  /** @internal */
  constructor(held: Held) {
    this.#wire = held.wire;
    this.#values = { ...held.values, position: held.position };
    // Of each object's own: so events compare, spread and print by what they hold.
    Object.defineProperties(this, propertiesOf(new.target));
    Object.freeze(this);
  }

  /** The full type: `com.semantest.iac.<name>` of ours; `com.example.shop.OrderPaid`, or only a name, of others. */
  get type(): string {
    return this.#read("type", typed);
  }

  /** `time`, as Semantest calls it. */
  get timestamp(): Date {
    return this.time;
  }

  /** The event as a CloudEvents 1.0 object in structured JSON mode. */
  toCloudEvent(): CloudEventObject {
    return fresh(this.#wire) as CloudEventObject;
  }

  /** The event as Semantest keeps it, and its correlation id once more where its WebSocket server reads it. */
  toJSON(): PersistedEvent & { correlationId: string; timestamp: string } {
    const persisted = this.#persisted();
    return { ...persisted, correlationId: this.correlationId, timestamp: persisted.metadata.timestamp };
  }

  #persisted(): PersistedEvent {
    const event = this.toCloudEvent();
    try {
      return toSemantest(event);
    } catch {
      // Data of others that has no such form is shown as it is: whoever prints an event asks for no more.
      return persistedOf(event, event.data as PersistedEvent["payload"]);
    }
  }

  /** @internal */
  get [CORRELATED](): boolean {
    return this.#read("correlated", ENVELOPE["correlationId"]) !== null;
  }

  /** @internal */
  [STAMP](cause: Cause): this {
    const { correlationId, eventId: causationId } = cause;
    const previousEventIds = Object.freeze([causationId, ...cause.previousEventIds]);
    const wire = {
      ...this.#wire,
      correlationid: correlationId,
      causationid: causationId,
      previouseventids: joinIds(previousEventIds),
    };
    const { correlated: _, ...kept } = this.#values;
    const values = { ...kept, correlationId, causationId, previousEventIds };
    return revived(this.constructor, { wire, values, position: this.position }) as this;
  }

  [INSPECT](depth: number, options: object, inspect: (value: unknown, options: object) => string): string {
    const shown: Record<string, unknown> = {};
    for (const name of ["eventId", ...Object.keys(readersOf(this.constructor))]) {
      try {
        shown[name] = (this as unknown as Record<string, unknown>)[name];
      } catch {
        shown[name] = undefined;
      }
    }
    return `${this.constructor.name} ${inspect(shown, { ...options, depth })}`;
  }

  #read<T>(name: string, reader: ((wire: Wire) => T) | undefined): T {
    const known = this.#values[name];
    if (known !== undefined) {
      return known as T;
    }
    // Only of a version that the core does not know: it keeps those as they are.
    const value = refusing(calledIn(this), "event.read", () => reader?.(this.#wire));
    this.#values[name] = value;
    return value as T;
  }

  static {
    textOf = (event) => JSON.stringify(event.#wire);
    const hidden = (name: string, get: (event: CloudEvent) => unknown): void => {
      Object.defineProperty(CloudEvent.prototype, name, {
        get(this: CloudEvent) {
          return get(this);
        },
        configurable: true,
      });
    };
    hidden("eventType", (event) => lastSegment(event.type));
    hidden("aggregateId", (event) => event.subject || undefined);
    hidden("data", (event) => event.#read("data", dataOf));
    const read = (event: CloudEvent, name: string, reader: (wire: Wire) => unknown): unknown => {
      const value = event.#read(name, reader);
      if (name === "correlationId") {
        return value ?? event.eventId;
      }
      // Who has a `Date` can change it.
      return name === "time" ? new Date(value as Date) : value;
    };
    propertyOf = (name, reader) => ({
      get(this: CloudEvent) {
        return read(this, name, reader);
      },
      enumerable: true,
    });
  }
}

/** An event of semantest-iac: requests that come in, facts that go out. */
export abstract class InfrastructureEvent extends CloudEvent {
  /** The event's name: `FunctionDeployed`. */
  declare static readonly eventType: string;
  /** Version of its data. */
  declare static readonly schemaVersion: number;
}

/** An event of another domain. */
export class ApplicationEvent extends CloudEvent {
  /** Where its schema is, if it says so. */
  declare readonly dataschema: string | null;
  /** Every other attribute of its envelope, as it came. */
  declare readonly attributes: Readonly<Record<string, unknown>>;

  /** @internal */
  static readonly [READERS]: Readers = {
    type: (wire) => typed(wire),
    data: dataOf,
    dataschema: (wire) => optionalText(wire["dataschema"]),
    attributes: attributesOf,
  };

  /**
   * @param type The full type, or only a name.
   * @param data Any value that JSON can hold.
   * @throws {InvalidInputError} The type is empty or one of ours, or the data holds what JSON cannot.
   */
  constructor(type: string, data: unknown = null, about: About = {}) {
    super(refusing("ApplicationEvent", "event.make", () => made(type, data, about)));
  }

  /** The last segment of the type. */
  get name(): string {
    return this.eventType;
  }

  /**
   * Reads a CloudEvents 1.0 object of any type. Attributes that have no place here are kept.
   *
   * @throws {InvalidInputError} It is no CloudEvents 1.0 object.
   */
  static fromCloudEvent(event: unknown): ApplicationEvent {
    const held = refusing("a CloudEvents object", "event.read", () => {
      const wire = owned(event);
      const values = checkEnvelope(wire);
      for (const [name, read] of Object.entries(ApplicationEvent[READERS])) {
        values[name] = read(wire);
      }
      return { wire, values, position: null };
    });
    return revived(ApplicationEvent, held) as ApplicationEvent;
  }
}

/**
 * An event object of a class, on what it holds. No constructor of the class is called.
 *
 * @internal
 */
export function revived(its: Function, held: Held): CloudEvent {
  return Reflect.construct(CloudEvent, [held], its) as CloudEvent;
}

/**
 * A CloudEvents object that a caller gave, as one that nobody else has.
 *
 * @internal
 */
export function owned(event: unknown): Wire {
  return anything.read(objectOf(event), true) as Wire;
}

/**
 * The event as the text of its CloudEvents object.
 *
 * @internal
 */
export function wireText(event: CloudEvent): string {
  return textOf(event);
}

function made(type: string, given: unknown, about: About): Held {
  const its = namedType(type);
  const data = below("data", () => anything.read(given, true));
  const values = givenAttributes(about, newId);
  return { wire: writeEnvelope(values, its, null, data), values, position: null };
}

function namedType(type: unknown): string {
  const its = below("type", () => filled(type));
  if (its.startsWith(TYPE_PREFIX)) {
    throw new Unfit("is one of semantest-iac itself, which has a class of its own", "type");
  }
  return its;
}

function typed(wire: Wire): string {
  return below("type", () => filled(wire["type"]));
}

function dataOf(wire: Wire): unknown {
  return anything.read(wire["data"] ?? null, false);
}

function attributesOf(wire: Wire): Readonly<Record<string, unknown>> {
  const kept = Object.entries(wire).filter(
    ([key, value]) => !UNDERSTOOD.has(key) && !(key === "datacontenttype" && value === JSON_CONTENT),
  );
  return anything.read(Object.fromEntries(kept), false) as Readonly<Record<string, unknown>>;
}

function below<T>(step: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw Unfit.of(error).below(step);
  }
}

function lastSegment(type: string): string {
  return type.slice(type.lastIndexOf(".") + 1);
}

function readersOf(its: Function): Readers {
  return (its as { [READERS]?: Readers })[READERS] ?? {};
}

function propertiesOf(its: Function): PropertyDescriptorMap {
  const known = properties.get(its);
  if (known !== undefined) {
    return known;
  }
  const readers = { ...ENVELOPE, position: () => null, ...readersOf(its) };
  const entries = Object.entries(readers).map(([name, reader]) => [name, propertyOf(name, reader)] as const);
  const described = Object.fromEntries(entries);
  properties.set(its, described);
  return described;
}

function calledIn(event: CloudEvent): string {
  const { eventType } = event.constructor as { eventType?: unknown };
  return typeof eventType === "string" ? eventType : "a CloudEvents object";
}
