/** How the local host is started from Node: the background process that runs a project's functions. */

import { fileURLToPath } from "node:url";

/** Program and arguments; the project's folder is appended. @internal */
export function hostCommand(): string[] {
  // This very package, wherever it is installed, on the very Node that runs the application.
  return [process.execPath, fileURLToPath(new URL("./cli.js", import.meta.url)), "local", "host", "--project"];
}
