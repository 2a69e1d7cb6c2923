/** How a `WebSocketBridge` is made. */

import { called } from "../mark.js";
import { invalidInput } from "./refusal.js";
import type { Keeping, Reconnect, WebSocketConstructor } from "./websocket-connection.js";

/** Options of a `WebSocketBridge`. */
export interface WebSocketBridgeOptions {
  /** The class of sockets to use; that of the package `ws` where it is not given. */
  readonly WebSocket?: WebSocketConstructor | undefined;
  /** The source of events that do not say where they come from; `/semantest` where not given. */
  readonly source?: string | undefined;
  /** Streams to hear of; all of them where not given. */
  readonly streams?: readonly string[] | undefined;
  /** Seconds that the server has to confirm an event; 30 where not given, `null`: as many as it likes. */
  readonly timeout?: number | null | undefined;
  /** Seconds until a broken connection is made again: 0.1 at first, 30 at the longest where not given. */
  readonly reconnect?: Partial<Reconnect> | undefined;
  /** Seconds between two signs of life, without which a connection is taken for broken; 30 where not given. */
  readonly heartbeat?: number | undefined;
  /**
   * Events that may wait, in each direction; 1000 where not given. The server is made to wait then; but not while it has
   * something to confirm, when up to 10000 more of its events are taken in, and what comes after them is left out and told.
   */
  readonly most?: number | undefined;
  /** Told of what is nobody's answer: a broken connection, a handler that failed, an event that cannot be read. */
  readonly onError?: ((error: Error) => void) | undefined;
  /** Closes the bridge when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Options, judged. @internal */
export interface BridgeSettings extends Keeping {
  readonly address: string;
  /** The address for messages, without what may be a secret. */
  readonly shown: string;
  readonly source: string | undefined;
  readonly streams: readonly string[];
  readonly timeout: number | null;
  readonly most: number;
  readonly onError: (error: Error) => void;
  readonly signal: AbortSignal | undefined;
}

const OPERATION = "semantest.bridge";
const FIRST = 0.1;
const LONGEST = 30;
const TIMEOUT = 30;
const HEARTBEAT = 30;
const MOST = 1000;

/**
 * Options as a user gives them.
 *
 * @throws InvalidInputError One of them cannot be.
 *
 * @internal
 */
export function settingsOf(url: unknown, options: WebSocketBridgeOptions): BridgeSettings {
  const address = addressOf(url);
  const { WebSocket, source, streams = [], timeout, reconnect, most = MOST, onError, signal } = options;
  if (WebSocket !== undefined && typeof WebSocket !== "function") {
    throw refused("WebSocket", `is a class of sockets, not ${called(WebSocket)}`);
  }
  if (onError !== undefined && typeof onError !== "function") {
    throw refused("onError", `is a function, not ${called(onError)}`);
  }
  if (source !== undefined && typeof source !== "string") throw refused("source", `is text, not ${called(source)}`);
  if (!Array.isArray(streams) || !streams.every((stream) => typeof stream === "string")) {
    throw refused("streams", "is a list of names");
  }
  if (!Number.isSafeInteger(most) || most < 1) throw refused("most", "is a whole number from 1 on");
  return {
    address: address.href,
    shown: `${address.protocol}//${address.host}${address.pathname}`,
    WebSocket,
    source,
    streams,
    timeout: timeout === null ? null : seconds("timeout", timeout ?? TIMEOUT),
    reconnect: {
      first: seconds("reconnect.first", reconnect?.first ?? FIRST),
      longest: seconds("reconnect.longest", reconnect?.longest ?? LONGEST),
    },
    heartbeat: seconds("heartbeat", options.heartbeat ?? HEARTBEAT),
    most,
    onError: onError === undefined ? warn : guarded(onError),
    signal,
  };
}

function addressOf(url: unknown): URL {
  try {
    const address = new URL(String(url));
    if (address.protocol === "ws:" || address.protocol === "wss:") return address;
  } catch {
    // Said below: the address itself may hold a secret.
  }
  throw refused("url", "is the address of a WebSocket server: ws://localhost:8082/ws-events");
}

function seconds(name: string, value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
  throw refused(name, "is a number of seconds, more than 0");
}

function warn(error: Error): void {
  process.emitWarning(error.message, { type: "SemantestWarning" });
}

/** Whoever is told of errors may have some: they must not end the process. */
function guarded(onError: (error: Error) => void): (error: Error) => void {
  return (error) => {
    try {
      onError(error);
    } catch (thrown) {
      warn(thrown instanceof Error ? thrown : error);
    }
  };
}

function refused(option: string, why: string): Error {
  return invalidInput(OPERATION, `\`${option}\` of a bridge to Semantest ${why}`, { option });
}
