// Whether a call of `@connections` is from one of this app's functions: AWS's clients sign it (Signature Version 4).
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { parameters } from "./text.mjs";

const PATTERN = /^AWS4-HMAC-SHA256 +Credential=([^/,]+)\/(\d{8})\/([^/,]+)\/([^/,]+)\/aws4_request, *SignedHeaders=([^,]+), *Signature=([0-9a-f]{64})$/;
// A signature is good for this long, in milliseconds.
const LIFE = 15 * 60 * 1000;

const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
const sha256 = (data) => createHash("sha256").update(data).digest("hex");
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();

// `secrets`: a Map of access key id to secret. The id comes from the request: an object would also find what all objects have.
export function isSignedBy(request, secrets, now = Date.now()) {
  const values = (name) => request.headers.filter(([key]) => key === name).map(([, value]) => value.trim().replace(/ +/g, " "));
  const found = PATTERN.exec(values("authorization")[0] ?? "");
  const secret = found ? secrets.get(found[1]) : undefined;
  const date = values("x-amz-date")[0] ?? "";
  const time = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
  if (!secret || !time || !date.startsWith(found[2])) return false;
  const at = Date.UTC(time[1], time[2] - 1, time[3], time[4], time[5], time[6]);
  if (Math.abs(now - at) > LIFE) return false;
  const [, , day, region, service, names, signature] = found;
  const signed = names.split(";");
  if (!signed.includes("host")) return false;
  const canonical = [
    request.method,
    request.path.split("/").map(encode).join("/"),
    parameters(request.query).map(([name, value]) => `${encode(name)}=${encode(value)}`).sort().join("&"),
    ...signed.map((name) => `${name}:${values(name).join(",")}`),
    "",
    names,
    sha256(request.body),
  ].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const key = [region, service, "aws4_request"].reduce(hmac, hmac(`AWS4${secret}`, day));
  const wanted = hmac(key, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}`);
  return timingSafeEqual(wanted, Buffer.from(signature, "hex"));
}
