#!/usr/bin/env node
/** `npx semantest-iac`: the very command line that the `semantest-iac` program has. */

import process from "node:process";

import { hostCommand } from "./host.js";
import { run } from "./native.js";

// Node's own handlers end the process at once, and ours would call them. A listener that is taken away again leaves the
// signals as any program finds them.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  const none = (): void => {};
  process.on(signal, none);
  process.removeListener(signal, none);
}

process.exitCode = run(process.argv.slice(2), hostCommand());
