// What a handler's errors become: answers and lines in the log, as AWS's client (aws-lambda-ric) has them.
import { format, types } from "node:util";

// Something wrong with the package, not inside the handler.
export class Fault extends Error {
  constructor(kind, message, more = {}) {
    super(message);
    // Not enumerable: the log shows an error's own enumerable properties.
    Object.defineProperty(this, "name", { value: kind });
    this.stack = [`${kind}: ${message}`, more.where].filter(Boolean).join("\n");
    if ("reason" in more) Object.assign(this, { reason: more.reason, promise: more.promise });
  }
}

export function describe(error) {
  const like = ["name", "message", "stack"].every((part) => error?.[part] && typeof error[part] === "string");
  try {
    if (!like && !types.isNativeError(error)) return { errorType: typeof error, errorMessage: error.toString(), trace: [] };
    return { errorType: error.name, errorMessage: error.message, trace: error.stack.split("\n") };
  } catch {
    return { errorType: "handled", errorMessage: "the error's name, message or stack cannot be read" };
  }
}

export function logError(what, error) {
  // What is thrown may be anything; the stack of an error made here would tell nothing.
  const shown = error instanceof Error ? error : Object.assign(new Error(error), { stack: `Error: ${String(error)}` });
  console.error(what, `\t${readable(shown)}`);
}

function readable(error) {
  try {
    return JSON.stringify(error, (_, value) => (value instanceof Error ? properties(value) : value));
  } catch {
    return JSON.stringify(describe(error));
  }
}

function properties(error) {
  const told = { errorType: error.name, errorMessage: error.message, code: error.code, ...error };
  return typeof error.stack === "string" ? { ...told, stack: error.stack.split("\n") } : told;
}

// Makes lines of `console` those of Lambda's log. `requestId()` is the invocation that they belong to.
export function takeConsole(requestId) {
  const levels = { trace: "TRACE", debug: "DEBUG", info: "INFO", log: "INFO", warn: "WARN", error: "ERROR", fatal: "FATAL" };
  for (const [name, level] of Object.entries(levels)) {
    console[name] = (...values) => {
      // Without a value Lambda's log says `undefined`.
      const message = values.length ? format(...values) : "undefined";
      process.stdout.write(`${new Date().toISOString()}\t${requestId()}\t${level}\t${message}\n`);
    };
  }
}
