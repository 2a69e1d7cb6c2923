// What a handler's errors become: answers and lines in the log, as AWS's client (aws-lambda-ric) has them.
import { format, types } from "node:util";

// Something wrong with the package, not inside the handler.
export class Fault extends Error {
  constructor(kind, message, more = {}) {
    super(message);
    // Not enumerable: the log shows an error's own enumerable properties.
    Object.defineProperty(this, "name", { value: kind });
    this.stack = [message ? `${kind}: ${message}` : kind, more.where].filter(Boolean).join("\n");
    if ("reason" in more) Object.assign(this, { reason: more.reason, promise: more.promise });
  }
}

// `modern`: as from Node 24 on, where only what is an error counts as one.
export function describe(error, modern = false) {
  const like = ["name", "message", "stack"].every((part) => error?.[part] && typeof error[part] === "string");
  const fails = modern ? error instanceof Error : like || types.isNativeError(error);
  try {
    if (!fails) return { errorType: typeof error, errorMessage: modern ? String(error) : error.toString(), trace: [] };
    const trace = modern ? error.stack?.split("\n") || [] : error.stack.split("\n");
    return { errorType: error.name, errorMessage: error.message, trace };
  } catch {
    const failed = { errorType: "handled", errorMessage: "the error's name, message or stack cannot be read" };
    return modern ? { ...failed, trace: [] } : failed;
  }
}

export function logError(what, error, modern = false) {
  // What is thrown may be anything.
  const shown = error instanceof Error ? error : new Error(modern ? String(error) : error);
  console.error(what, `\t${readable(shown, modern)}`);
}

function readable(error, modern) {
  try {
    return JSON.stringify(error, (_, value) => (value instanceof Error ? properties(value) : value));
  } catch {
    return JSON.stringify(describe(error, modern));
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
