/** A connection to a WebSocket server that is made anew whenever it breaks. */

import type WsWebSocket from "ws";

import { MOST_BYTES } from "./json-value.js";

/** What is used of a socket: `ws`, the browsers' own and that of newer Nodes have it. */
export interface SocketLike {
  send(data: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "open" | "message" | "close" | "error", listener: (event: any) => void): void;
}

/** A class of sockets that connect to `url` when they are made. */
export type WebSocketConstructor = new (url: string) => SocketLike;

/** When a broken connection is made again, in seconds: after `first`, then twice as long each time, at most `longest`. */
export interface Reconnect {
  readonly first: number;
  readonly longest: number;
}

/** How a connection is kept. @internal */
export interface Keeping {
  readonly WebSocket: WebSocketConstructor | undefined;
  readonly reconnect: Reconnect;
  /** Seconds between two signs of life. */
  readonly heartbeat: number;
}

/** What happens on a connection. @internal */
export interface Events {
  /** It is there: what is said on it is said anew. */
  opened(): void;
  /** Text came in. */
  received(text: string): void;
  /** It broke, or could not be made; it is tried again in so many seconds. */
  broken(why: string, seconds: number): void;
}

/** What only `ws` has. */
interface WsOnly {
  ping(): void;
  terminate(): void;
  pause(): void;
  resume(): void;
  on(event: "pong", listener: () => void): void;
}

/** Seconds that a server has to take a connection, or to end one. */
const HANDSHAKE = 10;
const GOODBYE = 1;

/** One connection at a time, for as long as it is not closed. @internal */
export class Connection {
  readonly #url: string;
  readonly #keeping: Keeping;
  readonly #events: Events;
  #socket: SocketLike | null = null;
  #open = false;
  #closed = false;
  #paused = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #ended: (() => void) | undefined;

  constructor(url: string, keeping: Keeping, events: Events) {
    this.#url = url;
    this.#keeping = keeping;
    this.#events = events;
  }

  /** Whether something can be sent now. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** Whether the server can be kept from sending more. */
  get canPause(): boolean {
    return isWs(this.#socket);
  }

  /** Connects, and goes on trying. */
  start(): void {
    void this.#connect();
  }

  /** Sends text, where the connection is there. */
  send(text: string): void {
    if (!this.#open) return;
    try {
      this.#socket?.send(text);
    } catch {
      // It is breaking: its end is told of separately.
    }
  }

  /** Has the server wait before it sends more, where `canPause`. */
  pause(paused: boolean): void {
    if (this.#paused === paused || !isWs(this.#socket)) return;
    this.#paused = paused;
    if (paused) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Ends it for good; fulfils when it has ended. Twice is harmless. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (socket === null) return;
    this.pause(false);
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    if (!this.#open && isWs(socket)) socket.terminate();
    else socket.close(1000);
    const goodbye = setTimeout(() => {
      if (isWs(socket)) socket.terminate();
      this.#ended?.();
    }, GOODBYE * 1000);
    await ended;
    clearTimeout(goodbye);
  }

  async #connect(): Promise<void> {
    let socket: SocketLike;
    try {
      socket = await this.#made();
    } catch (error) {
      this.#again(error instanceof Error ? error.message : "it could not be made");
      return;
    }
    if (this.#closed) {
      dismiss(socket);
      return;
    }
    this.#socket = socket;
    this.#listen(socket);
  }

  async #made(): Promise<SocketLike> {
    const Given = this.#keeping.WebSocket;
    if (Given !== undefined) return new Given(this.#url);
    // Not before it is needed: most applications have no bridge.
    const { WebSocket } = await import("ws");
    return new WebSocket(this.#url, { handshakeTimeout: HANDSHAKE * 1000, maxPayload: 2 * MOST_BYTES });
  }

  #listen(socket: SocketLike): void {
    let why = "it was closed";
    let stop: (() => void) | undefined;
    socket.addEventListener("open", () => {
      this.#open = true;
      stop = isWs(socket) ? this.#heartbeat(socket) : undefined;
      this.#events.opened();
    });
    socket.addEventListener("message", (event: { readonly data?: unknown }) => {
      // A server that ends connections as soon as they are there is not hurried.
      this.#failures = 0;
      const text = textOf(event.data);
      if (text !== undefined && !this.#closed) this.#events.received(text);
    });
    socket.addEventListener("error", (event: { readonly message?: unknown }) => {
      if (typeof event.message === "string" && event.message !== "") why = event.message;
      // Sockets of others have been seen to tell of an error and nothing more.
      if (!this.#open && !isWs(socket)) this.#end(socket, why);
    });
    socket.addEventListener("close", (event: { readonly code?: unknown }) => {
      stop?.();
      if (typeof event.code === "number" && why === "it was closed") why += ` (${event.code})`;
      this.#end(socket, why);
    });
  }

  #end(socket: SocketLike, why: string): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#open = false;
    this.#paused = false;
    this.#ended?.();
    if (!this.#closed) this.#again(why);
  }

  #again(why: string): void {
    if (this.#closed) return;
    const { first, longest } = this.#keeping.reconnect;
    const seconds = Math.min(longest, first * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    // Not all of a server's clients at the same moment.
    const wait = seconds * (0.5 + Math.random() / 2);
    this.#timer = setTimeout(() => void this.#connect(), wait * 1000);
    this.#events.broken(why, seconds);
  }

  /** Notices a server that is gone without a word. */
  #heartbeat(socket: SocketLike & WsOnly): () => void {
    let alive = true;
    const live = (): void => {
      alive = true;
    };
    socket.on("pong", live);
    socket.addEventListener("message", live);
    const timer = setInterval(() => {
      if (this.#paused) return;
      if (!alive) return socket.terminate();
      alive = false;
      socket.ping();
    }, this.#keeping.heartbeat * 1000);
    timer.unref();
    return () => clearInterval(timer);
  }
}

function dismiss(socket: SocketLike): void {
  socket.addEventListener("error", () => undefined);
  if (isWs(socket)) socket.terminate();
  else socket.close();
}

function isWs(socket: SocketLike | null): socket is SocketLike & WsOnly {
  const { ping, terminate, pause } = (socket ?? {}) as Partial<WsWebSocket>;
  return [ping, terminate, pause].every((method) => typeof method === "function");
}

function textOf(data: unknown): string | undefined {
  if (typeof data === "string") return data;
  if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) return Buffer.from(data as Uint8Array).toString("utf8");
  return undefined;
}
