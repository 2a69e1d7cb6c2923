/** What `JSON.parse` lets pass: names given twice, numbers that lose digits, any depth. */

import { invalidInput, quoted } from "./refusal.js";

const READ = "event.read";
const NUMBER = /-?\d[\d.eE+-]*/y;
const WHOLE = /^-?\d+$/;

/**
 * Judges text that is JSON, token by token.
 *
 * @throws InvalidInputError What it says cannot be known, or it is more than `deepest` levels deep.
 *
 * @internal
 */
export function checkTokens(json: string, deepest: number): void {
  /** Names in the objects that are open; null for lists. */
  const open: (Set<string> | null)[] = [];
  let text = "";
  for (let at = 0; at < json.length; at += 1) {
    const letter = json[at] as string;
    if (letter === '"') {
      const end = endOfText(json, at);
      text = json.slice(at, end);
      at = end - 1;
    } else if (letter === "{" || letter === "[") {
      open.push(letter === "{" ? new Set() : null);
      if (open.length > deepest + 1) throw invalidInput(READ, `this is more than ${deepest} levels deep`);
    } else if (letter === "}" || letter === "]") open.pop();
    else if (letter === ":") remember(open.at(-1), JSON.parse(text) as string);
    else if (letter === "-" || (letter >= "0" && letter <= "9")) at = checkNumber(json, at) - 1;
  }
}

function endOfText(json: string, begin: number): number {
  for (let quote = json.indexOf('"', begin + 1); ; quote = json.indexOf('"', quote + 1)) {
    let escapes = 0;
    while (json[quote - 1 - escapes] === "\\") escapes += 1;
    // Escapes escape each other first.
    if (escapes % 2 === 0) return quote + 1;
  }
}

function checkNumber(json: string, begin: number): number {
  NUMBER.lastIndex = begin;
  const [token = ""] = NUMBER.exec(json) ?? [];
  const number = Number(token);
  if (!Number.isFinite(number)) throw invalidInput(READ, "this has a number out of range");
  if (WHOLE.test(token) && !Number.isSafeInteger(number)) {
    throw invalidInput(READ, "this has a number that JavaScript would lose digits of: write it as text");
  }
  return begin + token.length;
}

function remember(names: Set<string> | null | undefined, name: string): void {
  if (names === null || names === undefined) return;
  if (names.has(name)) {
    // Which of the two was meant cannot be known (RFC 8259, section 4).
    throw invalidInput(READ, `${quoted(name)} is given twice`, { field: name.slice(0, 80) });
  }
  names.add(name);
}
