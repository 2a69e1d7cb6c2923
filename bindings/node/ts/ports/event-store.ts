/** Where events are kept: streams, each in order, and one order over all of them. */

import type { CloudEventObject } from "../cloudevent.js";
import type { ApplicationEvent, InfrastructureEvent } from "../event.js";
import type { MaybePromise, PortContext } from "./maybe-promise.js";

/** An event of semantest-iac, or of another domain. */
export type Event = InfrastructureEvent | ApplicationEvent;

export type { CloudEventObject };

/** The lease that a writer holds. */
export interface Fence {
  /** The lease's name. */
  readonly name: string;
  /** Grows each time that the lease is taken over. */
  readonly token: number;
}

/** Events to append, all or none. */
export interface Append {
  /** The stream's name. */
  readonly stream: string;
  /** How many events must be there: 0 for none; null: whatever is there. */
  readonly expected: number | null;
  /** In order. To keep them, use `toCloudEvent()`: it gives everything as it came. */
  readonly events: readonly Event[];
  /** Refuse where a higher token of this name has been seen. A name that was never seen is fine. */
  readonly fence: Fence | null;
}

/** Where appended events went. */
export interface Appended {
  /** Position of the last of them. */
  readonly position: number;
  /** How many events the stream holds now. */
  readonly version: number;
}

/** An event as stored. */
export interface RecordedEvent {
  /** Place in the whole log: 1, 2, 3, … without gaps. */
  readonly position: number;
  /** The stream's name. */
  readonly stream: string;
  /** Place in the stream: 1, 2, 3, …. */
  readonly version: number;
  /**
   * The event, or the CloudEvents object that `toCloudEvent()` gave. That costs less to hand back, and loses nothing of
   * what an older or newer version wrote.
   */
  readonly event: Event | CloudEventObject;
}

/** A stream and how long it is. */
export interface StreamInfo {
  /** Its name. */
  readonly name: string;
  /** How many events it holds. */
  readonly version: number;
  /** When the last one was recorded. */
  readonly updated: Date;
}

/**
 * An append-only log of streams. What `append` has answered is durable.
 *
 * Leases, packages and checkpoints stay beside the project: keep one folder for each log.
 */
export interface EventStore {
  /**
   * Appends all events or none.
   *
   * @throws VersionConflictError Another number of events is there; context: `expected`, `actual`.
   * @throws DuplicateEventError An event of the same source and id is in the log, or twice in this append; context: `id`.
   * @throws HeldError The fence has moved on.
   * @throws InvalidInputError There is nothing to append.
   * @throws StorageError It could not be written. None of them leaves a trace.
   */
  append(append: Append, context: PortContext): MaybePromise<Appended>;

  /** Events of one stream after version `after`, at most `limit`, in order. An unknown stream is empty. */
  readStream(
    stream: string,
    after: number,
    limit: number | null,
    context: PortContext,
  ): MaybePromise<readonly RecordedEvent[]>;

  /** Events of all streams after position `after`, at most `limit`, in order. */
  readAll(after: number, limit: number | null, context: PortContext): MaybePromise<readonly RecordedEvent[]>;

  /** Streams whose name starts with `prefix`. */
  streams(prefix: string, context: PortContext): MaybePromise<readonly StreamInfo[]>;

  /** The last position; 0 for an empty log. */
  head(context: PortContext): MaybePromise<number>;

  /** Returns as soon as the head is past `after` (by another process too), or after `atMost` seconds. */
  wait(after: number, atMost: number, context: PortContext): MaybePromise<void>;
}
