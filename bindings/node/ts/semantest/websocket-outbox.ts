/** What is sent to a WebSocket server and not yet confirmed. */

import { CancelledError, TimeoutError, UnavailableError } from "../errors.js";

/** What the server says of an event that it has stored. */
export interface Stored {
  /** The id that the server gave it; `ceId` in its metadata is the event's own. */
  readonly eventId: string;
  readonly correlationId: string;
}

/** How long one waits for it. @internal */
export interface Waiting {
  /** Seconds; `null`: as long as it takes. */
  readonly timeout: number | null;
  readonly signal?: AbortSignal | undefined;
}

interface Letter {
  text: string;
  readonly correlationId: string;
  readonly settle: (outcome: Stored | Error) => void;
  /** Whether it went out on the connection that there is now. */
  sent: boolean;
}

const OPERATION = "semantest.publish";

/** Messages, in order, until the server says that it has them. @internal */
export class Outbox {
  readonly #most: number;
  /** Also those that were given up after they went out: their confirmation may still come, and is nobody else's. */
  readonly #letters = new Set<Letter>();
  readonly #waitedFor = new Set<Letter>();

  /** At most so many messages wait. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Whether somebody waits for a confirmation. */
  get isWaitedFor(): boolean {
    return this.#waitedFor.size > 0;
  }

  /** Keeps a message until it is confirmed; `send` sends it where that can be done now. */
  async add(text: string, correlationId: string, waiting: Waiting, send: (text: string) => boolean): Promise<Stored> {
    const { signal, timeout } = waiting;
    if (signal?.aborted === true) throw gaveUp(signal);
    if (this.#waitedFor.size >= this.#most) {
      const message = `${this.#most} events wait for Semantest's server already: wait for earlier ones first`;
      throw new UnavailableError(message, { operation: OPERATION, retry: "later" });
    }
    let letter: Letter | undefined;
    let timer: NodeJS.Timeout | undefined;
    let leave: (() => void) | undefined;
    try {
      return await new Promise<Stored>((resolve, reject) => {
        const settle = (outcome: Stored | Error): void => (outcome instanceof Error ? reject(outcome) : resolve(outcome));
        letter = { text, correlationId, settle, sent: false };
        this.#letters.add(letter);
        this.#waitedFor.add(letter);
        if (timeout !== null) timer = setTimeout(() => settle(unconfirmed(timeout)), timeout * 1000);
        leave = (): void => settle(gaveUp(signal));
        signal?.addEventListener("abort", leave);
        letter.sent = send(text);
      });
    } finally {
      clearTimeout(timer);
      if (leave !== undefined) signal?.removeEventListener("abort", leave);
      if (letter !== undefined) this.#left(letter);
    }
  }

  /** Nobody waits for it any more. */
  #left(letter: Letter): void {
    this.#waitedFor.delete(letter);
    if (!letter.sent) this.#letters.delete(letter);
    letter.text = "";
    if (this.#letters.size - this.#waitedFor.size <= this.#most) return;
    // A server that confirms nothing: the oldest is the least likely to be confirmed yet.
    for (const oldest of this.#letters) {
      if (this.#waitedFor.has(oldest)) continue;
      this.#letters.delete(oldest);
      return;
    }
  }

  /** There is a new connection: what is not confirmed is sent again. Whoever gets it twice knows it by its `ceId`. */
  sendAll(send: (text: string) => boolean): void {
    for (const letter of this.#letters) {
      if (this.#waitedFor.has(letter)) letter.sent = send(letter.text);
      else this.#letters.delete(letter);
    }
  }

  /** The server confirmed one: the oldest of that correlation. One that names none means the oldest of all. */
  confirm(correlationId: unknown, stored: (letter: { readonly correlationId: string }) => Stored | Error): void {
    for (const letter of this.#letters) {
      if (!letter.sent || (typeof correlationId === "string" && letter.correlationId !== correlationId)) continue;
      this.#letters.delete(letter);
      this.#waitedFor.delete(letter);
      letter.settle(stored(letter));
      return;
    }
  }

  /** None of them will be confirmed any more. */
  fail(error: Error): void {
    for (const letter of this.#letters) letter.settle(error);
    this.#letters.clear();
    this.#waitedFor.clear();
  }
}

function unconfirmed(seconds: number): TimeoutError {
  const message = `Semantest's server did not confirm the event within ${seconds} s: it may or may not have stored it`;
  return new TimeoutError(message, { operation: OPERATION, retry: "later" });
}

function gaveUp(signal: AbortSignal | undefined): CancelledError {
  const message = "the event was not waited for: it may or may not have been stored";
  return new CancelledError(message, { operation: OPERATION, cause: signal?.reason });
}
