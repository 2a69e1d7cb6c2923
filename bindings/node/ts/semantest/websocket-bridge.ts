/** `WebSocketBridge`: events to and from Semantest's WebSocket server. */

import { stampCloudEvent, stamped } from "../causation.js";
import { fromCloudEvent } from "../delivered.js";
import { CancelledError, ProviderError, UnavailableError } from "../errors.js";
import { handlerFailed } from "../event-bus-failures.js";
import { Subscribers } from "../event-bus-subscribers.js";
import type { EventHandler } from "../event-handler.js";
import type { Handle } from "../listener.js";
import { cloudEventOf, isEvent, type AnyEvent } from "../live-event.js";
import { called, type EventClass, type ListenOptions } from "../mark.js";
import { waiting } from "../patience.js";
import type { CloudEventObject } from "../cloudevent.js";
import { fromSemantest } from "./decoder.js";
import { MOST_BYTES, parse } from "./json-value.js";
import { toWsMessage } from "./persisted.js";
import { invalidInput } from "./refusal.js";
import { type BridgeSettings, settingsOf, type WebSocketBridgeOptions } from "./websocket-options.js";
import { Connection } from "./websocket-connection.js";
import { Outbox, type Stored } from "./websocket-outbox.js";

export type { WebSocketBridgeOptions } from "./websocket-options.js";
export type { Stored } from "./websocket-outbox.js";

/** So many events more than `most` may wait while something is to be confirmed: the confirmations come behind them. */
const AHEAD = 10_000;

interface Ready {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Events to and from Semantest's WebSocket server:
 *
 *     const bridge = new WebSocketBridge("ws://localhost:8082/ws-events");
 *     bridge.subscribe("ServiceDeploymentNeeded", async (event) => {
 *       await iac.publish(event);
 *     });
 *     iac.subscribe(async (event) => {
 *       await bridge.publish(event);
 *     }, InfrastructureEvent);
 *
 * It connects when it is first used, and again whenever the connection breaks: what is subscribed is subscribed anew then,
 * and what was not confirmed is sent again. Handlers get an event once, by its own id, and one after the other; how they are
 * called is as on an `EventBus`. It keeps the process alive until it is closed.
 */
export class WebSocketBridge {
  readonly #settings: BridgeSettings;
  readonly #subscribers = new Subscribers("semantest", (event, signal) => this.publish(event, { signal }));
  readonly #outbox: Outbox;
  readonly #connection: Connection;
  readonly #arrived: AnyEvent[] = [];
  readonly #ready = new Set<Ready>();
  #started = false;
  #closed = false;
  #handling = false;
  #begun = false;
  #unconfirmed = 0;

  /**
   * @throws InvalidInputError The address is none of a WebSocket server, or an option cannot be.
   */
  constructor(url: string | URL = "ws://localhost:8082/ws-events", options: WebSocketBridgeOptions = {}) {
    this.#settings = settingsOf(url, options);
    this.#outbox = new Outbox(this.#settings.most);
    this.#connection = new Connection(this.#settings.address, this.#settings, {
      opened: () => this.#opened(),
      received: (text) => this.#guarded(() => this.#received(text)),
      broken: (why, seconds) => this.#broken(why, seconds),
    });
    const { signal } = this.#settings;
    if (signal?.aborted === true) void this.close();
    signal?.addEventListener("abort", () => void this.close(), { once: true });
  }

  /**
   * Has `handler`, a function or an object with `handle`, called for events of that name or class. What it gives back is
   * published here.
   *
   * @returns What ends it again.
   * @throws InvalidInputError For what is no event class with a name, or no handler; and after `close`.
   */
  subscribe<E = any>(eventType: string, handler: Handle<E> | EventHandler<E>, options?: ListenOptions): () => void;
  subscribe<E extends AnyEvent>(
    eventClass: EventClass<E>,
    handler: Handle<E> | EventHandler<E>,
    options?: ListenOptions,
  ): () => void;
  subscribe(event: unknown, handler: unknown, options: ListenOptions = {}): () => void {
    this.#start("subscribe");
    const end = this.#subscribers.subscribe(event, handler, options);
    const mark = this.#subscribers.marks.at(-1);
    if (mark === undefined || mark.namesToAskFor.length === 0) {
      end();
      const text = `the server is asked for events by name, and ${called(event)} has none: give its class a static eventType`;
      throw invalidInput("semantest.subscribe", text);
    }
    this.#askFor();
    return () => {
      end();
      this.#askFor();
    };
  }

  /**
   * Includes functions marked by `listen`, and objects with methods marked so or of an `EventHandler` class.
   *
   * @throws InvalidInputError One of them is included already, or is none; and after `close`.
   */
  include(...handlers: readonly unknown[]): void {
    this.#start("include");
    this.#subscribers.include(handlers);
    this.#askFor();
  }

  /**
   * Sends an event: an event object, a CloudEvents object, or any form that `fromSemantest` reads. Fulfils when the server
   * says that it has stored it.
   *
   * Rejects with a `TimeoutError` where it does not say so in time, with an `UnavailableError` where too many wait already,
   * with a `CancelledError` where `signal` is aborted or this is closed meanwhile, and with an `InvalidInputError` for what
   * is no event.
   */
  async publish(
    event: AnyEvent | CloudEventObject | object,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Stored> {
    this.#start("publish");
    const cloud = isEvent(event) ? cloudEventOf(stamped(event)) : fromSemantest(event);
    const message = toWsMessage(stampCloudEvent(cloud));
    const text = JSON.stringify(message);
    if (Buffer.byteLength(text) > MOST_BYTES) {
      throw invalidInput("semantest.publish", `an event is at most ${MOST_BYTES} bytes of JSON`);
    }
    const { timeout } = this.#settings;
    const wait = { timeout, signal: options.signal };
    return waiting(async () => {
      const stored = this.#outbox.add(text, message.correlationId, wait, (letter) => this.#send(letter));
      this.#holdBack();
      try {
        return await stored;
      } finally {
        this.#holdBack();
      }
    });
  }

  /**
   * Fulfils when the server is connected and has confirmed what is subscribed. Rejects with a `CancelledError` where this is
   * closed before.
   */
  async ready(): Promise<void> {
    this.#start("ready");
    if (this.#connection.isOpen && this.#unconfirmed === 0) return;
    await new Promise<void>((resolve, reject) => {
      this.#ready.add({ resolve, reject });
      this.#holdBack();
    });
  }

  /** Ends the connection for good. What was not confirmed is given up. Twice is harmless. */
  async close(): Promise<void> {
    this.#closed = true;
    const closed = new CancelledError("the bridge to Semantest was closed", { operation: "semantest.close" });
    this.#outbox.fail(closed);
    for (const { reject } of this.#ready) reject(closed);
    this.#ready.clear();
    this.#arrived.length = 0;
    await this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #start(what: string): void {
    if (this.#closed) {
      throw invalidInput(`semantest.${what}`, "this bridge to Semantest is closed: make another one");
    }
    if (!this.#begun) {
      this.#begun = true;
      this.#subscribers.begin(this);
    }
    if (this.#started) return;
    this.#started = true;
    this.#connection.start();
  }

  #opened(): void {
    this.#unconfirmed = 0;
    this.#askFor();
    this.#outbox.sendAll((text) => this.#send(text));
    this.#settled();
  }

  /** All of it each time: whether the server adds or replaces, it comes to the same. */
  #askFor(): void {
    const names = new Set(this.#subscribers.marks.flatMap((mark) => mark.namesToAskFor));
    if (names.size === 0 || !this.#connection.isOpen) return;
    this.#unconfirmed += 1;
    const { streams } = this.#settings;
    this.#send(JSON.stringify({ type: "subscribe", eventTypes: [...names].sort(), streams }));
  }

  #send(text: string): boolean {
    if (!this.#connection.isOpen) return false;
    this.#connection.send(text);
    return true;
  }

  #received(text: string): void {
    const message = parse(text);
    if (typeof message !== "object" || message === null || Array.isArray(message)) return;
    const { type, correlationId, eventId } = message as Readonly<Record<string, unknown>>;
    if (type === "event" || Object.hasOwn(message, "eventType")) this.#arrive(message);
    else if (type === "subscription_confirmed") {
      this.#unconfirmed = Math.max(0, this.#unconfirmed - 1);
      this.#settled();
    } else if (type === "event_stored") {
      this.#outbox.confirm(correlationId, (letter) => ({
        eventId: typeof eventId === "string" ? eventId : "",
        correlationId: letter.correlationId,
      }));
    } else if (type === "error") {
      const refused = new ProviderError("Semantest's server answered with an error", { operation: "semantest.publish" });
      // Without a correlation nobody knows what it is about.
      if (typeof correlationId === "string") this.#outbox.confirm(correlationId, () => refused);
      else this.#settings.onError(refused);
    }
  }

  #arrive(message: object): void {
    const { most, source } = this.#settings;
    const room = this.#connection.canPause ? most + AHEAD : most;
    if (this.#arrived.length >= room) {
      const text = `${room} events of Semantest wait for handlers: one that came was left out`;
      throw new UnavailableError(text, { operation: "semantest.receive", retry: "later" });
    }
    const event = fromCloudEvent(fromSemantest(message, { source }));
    if (!this.#subscribers.marks.some((mark) => mark.wants(event))) return;
    this.#arrived.push(event);
    this.#holdBack();
    void this.#handle();
  }

  /**
   * Has the server wait where too much has come: but never while a handler may wait for what the server says, which would
   * be held back with the rest.
   */
  #holdBack(): void {
    const { most } = this.#settings;
    const { length } = this.#arrived;
    if (this.#outbox.isWaitedFor || this.#ready.size > 0 || length <= most / 2) this.#connection.pause(false);
    else if (length >= most) this.#connection.pause(true);
  }

  async #handle(): Promise<void> {
    if (this.#handling) return;
    this.#handling = true;
    for (let event = this.#arrived.shift(); event !== undefined; event = this.#arrived.shift()) {
      this.#holdBack();
      const [first, ...others] = await this.#subscribers.deliver(event);
      if (first !== undefined) this.#settings.onError(handlerFailed(event, [first, ...others]));
    }
    this.#handling = false;
  }

  #broken(why: string, seconds: number): void {
    const text = `the connection to Semantest at ${this.#settings.shown} broke, and is made again: ${why}`;
    const context = { url: this.#settings.shown, again_in_s: String(seconds) };
    this.#settings.onError(new UnavailableError(text, { operation: "semantest.connect", retry: "later", context }));
  }

  #settled(): void {
    if (this.#unconfirmed > 0) return;
    for (const { resolve } of this.#ready) resolve();
    this.#ready.clear();
    this.#holdBack();
  }

  /** What a server sends must not end the process. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#settings.onError(error instanceof Error ? error : new Error("what the server sent cannot be read"));
    }
  }
}
