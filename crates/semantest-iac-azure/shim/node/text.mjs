// Small things of HTTP: percent signs, dates, ids, headers.
import { randomBytes } from "node:crypto";

// Percent-decoded; what is no UTF-8 is replaced, what is no percent code stays.
export function decode(text) {
  if (!text.includes("%")) return text;
  const bytes = [];
  const source = Buffer.from(text);
  for (let at = 0; at < source.length; at += 1) {
    const code = source[at] === 37 ? /^[0-9a-fA-F]{2}$/.exec(source.toString("latin1", at + 1, at + 3)) : null;
    bytes.push(code ? parseInt(code[0], 16) : source[at]);
    if (code) at += 2;
  }
  return Buffer.from(bytes).toString("utf8");
}

// [name, value] of each parameter, decoded.
export function parameters(query) {
  const plain = (text) => decode(text.replaceAll("+", " "));
  const pairs = query.split("&").filter(Boolean);
  return pairs.map((pair) => {
    const equals = pair.indexOf("=");
    return equals < 0 ? [plain(pair), ""] : [plain(pair.slice(0, equals)), plain(pair.slice(equals + 1))];
  });
}

// An object whose keys stand in the order of their bytes.
export function sorted(entries) {
  const order = ([one], [other]) => Buffer.compare(Buffer.from(one), Buffer.from(other));
  return Object.fromEntries([...entries].sort(order));
}

// Id of a request, a message or a connection, in the alphabet of URLs.
export const gatewayId = () => `${randomBytes(11).toString("base64url")}=`;

export function traceId() {
  const id = randomBytes(16).toString("hex");
  return `Root=1-${id.slice(0, 8)}-${id.slice(8)}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

// `24/Nov/2026:09:14:09 +0000`.
export function commonLogTime(time) {
  const two = (number) => String(number).padStart(2, "0");
  const day = `${two(time.getUTCDate())}/${MONTHS[time.getUTCMonth()]}/${time.getUTCFullYear()}`;
  return `${day}:${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} +0000`;
}

// The first value of a header; names are in lower case.
export const header = (request, name) => request.headers.find(([key]) => key === name)?.[1];

export const json = (status, body, headers = []) => ({
  status,
  headers: [["content-type", "application/json"], ...headers],
  body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
});

export const empty = (status, headers = []) => ({ status, headers, body: Buffer.alloc(0) });
