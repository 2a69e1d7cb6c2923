/** Log lines, and where to go on. */

import { LogLine } from "./answers.js";
import type { LogPage } from "./ports/functions.js";

/** As the core answers. @internal */
export function logPage(answer: { readonly lines: readonly object[]; readonly cursor: string }): LogPage {
  return Object.freeze({
    lines: Object.freeze(answer.lines.map((line) => LogLine.fromJSON(line))),
    cursor: answer.cursor,
  });
}
