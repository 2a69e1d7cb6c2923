/** Ids that are the same for the same event, so that a repetition is seen to be one. */

import { createHash } from "node:crypto";

// RFC 9562, section 6.6: the name space of URLs.
const OF_URLS = Buffer.from("6ba7b8119dad11d180b400c04fd430c8", "hex");

/** A UUID version 5 of `parts` (RFC 9562, section 5.5): the same as the Python package makes of them. @internal */
export function derivedId(...parts: readonly string[]): string {
  const name = ["urn:semantest-iac:pythoneda", ...parts].join("\0");
  const bits = createHash("sha1").update(OF_URLS).update(name, "utf8").digest().subarray(0, 16);
  bits.writeUInt8((bits.readUInt8(6) & 0x0f) | 0x50, 6);
  bits.writeUInt8((bits.readUInt8(8) & 0x3f) | 0x80, 8);
  return bits.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
