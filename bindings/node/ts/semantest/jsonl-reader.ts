/** Events out of Semantest's store: JSON, one event a line. */

import type { CloudEventObject } from "../cloudevent.js";
import { InvalidInputError, StorageError } from "../errors.js";
import { IacError } from "../error.js";
import { fromSemantest } from "./decoder.js";
import { type Line, type LineSource, linesOf } from "./jsonl-lines.js";
import { parse } from "./json-value.js";

/** How events are read. */
export interface JsonlOptions {
  /** The source of events that do not say where they come from; `/semantest` where not given. */
  readonly source?: string | undefined;
  /** Told of lines that are no events, which are passed over then. Without it the first of them ends the reading. */
  readonly onBadLine?: ((error: InvalidInputError) => void) | undefined;
  /** Ends the reading, with its reason, when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** An event as it stands in a store. */
export interface StoredEvent {
  /** The event as a CloudEvents object. */
  readonly event: CloudEventObject;
  /** Place in the stream of its `aggregateId`, from 0 on; `null` where the line does not say. */
  readonly streamPosition: number | null;
  /** Place in the whole store, from 0 on; `null` where the line does not say. */
  readonly globalPosition: number | null;
  /** When it was written; `null` where the line does not say. */
  readonly committedAt: string | null;
  /** Number of the line, from 1 on. */
  readonly line: number;
}

const OPERATION = "semantest.read";

/**
 * The events in a file, or in what gives its text piece by piece, oldest first. Each line may have any form that
 * `fromSemantest` reads. A last line without its end that is no JSON is still being written, and passed over.
 *
 * @throws InvalidInputError A line is no event; `context.line` is its number.
 * @throws StorageError The file cannot be read.
 */
export async function* readJsonl(
  source: LineSource,
  options: JsonlOptions = {},
): AsyncGenerator<StoredEvent, void, undefined> {
  const { onBadLine, signal } = options;
  try {
    for await (const line of linesOf(source, signal)) {
      const read = refusing(() => stored(line, options.source), onBadLine);
      if (read !== undefined) yield read;
    }
  } catch (error) {
    throw fileError(error, "read");
  }
}

/** What is wrong with a file, as an error of ours; any other error as it is. @internal */
export function fileError(error: unknown, what: string): unknown {
  if (error instanceof IacError || !(error instanceof Error) || !("code" in error) || !("syscall" in error)) return error;
  const message = `the file of events cannot be ${what}: ${String(error.code)}`;
  return new StorageError(message, { operation: `semantest.${what}`, cause: error });
}

/**
 * The JSON of a line; undefined where there is none in it, or not yet.
 *
 * @throws InvalidInputError It is no JSON.
 *
 * @internal
 */
export function jsonIn(line: Line): unknown {
  const { bytes, number, whole } = line;
  if (bytes === null) throw wrong(number, "is longer than an event can be");
  // Editors of Windows put a mark in front, and another end behind.
  const text = number === 1 && bytes.subarray(0, 3).equals(MARK) ? bytes.subarray(3) : bytes;
  if (text.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09)) return undefined;
  try {
    return parse(text);
  } catch (error) {
    if (!whole && !isJson(text)) return undefined;
    throw error instanceof InvalidInputError ? wrong(number, `is no event: ${error.message}`, error) : error;
  }
}

/** The error for a line; its text is never shown. @internal */
export function wrong(number: number, why: string, cause?: InvalidInputError): InvalidInputError {
  const context = { ...cause?.context, line: String(number) };
  return new InvalidInputError(`line ${number} ${why}`, { operation: OPERATION, context, cause });
}

const MARK = Buffer.from([0xef, 0xbb, 0xbf]);

function stored(line: Line, source: string | undefined): StoredEvent | undefined {
  const json = jsonIn(line);
  if (json === undefined) return undefined;
  let event: CloudEventObject;
  try {
    event = fromSemantest(json, { source });
  } catch (error) {
    throw error instanceof InvalidInputError ? wrong(line.number, `is no event: ${error.message}`, error) : error;
  }
  const { streamPosition, globalPosition, committedAt } = json as Readonly<Record<string, unknown>>;
  return {
    event,
    streamPosition: positionIn(streamPosition),
    globalPosition: positionIn(globalPosition),
    committedAt: typeof committedAt === "string" ? committedAt : null,
    line: line.number,
  };
}

/** A whole number from 0 on, or null. @internal */
export function positionIn(value: unknown): number | null {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null;
}

function isJson(text: Buffer): boolean {
  try {
    JSON.parse(text.toString("utf8"));
    return true;
  } catch {
    return false;
  }
}

function refusing<T>(read: () => T, onBadLine: ((error: InvalidInputError) => void) | undefined): T | undefined {
  try {
    return read();
  } catch (error) {
    if (onBadLine === undefined || !(error instanceof InvalidInputError)) throw error;
    onBadLine(error);
    return undefined;
  }
}
