"use strict";
// AWS's runtimes bring AWS's clients, and handlers count on the one that sends to WebSocket connections. This is as much of
// it as that takes; a package that brings the client itself gets its own.
const { createHash, createHmac } = require("node:crypto");

const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
const sha256 = (data) => createHash("sha256").update(data).digest("hex");
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();

class ApiGatewayManagementApiServiceException extends Error {
  constructor(name, message, status) {
    super(message);
    this.name = name;
    this.$fault = status < 500 ? "client" : "server";
    this.$metadata = { httpStatusCode: status };
  }
}
class GoneException extends ApiGatewayManagementApiServiceException {}
class ForbiddenException extends ApiGatewayManagementApiServiceException {}
class PayloadTooLargeException extends ApiGatewayManagementApiServiceException {}
class LimitExceededException extends ApiGatewayManagementApiServiceException {}
const KNOWN = { GoneException, ForbiddenException, PayloadTooLargeException, LimitExceededException };

class PostToConnectionCommand {
  method = "POST";
  constructor(input) {
    this.input = input;
  }
}
class GetConnectionCommand {
  method = "GET";
  constructor(input) {
    this.input = input;
  }
}
class DeleteConnectionCommand {
  method = "DELETE";
  constructor(input) {
    this.input = input;
  }
}

// Signature Version 4.
function signed(method, url, body, region, credentials) {
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const headers = { host: url.host, "x-amz-date": date };
  if (credentials.sessionToken) headers["x-amz-security-token"] = credentials.sessionToken;
  const names = Object.keys(headers).sort();
  const path = url.pathname.split("/").map(encode).join("/");
  const told = names.map((name) => `${name}:${headers[name]}`);
  const canonical = [method, path, "", ...told, "", names.join(";"), sha256(body)].join("\n");
  const scope = [date.slice(0, 8), region, "execute-api", "aws4_request"];
  const key = scope.reduce(hmac, `AWS4${credentials.secretAccessKey}`);
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${date}\n${scope.join("/")}\n${sha256(canonical)}`).toString("hex");
  const credential = `${credentials.accessKeyId}/${scope.join("/")}`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  const { host, ...sent } = headers;
  return { ...sent, authorization };
}

class ApiGatewayManagementApiClient {
  constructor(config = {}) {
    this.config = config;
  }

  async send(command) {
    const { endpoint, region = process.env.AWS_REGION, credentials } = this.config;
    if (!endpoint) throw new Error("ApiGatewayManagementApiClient needs an `endpoint`: https://{domainName}/{stage}");
    const { ConnectionId: id, Data: data = "" } = command.input ?? {};
    const url = new URL(`${String(endpoint.href ?? endpoint).replace(/\/+$/, "")}/@connections/${encode(String(id))}`);
    const body = command.method === "POST" ? Buffer.from(data) : Buffer.alloc(0);
    const own = { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY, sessionToken: process.env.AWS_SESSION_TOKEN };
    const given = typeof credentials === "function" ? await credentials() : credentials;
    const headers = signed(command.method, url, body, region, given ?? own);
    const answer = await fetch(url, { method: command.method, headers, body: command.method === "POST" ? body : undefined });
    const text = await answer.text();
    const $metadata = { httpStatusCode: answer.status };
    if (answer.ok) return command.method === "GET" ? { ...described(text), $metadata } : { $metadata };
    const name = answer.headers.get("x-amzn-errortype")?.split(":")[0] ?? "UnknownError";
    const kind = KNOWN[name] ?? ApiGatewayManagementApiServiceException;
    throw new kind(name, read(text).message ?? name, answer.status);
  }

  destroy() {}
}

function described(text) {
  const { connectedAt, identity, lastActiveAt } = read(text);
  const date = (value) => (value ? new Date(value) : undefined);
  return { ConnectedAt: date(connectedAt), Identity: identity && { SourceIp: identity.sourceIp, UserAgent: identity.userAgent }, LastActiveAt: date(lastActiveAt) };
}

function read(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

class ApiGatewayManagementApi extends ApiGatewayManagementApiClient {
  postToConnection = (input) => this.send(new PostToConnectionCommand(input));
  getConnection = (input) => this.send(new GetConnectionCommand(input));
  deleteConnection = (input) => this.send(new DeleteConnectionCommand(input));
}

exports.ApiGatewayManagementApi = ApiGatewayManagementApi;
exports.ApiGatewayManagementApiClient = ApiGatewayManagementApiClient;
exports.ApiGatewayManagementApiServiceException = ApiGatewayManagementApiServiceException;
exports.PostToConnectionCommand = PostToConnectionCommand;
exports.GetConnectionCommand = GetConnectionCommand;
exports.DeleteConnectionCommand = DeleteConnectionCommand;
exports.GoneException = GoneException;
exports.ForbiddenException = ForbiddenException;
exports.PayloadTooLargeException = PayloadTooLargeException;
exports.LimitExceededException = LimitExceededException;
