// A WebSocket API: Web PubSub holds the connections and asks us about each event (CloudEvents over HTTP).
import { isUtf8 } from "node:buffer";
import { stageVariables } from "./http_event.mjs";
import { statusCode } from "./http_response.mjs";
import { isSignedBy } from "./signed_request.mjs";
import { decode, empty, header, json } from "./text.mjs";
import { Connections, credentials, isSigned, negotiate, settings } from "./web_pubsub.mjs";
import * as events from "./websocket_event.mjs";

const UPSTREAM = "/_semantest/web-pubsub";
// Largest message, in bytes (API Gateway quotas).
const MESSAGE_LIMIT = 128 * 1024;
// The gateway waits no longer for a function; the function goes on (API Gateway quotas: integration timeout).
const INTEGRATION_MS = 29_000;

const FAILED = { status: 500, message: "Internal server error" };
const TIMED_OUT = { status: 504, message: "Endpoint request timed out" };
const forbidden = (headers) => json(403, { message: "Forbidden" }, headers);
const gone = () => json(410, { message: "Gone" }, [["x-amzn-errortype", "GoneException"]]);

export class WebsocketApi {
  constructor(api, runtime, environment) {
    Object.assign(this, { api, runtime, environment, web: settings(environment) });
    this.connections = new Connections(this.web);
  }

  async answer(request, log) {
    const path = request.path.replace(/\/+$/, "");
    if (path === UPSTREAM) return this.#upstream(request, log);
    if (path === "/negotiate" && ["GET", "POST"].includes(request.method)) return this.#negotiate();
    const inside = decode(request.path).replace(/^\/+/, "");
    const stage = `${this.api.stage}/`;
    const [, id] = /^@connections\/(.+)$/.exec(inside.startsWith(stage) ? inside.slice(stage.length) : inside) ?? [];
    return id === undefined ? forbidden() : this.#manage(id, request);
  }

  #negotiate() {
    if (!this.web.endpoint || !this.web.key) return json(503, { message: "Service Unavailable" });
    return json(200, negotiate(this.web), [["cache-control", "no-store"]]);
  }

  // One event, or the question whether we take any (abuse protection of CloudEvents' webhooks).
  async #upstream(request, log) {
    if (!this.web.endpoint || !this.web.key) return json(503, { message: "Service Unavailable" });
    const origin = header(request, "webhook-request-origin");
    if (request.method === "OPTIONS") {
      return origin ? empty(200, [["webhook-allowed-origin", new URL(this.web.endpoint).host]]) : empty(400);
    }
    if (request.method !== "POST") return json(405, { message: "Method Not Allowed" });
    const id = header(request, "ce-connectionid");
    if (!isSigned(header(request, "ce-signature"), id, this.web.key)) return json(401, { message: "Unauthorized" });
    if (header(request, "ce-hub")?.toLowerCase() !== this.web.hub.toLowerCase()) return json(404, { message: "Not Found" });
    const type = header(request, "ce-type") ?? "";
    if (type === "azure.webpubsub.sys.connect") return this.#connect(id, request, log);
    if (type === "azure.webpubsub.sys.disconnected") return this.#disconnected(id, request, log);
    if (type.startsWith("azure.webpubsub.user.")) return this.#message(id, request, log);
    return empty(204);
  }

  // The function of `route`, called with `event`: what it returned, or why there is nothing.
  async #invoke(route, event, log) {
    const options = { log, milliseconds: INTEGRATION_MS };
    const text = JSON.stringify({ ...event, ...stageVariables(this.api) });
    const answer = await this.runtime.invoke(route.function, text, options);
    if (!answer) return { none: TIMED_OUT };
    if (answer.errorType) return { none: FAILED };
    try {
      return { requestId: answer.requestId, value: JSON.parse(answer.payload.toString("utf8")) };
    } catch {
      return { none: FAILED };
    }
  }

  #route(key) {
    return this.api.routes.find((route) => route.route_key === key);
  }

  // The handshake: `$connect` decides before the connection is made. What is known of the client is kept with the
  // connection (its state), and comes back with every event.
  async #connect(id, request, log) {
    const told = parse(request.body);
    const connection = { id, connectedAt: Date.now(), ...client(told, request) };
    let chosen;
    const route = this.#route("$connect");
    if (route) {
      const context = events.context(this.api, connection, "$connect", "CONNECT");
      const answer = await this.#invoke(route, events.connect(told, connection, context), log);
      if (answer.none) return json(answer.none.status, { message: answer.none.message });
      const [refused, protocol] = this.#verdict(route, answer, log);
      if (refused) return refused;
      chosen = protocol;
    }
    const { id: _, ...state } = connection;
    const kept = [["ce-connectionstate", Buffer.from(JSON.stringify(state)).toString("base64")]];
    // Web PubSub keeps no connection of nobody.
    return json(200, { userId: header(request, "ce-userid") || id, ...(chosen && { subprotocol: chosen }) }, kept);
  }

  // Anything but a success refuses the connection.
  #verdict(route, { requestId, value }, log) {
    try {
      const status = value?.statusCode === undefined ? 200 : statusCode(value.statusCode);
      if (status === 403) return [forbidden()];
      if (status >= 300) return [json(status, "{}")];
    } catch (wrong) {
      this.runtime.log(route.function, requestId, `[ERROR] ${wrong.message}`, log);
      return [json(502, "{}")];
    }
    const named = Object.entries(value?.headers ?? {}).find(([name]) => name.toLowerCase() === "sec-websocket-protocol");
    return [undefined, typeof named?.[1] === "string" ? named[1] : undefined];
  }

  async #message(id, request, log) {
    const connection = known(id, request);
    const route = events.routeOf(this.api.routes, request.body);
    const context = events.context(this.api, connection, route?.route_key ?? "$default", "MESSAGE");
    const binary = (header(request, "content-type") ?? "").startsWith("application/octet-stream") || !isUtf8(request.body);
    let trouble = route ? undefined : "Forbidden";
    if (route) {
      const answer = await this.#invoke(route, events.message(context, request.body, binary), log);
      trouble = answer.none?.message;
    }
    // What the function returns goes nowhere: there is no route response. A status of failure would end the connection.
    if (!trouble) return empty(204);
    const text = JSON.stringify({ message: trouble, connectionId: id, requestId: context.requestId });
    return { status: 200, headers: [["content-type", "text/plain"]], body: Buffer.from(text) };
  }

  async #disconnected(id, request, log) {
    const route = this.#route("$disconnect");
    if (!route) return empty(204);
    const connection = known(id, request);
    const context = events.context(this.api, connection, "$disconnect", "DISCONNECT");
    // Web PubSub tells no status.
    const reason = String(parse(request.body)?.reason ?? "");
    await this.#invoke(route, events.disconnect(context, connection, reason ? 1006 : 1005, reason), log);
    return empty(204);
  }

  // `@connections/{id}`: POST sends, GET describes, DELETE closes.
  async #manage(id, request) {
    const own = { ...credentials(this.environment) };
    const secrets = new Map([[own.AWS_ACCESS_KEY_ID, this.web.key ? own.AWS_SECRET_ACCESS_KEY : undefined]]);
    const { AWS_ACCESS_KEY_ID: user, AWS_SECRET_ACCESS_KEY: secret } = this.environment;
    if (user && secret) secrets.set(user, secret);
    if (!isSignedBy(request, secrets)) return forbidden([["x-amzn-errortype", "ForbiddenException"]]);
    if (request.method === "POST") {
      if (request.body.length > MESSAGE_LIMIT) {
        return json(413, { message: "Message too long" }, [["x-amzn-errortype", "PayloadTooLargeException"]]);
      }
      return (await this.connections.send(id, request.body, isUtf8(request.body))) ? empty(200) : gone();
    }
    // Web PubSub tells whether a connection is there, and no more.
    if (request.method === "GET") return (await this.connections.exists(id)) ? json(200, "{}") : gone();
    if (request.method === "DELETE") return (await this.connections.close(id)) ? empty(204) : gone();
    return json(405, { message: "Method Not Allowed" });
  }
}

function parse(body) {
  try {
    return JSON.parse(body.toString("utf8")) ?? {};
  } catch {
    return {};
  }
}

function client(told, request) {
  const values = Object.entries(told.headers ?? {});
  const last = (wanted) => [values.find(([name]) => name.toLowerCase() === wanted)?.[1] ?? ""].flat().map(String).at(-1) ?? "";
  const hop = last("x-forwarded-for").split(",").at(-1).trim();
  return { domainName: header(request, "host") ?? "", sourceIp: hop, userAgent: last("user-agent") };
}

// What was kept when the connection was made.
function known(id, request) {
  const state = parse(Buffer.from(header(request, "ce-connectionstate") ?? "", "base64"));
  const { connectedAt = Date.now(), domainName = header(request, "host") ?? "", sourceIp = "", userAgent = "" } = state;
  return { id, connectedAt, domainName, sourceIp, userAgent };
}
