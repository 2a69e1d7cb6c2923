/** Events into Semantest's store: JSON, one event a line. */

import { type FileHandle, open } from "node:fs/promises";

import { stampCloudEvent, stamped } from "../causation.js";
import type { CloudEventObject } from "../cloudevent.js";
import { StorageError } from "../errors.js";
import { cloudEventOf, isEvent, type AnyEvent } from "../live-event.js";
import { fromSemantest } from "./decoder.js";
import { linesOf } from "./jsonl-lines.js";
import { fileError, jsonIn, positionIn, wrong } from "./jsonl-reader.js";
import { type StoreLine, toStoreLine } from "./persisted.js";
import { invalidInput } from "./refusal.js";

/** How events are written. */
export interface JsonlWriterOptions {
  /** Whether `append` waits until the disk has the line; it does not where not given. */
  readonly sync?: boolean | undefined;
}

/** How many events a file is known to have by their ids. */
const REMEMBERED = 100_000;

/**
 * Appends events to a file of Semantest's store:
 *
 *     const store = await JsonlWriter.open("events.jsonl");
 *     iac.subscribe(async (event) => {
 *       await store.append(event);
 *     });
 *
 * Positions go on where an existing file ends: `globalPosition` counts all events, `streamPosition` those of one
 * `aggregateId`. What a writer that crashed left of a last line is taken away. One writer a file.
 */
export class JsonlWriter {
  readonly #file: FileHandle;
  readonly #sync: boolean;
  readonly #ids = new Set<string>();
  readonly #streams = new Map<string, number>();
  #next = 0;
  #size = 0;
  #work: Promise<unknown> = Promise.resolve();
  #broken: unknown;
  #closed = false;

  private constructor(file: FileHandle, sync: boolean) {
    this.#file = file;
    this.#sync = sync;
  }

  /**
   * Opens a file, which is made where there is none, and reads how far it has come.
   *
   * @throws InvalidInputError A line of it is no event; `context.line` is its number.
   * @throws StorageError It cannot be read or written.
   */
  static async open(path: string | URL, options: JsonlWriterOptions = {}): Promise<JsonlWriter> {
    let file: FileHandle | undefined;
    try {
      file = await open(path, "a+");
      const writer = new JsonlWriter(file, options.sync === true);
      await writer.#catchUp(path);
      return writer;
    } catch (error) {
      await file?.close();
      throw fileError(error, "opened");
    }
  }

  /**
   * Appends an event: an event object, a CloudEvents object, or any form that `fromSemantest` reads. Gives its line; `null`
   * where the file has an event with this id already.
   *
   * Rejects with an `InvalidInputError` for what is no event, and with a `StorageError` where it could not be written: then
   * nothing of it is in the file.
   */
  async append(event: AnyEvent | CloudEventObject | object): Promise<StoreLine | null> {
    if (this.#closed) throw invalidInput("semantest.append", "this file of events is closed: open it again");
    const cloud = stampCloudEvent(isEvent(event) ? cloudEventOf(stamped(event)) : fromSemantest(event));
    return this.#afterOthers(() => this.#append(cloud));
  }

  /** Waits for what is being written, and closes the file. Twice is harmless. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#afterOthers(() => this.#file.close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #afterOthers<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }

  async #append(cloud: CloudEventObject): Promise<StoreLine | null> {
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#ids.has(cloud.id)) return null;
    const stream = cloud.subject ?? "";
    const streamPosition = this.#streams.get(stream) ?? 0;
    const position = { streamPosition, globalPosition: this.#next, committedAt: new Date() };
    const line = toStoreLine(cloud, position);
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    try {
      await this.#file.appendFile(bytes);
      if (this.#sync) await this.#file.datasync();
    } catch (error) {
      await this.#undo();
      throw fileError(error, "written");
    }
    this.#size += bytes.length;
    this.#count(cloud.id, stream, streamPosition, position.globalPosition);
    return line;
  }

  /** A line of which only a part was written would spoil the next one too. */
  async #undo(): Promise<void> {
    try {
      await this.#file.truncate(this.#size);
    } catch (cause) {
      const message = "the file of events may end in half a line: open it again once it can be written";
      this.#broken = new StorageError(message, { operation: "semantest.append", cause });
    }
  }

  async #catchUp(path: string | URL): Promise<void> {
    let ended = true;
    for await (const line of linesOf(path)) {
      ended = line.whole;
      const json = jsonIn(line);
      const length = line.bytes?.length ?? 0;
      if (json === undefined && !ended) {
        await this.#file.truncate(line.begin);
        this.#size = line.begin;
        return;
      }
      this.#size = line.begin + length + (ended ? 1 : 0);
      if (json !== undefined) this.#take(json, line.number);
    }
    if (ended) return;
    await this.#file.appendFile("\n");
    this.#size += 1;
  }

  #take(json: unknown, number: number): void {
    const line = json as Readonly<Record<string, unknown>>;
    const globalPosition = positionIn(line["globalPosition"]);
    if (globalPosition === null) throw wrong(number, "is no line of a store: it has no `globalPosition`");
    const { id, subject = "" } = fromSemantest(json);
    this.#count(id, subject, positionIn(line["streamPosition"]) ?? this.#streams.get(subject) ?? 0, globalPosition);
  }

  #count(id: string, stream: string, streamPosition: number, globalPosition: number): void {
    this.#streams.set(stream, Math.max(this.#streams.get(stream) ?? 0, streamPosition + 1));
    this.#next = Math.max(this.#next, globalPosition + 1);
    this.#ids.add(id);
    if (this.#ids.size <= REMEMBERED) return;
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      break;
    }
  }
}
