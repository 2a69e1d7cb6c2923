// What a function answers, as an HTTP response.
import { isUtf8 } from "node:buffer";
import { json } from "./text.mjs";

// Headers that belong to the connection, not to the answer.
const NOT_THE_FUNCTIONS = new Set(["content-length", "connection", "transfer-encoding", "keep-alive"]);
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NOT_IN_VALUES = /[\0-\x08\x0a-\x1f\x7f]/;

export const internalError = () => json(500, { message: "Internal Server Error" });

// The response for what a handler returned; throws what is wrong with it, in words for the function's log.
export function httpResponse(payload) {
  const value = parse(payload);
  if (value !== null && typeof value === "object" && !Array.isArray(value) && "statusCode" in value) return explicit(value);
  // Anything else is the body of a success.
  return json(200, typeof value === "string" ? value : payload.toString("utf8"));
}

function parse(payload) {
  try {
    if (!isUtf8(payload)) throw new Error("invalid UTF-8");
    return JSON.parse(payload.toString("utf8"));
  } catch (error) {
    throw new Error(`the response is not JSON: ${error.message}`);
  }
}

function explicit(value) {
  const status = statusCode(value.statusCode);
  const body = bodyOf(value);
  const headers = new Map();
  if (isObject(value.headers)) {
    for (const [name, text] of Object.entries(value.headers)) {
      const key = name.toLowerCase();
      if (NOT_THE_FUNCTIONS.has(key)) continue;
      if (!NAME.test(name)) throw new Error(`${JSON.stringify(name)} cannot be the name of a header`);
      headers.set(key, headerValue(name, text));
    }
  }
  const all = [...headers];
  if (Array.isArray(value.cookies)) all.push(...value.cookies.map((cookie) => ["set-cookie", headerValue("set-cookie", cookie)]));
  if (!headers.has("content-type") && status !== 204 && status !== 304) all.push(["content-type", "text/plain;charset=UTF-8"]);
  return { status, headers: all, body };
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

// A final status: one below 200 announces another answer, and none would come.
export function statusCode(value) {
  const text = typeof value === "string" ? value.trim() : undefined;
  const number = text === undefined ? value : /^\+?\d+$/.test(text) ? Number(text) : undefined;
  if (Number.isInteger(number) && number >= 200 && number <= 999) return number;
  throw new Error(`the response's statusCode is ${JSON.stringify(value)}: it must be a number from 200 to 999`);
}

function bodyOf({ body, isBase64Encoded }) {
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (typeof body !== "string") return Buffer.from(JSON.stringify(body));
  if (isBase64Encoded !== true) return Buffer.from(body);
  const bare = body.replace(/={0,2}$/, "");
  const left = bare.length % 4;
  const decoded = Buffer.from(bare, "base64");
  // Bits beyond the last byte must be 0: what is decoded is what was encoded.
  if (!/^[A-Za-z0-9+/]*$/.test(bare) || left === 1 || decoded.toString("base64").replace(/=+$/, "") !== bare) {
    throw new Error("the response's body is not Base64");
  }
  return decoded;
}

function headerValue(name, value) {
  const text = typeof value === "string" ? value : value === null ? "" : JSON.stringify(value);
  if (NOT_IN_VALUES.test(text)) throw new Error(`the value of header \`${name}\` holds what a header cannot: ${JSON.stringify(text)}`);
  return text;
}
