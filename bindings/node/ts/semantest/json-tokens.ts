/** What `JSON.parse` lets pass: names given twice, numbers that lose digits, any depth. */

import { invalidInput, quoted } from "./refusal.js";

const READ = "event.read";
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[{}[\]:]/gs;
const WHOLE = /^-?\d+$/;

/**
 * Judges text that is JSON, token by token.
 *
 * @throws InvalidInputError What it says cannot be known, or it is more than `deepest` levels deep.
 *
 * @internal
 */
export function checkTokens(json: string, deepest: number): void {
  const names: (Set<string> | null)[] = [];
  let last = "";
  for (const [token] of json.matchAll(TOKEN)) {
    if (token === "{" || token === "[") {
      names.push(token === "{" ? new Set() : null);
      if (names.length > deepest + 1) throw invalidInput(READ, `this is more than ${deepest} levels deep`);
    } else if (token === "}" || token === "]") {
      names.pop();
    } else if (token === ":") {
      remember(names.at(-1), JSON.parse(last) as string);
    } else if (WHOLE.test(token) && !Number.isSafeInteger(Number(token))) {
      throw invalidInput(READ, "this has a number that JavaScript would lose digits of: write it as text");
    } else if (!Number.isFinite(token.startsWith('"') ? 0 : Number(token))) {
      throw invalidInput(READ, "this has a number out of range");
    }
    last = token;
  }
}

function remember(names: Set<string> | null | undefined, name: string): void {
  if (names === null || names === undefined) return;
  if (names.has(name)) {
    // Which of the two was meant cannot be known (RFC 8259, section 4).
    throw invalidInput(READ, `${quoted(name)} is given twice`, { field: name.slice(0, 80) });
  }
  names.add(name);
}
