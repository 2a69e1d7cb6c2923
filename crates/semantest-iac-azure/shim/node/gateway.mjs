// What stands in front of the functions: an HTTP API, or a WebSocket API over Web PubSub, as API Gateway does it.
//
// A request is {method, path, query, headers, body, peer?, secure?}: path percent-encoded, headers a list of
// [lower-case name, value], body a Buffer. A response is {status, headers, body}.
import { withCors } from "./cors.mjs";
import { httpEvent } from "./http_event.mjs";
import { httpResponse, internalError } from "./http_response.mjs";
import { Runtime } from "./pool.mjs";
import { received } from "./platform.mjs";
import { best } from "./routes.mjs";
import { decode, header, json } from "./text.mjs";
import { MAX_PAYLOAD } from "./worker.mjs";
import { WebsocketApi } from "./websocket_api.mjs";
import { credentials } from "./web_pubsub.mjs";

export const INVOKE = "/_semantest/invoke/";
// Largest request body, in bytes (API Gateway quotas).
const BODY_LIMIT = 10 * 1024 * 1024;
// The gateway answers by then; the function goes on (API Gateway quotas: integration timeout).
const INTEGRATION_MS = 30_000;

const ACCOUNT = "000000000000";
const unavailable = () => json(503, { message: "Service Unavailable" });
const notFound = () => json(404, { message: "Not Found" });
const tooLarge = () => json(413, { message: "Request Entity Too Large" });

export class Gateway {
  constructor(definition, environment = process.env) {
    this.definition = definition;
    this.environment = environment;
    this.runtime = new Runtime(definition, environment, credentials(environment));
    const about = { account_id: ACCOUNT, api_id: environment.WEBSITE_SITE_NAME ?? "local" };
    this.api = { ...definition, ...about };
    this.websocket = definition.protocol === "websocket" ? new WebsocketApi(this.api, this.runtime, environment) : undefined;
  }

  // Whatever comes in; `log` takes the lines that functions print.
  async answer(raw, log) {
    const request = received(raw, this.environment);
    try {
      if (this.websocket) return await this.websocket.answer(request, log);
      return withCors(this.definition.cors, request, await this.#http(request, log));
    } catch (error) {
      console.error(`[ERROR] semantest: ${error?.stack ?? error}`);
      return internalError();
    }
  }

  async #http(request, log) {
    const matched = best(this.definition.routes, request.method, request.path);
    if (!matched) return notFound();
    if (request.body.length > BODY_LIMIT) return tooLarge();
    const event = JSON.stringify(httpEvent(this.api, request, matched));
    if (Buffer.byteLength(event) > MAX_PAYLOAD) return tooLarge();
    const role = matched.route.function;
    const traceId = header(request, "x-amzn-trace-id");
    const answer = await this.runtime.invoke(role, event, { traceId, log, milliseconds: INTEGRATION_MS });
    if (!answer) return unavailable();
    // What went wrong stands in the function's log, never in the answer.
    if (answer.errorType) return internalError();
    try {
      return httpResponse(answer.payload);
    } catch (wrong) {
      this.runtime.log(role, answer.requestId, `[ERROR] ${wrong.message}`, log);
      return internalError();
    }
  }

  // A direct call, of those who have the function's key: the host has looked at it.
  async invoke(role, raw, log) {
    if (!this.runtime.has(role)) return notFound();
    if (raw.body.length > MAX_PAYLOAD) return tooLarge();
    const text = raw.body.length ? raw.body.toString("utf8") : "{}";
    try {
      JSON.parse(text);
    } catch (error) {
      return json(400, { message: `Could not parse request body into json: ${error.message}` });
    }
    const answer = await this.runtime.invoke(role, text, { log });
    const headers = [["x-semantest-request-id", answer.requestId], ["x-semantest-duration-ms", String(answer.duration)]];
    if (answer.errorType) headers.push(["x-semantest-function-error", answer.errorType.replace(/[^\x20-\x7e]/g, "?")]);
    return { ...json(200, "", headers), body: answer.payload };
  }

  // The role that a request for a direct call names.
  invoked(request) {
    const role = request.method === "POST" && request.path.startsWith(INVOKE) ? decode(request.path.slice(INVOKE.length)) : undefined;
    return role !== undefined && this.runtime.has(role) ? role : undefined;
  }
}
