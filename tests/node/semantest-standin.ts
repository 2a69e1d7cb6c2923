/** A server that does what Semantest's WebSocket server is documented to do. */

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

import { type WebSocket, WebSocketServer } from "ws";

/** What it keeps of an event. */
export interface KeptEvent {
  readonly eventId: string;
  readonly aggregateId: string;
  readonly eventType: string;
  readonly eventVersion: number;
  readonly payload: unknown;
  readonly metadata: Record<string, unknown>;
}

/** A line of its store. */
export interface KeptLine {
  readonly event: KeptEvent;
  readonly streamPosition: number;
  readonly globalPosition: number;
  readonly committedAt: string;
}

interface Client {
  readonly socket: WebSocket;
  eventTypes: readonly string[];
}

/** The server, on a free port of the loopback interface. */
export class SemantestServer {
  /** All that was stored. */
  readonly store: KeptLine[] = [];
  /** All messages that came in, of all connections. */
  readonly received: Record<string, unknown>[] = [];
  /** Whether it says that it has stored something. */
  confirms = true;
  /** Whether it tells subscribers of each event twice. */
  stutters = false;
  /** Whether it reads the correlation where older servers do. */
  old = false;
  /** How many connections were made. */
  connections = 0;
  readonly #clients = new Set<Client>();
  readonly #http: Server = createServer();
  #sockets: WebSocketServer | undefined;
  #port = 0;

  /** A server that runs until the test ends. */
  static async run(t: TestContext): Promise<SemantestServer> {
    const server = new SemantestServer();
    await server.start();
    t.after(() => server.stop());
    return server;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}/ws-events`;
  }

  /** Begins to take connections; on the same port as before, if it ran. */
  async start(): Promise<void> {
    this.#sockets = new WebSocketServer({ noServer: true });
    this.#http.removeAllListeners("upgrade");
    this.#http.on("upgrade", (request, socket, head) => {
      if (request.url !== "/ws-events") return void socket.destroy();
      this.#sockets?.handleUpgrade(request, socket, head, (made) => this.#welcome(made));
    });
    this.#http.listen(this.#port, "127.0.0.1");
    await once(this.#http, "listening");
    this.#port = (this.#http.address() as AddressInfo).port;
  }

  /** Ends all connections without a word, and takes no other. */
  async stop(): Promise<void> {
    this.breakAll();
    if (!this.#http.listening) return;
    this.#http.close();
    this.#http.closeAllConnections();
    await once(this.#http, "close");
  }

  /** Ends all connections without a word. */
  breakAll(): void {
    for (const { socket } of this.#clients) socket.terminate();
    this.#clients.clear();
  }

  /** From now on nothing is read from the connections that there are, and nothing answered: as if a cable were cut. */
  freeze(): void {
    for (const { socket } of this.#clients) socket.pause();
  }

  /** Sends text to everybody, whatever it is. */
  say(text: string): void {
    for (const { socket } of this.#clients) socket.send(text);
  }

  /** Stores an event of another client's, and tells of it. */
  put(message: Record<string, unknown>): KeptLine {
    const line = this.#keep(message);
    this.#tell(line);
    return line;
  }

  #welcome(socket: WebSocket): void {
    this.connections += 1;
    const client: Client = { socket, eventTypes: [] };
    this.#clients.add(client);
    socket.on("close", () => this.#clients.delete(client));
    socket.on("error", () => undefined);
    socket.on("message", (data) => this.#take(client, String(data)));
    send(socket, { type: "welcome", clientId: `client_${this.connections}`, timestamp: new Date().toISOString() });
  }

  #take(client: Client, text: string): void {
    const message = JSON.parse(text) as Record<string, unknown>;
    this.received.push(message);
    if (message["type"] === "subscribe") {
      client.eventTypes = message["eventTypes"] as readonly string[];
      send(client.socket, { type: "subscription_confirmed", eventTypes: client.eventTypes, streams: message["streams"] });
    } else if (typeof message["eventType"] === "string") {
      const { event } = this.put(message);
      const { eventId, metadata } = event;
      if (this.confirms) send(client.socket, { type: "event_stored", eventId, correlationId: metadata["correlationId"] });
    } else {
      send(client.socket, { type: "error", message: "unknown message" });
    }
  }

  /** It discards id, time and version, and reads the correlation in one place only. */
  #keep(message: Record<string, unknown>): KeptLine {
    const metadata = (message["metadata"] ?? {}) as Record<string, unknown>;
    const unique = `${Date.now()}_${Math.random().toString(36).slice(2, 11)}`;
    const aggregateId = String(message["aggregateId"] ?? "none");
    const streamPosition = this.store.filter(({ event }) => event.aggregateId === aggregateId).length;
    const correlationId = (this.old ? metadata["correlationId"] : message["correlationId"]) ?? `corr_${unique}`;
    const timestamp = new Date().toISOString();
    const line: KeptLine = {
      event: {
        eventId: `evt_${unique}`,
        aggregateId,
        eventType: String(message["eventType"]),
        eventVersion: 1,
        payload: message["payload"] ?? {},
        metadata: {
          ...metadata,
          correlationId,
          causationId: metadata["causationId"] ?? null,
          timestamp,
          sequenceNumber: streamPosition,
        },
      },
      streamPosition,
      globalPosition: this.store.length,
      committedAt: timestamp,
    };
    this.store.push(line);
    return line;
  }

  #tell(envelope: KeptLine): void {
    for (const { socket, eventTypes } of this.#clients) {
      if (!eventTypes.includes(envelope.event.eventType)) continue;
      for (let times = this.stutters ? 2 : 1; times > 0; times -= 1) send(socket, { type: "event", envelope });
    }
  }
}

function send(socket: WebSocket, message: object): void {
  socket.send(JSON.stringify(message));
}
