// Web PubSub: who may call us, how clients get to it, and what `@connections` becomes there.
//
// Source: Azure Web PubSub documentation, "CloudEvents extension", "Data plane REST API" (2024-01-01).
import { createHmac, timingSafeEqual } from "node:crypto";

const VERSION = "2024-01-01";
// A client may connect with a token for this long, in seconds.
const CLIENT_TOKEN_S = 3600;
const SERVICE_TOKEN_S = 300;

export function settings(environment) {
  const text = environment.SEMANTEST_WEB_PUBSUB_CONNECTION_STRING ?? "";
  const parts = Object.fromEntries(text.split(";").filter(Boolean).map((part) => {
    const equals = part.indexOf("=");
    return [part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim()];
  }));
  const endpoint = parts.endpoint ? `${parts.endpoint.replace(/\/+$/, "")}${parts.port ? `:${parts.port}` : ""}` : undefined;
  return { endpoint, key: parts.accesskey, hub: environment.SEMANTEST_WEB_PUBSUB_HUB ?? "semantest" };
}

// What functions sign calls of `@connections` with, where their user gives them nothing else.
export function credentials(environment) {
  const { key } = settings(environment);
  const secret = key ? createHmac("sha256", key).update("semantest @connections").digest("hex") : "azure";
  return { AWS_ACCESS_KEY_ID: "semantest", AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: "semantest" };
}

const hmac = (key, text, encoding) => createHmac("sha256", key).update(text).digest(encoding);

// Whether Web PubSub has signed an event of this connection, with the key that we know or the other one.
export function isSigned(signature, connectionId, key) {
  if (!key || !connectionId) return false;
  const wanted = Buffer.from(`sha256=${hmac(key, connectionId, "hex")}`);
  return (signature ?? "").split(",").some((one) => {
    const given = Buffer.from(one.trim().toLowerCase());
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}

function token(audience, key, seconds) {
  const now = Math.floor(Date.now() / 1000);
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ aud: audience, iat: now, exp: now + seconds })}`;
  return `${text}.${hmac(key, text, "base64url")}`;
}

// Where a client connects, and with which token.
export function negotiate({ endpoint, key, hub }) {
  const audience = `${endpoint}/client/hubs/${hub}`;
  const accessToken = token(audience, key, CLIENT_TOKEN_S);
  const baseUrl = audience.replace(/^http/, "ws");
  return { url: `${baseUrl}?access_token=${accessToken}`, baseUrl, accessToken };
}

// Calls about one connection.
export class Connections {
  constructor(web) {
    this.web = web;
  }

  async #call(method, id, tail = "", query = "", body = undefined, type = undefined) {
    const { endpoint, key, hub } = this.web;
    const url = `${endpoint}/api/hubs/${encodeURIComponent(hub)}/connections/${encodeURIComponent(id)}${tail}`;
    const headers = { authorization: `Bearer ${token(url, key, SERVICE_TOKEN_S)}`, ...(type && { "content-type": type }) };
    const answer = await fetch(`${url}?api-version=${VERSION}${query}`, { method, headers, body, redirect: "error" });
    await answer.arrayBuffer();
    if (answer.ok || answer.status === 404) return answer.ok;
    throw new Error(`Web PubSub has answered ${method} of a connection with status ${answer.status}`);
  }

  exists = (id) => this.#call("HEAD", id);

  // Whether it was there to send to.
  async send(id, body, text) {
    if (!(await this.exists(id))) return false;
    return this.#call("POST", id, "/:send", "", body, text ? "text/plain" : "application/octet-stream");
  }

  async close(id) {
    if (!(await this.exists(id))) return false;
    await this.#call("DELETE", id, "", `&reason=${encodeURIComponent("Connection Closed Normally")}`);
    return true;
  }
}
