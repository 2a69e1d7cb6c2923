/** Lines of text that comes in pieces. */

import { createReadStream } from "node:fs";

import { untilAborted } from "../until-aborted.js";
import { MOST_BYTES } from "./json-value.js";
import { invalidInput } from "./refusal.js";

/** Where lines come from: a file, a stream of Node, or anything else that gives bytes or text piece by piece. */
export type LineSource = string | URL | AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;

type Pieces<T> = AsyncIterable<T> | Iterable<T>;
type Iterating<T> = AsyncIterator<T> | Iterator<T>;

/** A line. @internal */
export interface Line {
  /** Its number, from 1 on. */
  readonly number: number;
  /** What is in it; `null` where that is more than can be an event. */
  readonly bytes: Buffer | null;
  /** Whether it has its end: the last one may still be being written. */
  readonly whole: boolean;
  /** Bytes until it begins. */
  readonly begin: number;
}

const NEWLINE = 0x0a;

/**
 * All lines, one after the other; no more than one is in memory. Where `signal` is aborted it ends with its reason at once,
 * also while it waits for the next piece.
 *
 * @internal
 */
export async function* linesOf(source: LineSource, signal?: AbortSignal): AsyncGenerator<Line, void, undefined> {
  const line = new LineInTheMaking();
  for await (const piece of abortable(piecesOf(source), signal)) {
    signal?.throwIfAborted();
    let rest = typeof piece === "string" ? Buffer.from(piece) : Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      line.add(rest.subarray(0, end));
      yield line.take(true);
      // Much may have happened since.
      signal?.throwIfAborted();
      rest = rest.subarray(end + 1);
    }
    line.add(rest);
  }
  if (line.length > 0) yield line.take(false);
}

class LineInTheMaking {
  length = 0;
  #pieces: Buffer[] = [];
  #number = 1;
  #begin = 0;

  add(piece: Buffer): void {
    this.length += piece.length;
    // What is too long is counted and not kept.
    if (this.length <= MOST_BYTES) this.#pieces.push(piece);
    else this.#pieces = [];
  }

  take(whole: boolean): Line {
    const bytes = this.length <= MOST_BYTES ? Buffer.concat(this.#pieces) : null;
    const line = { number: this.#number, bytes, whole, begin: this.#begin };
    this.#begin += this.length + (whole ? 1 : 0);
    this.#number += 1;
    this.#pieces = [];
    this.length = 0;
    return line;
  }
}

/** The same pieces; what they come from is let go of where nobody waits for them any more. */
async function* abortable<T>(pieces: Pieces<T>, signal: AbortSignal | undefined): AsyncGenerator<T, void, undefined> {
  const iterator = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  let ended = false;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const asked = (async () => iterator.next())();
      // One that fails has ended by itself.
      asked.catch(() => (ended = true));
      const next = await untilAborted(asked, signal);
      ended = next.done === true;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    if (!ended) await letGo(pieces, iterator, signal?.aborted === true);
  }
}

/** One that is `stuck` may never answer, and is not waited for: a stream of Node ends what it waits for where it is destroyed. */
async function letGo(pieces: object, iterator: Iterating<unknown>, stuck: boolean): Promise<void> {
  const { destroy } = pieces as { destroy?: unknown };
  if (stuck && typeof destroy === "function") destroy.call(pieces);
  const left = Promise.resolve(iterator.return?.());
  if (!stuck) await left;
  else left.catch(() => {});
}

function piecesOf(source: unknown): Pieces<Uint8Array | string> {
  if (typeof source === "string" || source instanceof URL) return createReadStream(source);
  if (typeof source === "object" && source !== null && (Symbol.asyncIterator in source || Symbol.iterator in source)) {
    return source as Pieces<Uint8Array | string>;
  }
  throw invalidInput("semantest.read", "events are read from a path, a stream, or pieces of text");
}
