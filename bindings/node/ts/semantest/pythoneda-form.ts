/**
 * Events in PythonEDA's JSON, which Semantest's applications meet on shared transports, read.
 *
 *     {"id": …, <attributes>, "_internal": {"previous_event_ids": […], "created": …, "invariants": {}, "class": …}}
 *
 * and in the dialect of January 2025:
 *
 *     {"_internal": {"properties": {"previous_event_ids": […], "id": …, "created": …}, "class": …}, <attributes>}
 */

import { joinIds, JSON_CONTENT, type CloudEventObject } from "../cloudevent.js";
import { checkEnvelope } from "./envelope.js";
import { parse } from "./json-value.js";
import { moment, now } from "./moments.js";
import { fullType } from "./names.js";
import { invalidInput } from "./refusal.js";
import type { Parsed } from "./semantest-form.js";

const READ = "event.read";
const CLASS_PATH = /^[\p{L}_][\p{L}\p{N}_]*(\.[\p{L}_][\p{L}\p{N}_]*)*$/u;
const LONGEST_PATH = 1024;
// What PythonEDA writes instead of a value that is marked as sensitive.
const HIDDEN = "[hidden]";
/** A second name of the id in classes that the Python package defines, so no data. */
const KEY = "event_id";

/** Reads parsed JSON of either dialect. The class is a name here, and never looked up. @internal */
export function fromPythonedaForm(event: Parsed, source: string | undefined): CloudEventObject {
  const internal = event["_internal"];
  if (typeof internal !== "object" || internal === null || Array.isArray(internal)) {
    throw invalidInput(READ, "`_internal` is no object", { field: "_internal" });
  }
  const path = classPath((internal as Parsed)["class"]);
  const facts = factsIn(internal as Parsed);
  const inside = facts["id"] ?? undefined;
  const id = inside ?? event["id"];
  if (typeof id !== "string" || id === "") {
    throw invalidInput(READ, "an event of PythonEDA has an `id` that is text", { field: "id" });
  }
  const data = Object.fromEntries(
    Object.entries(event).filter(([key, value]) => {
      const base = key === "_internal" || (key === "id" && inside === undefined) || (key === KEY && value === id);
      return !base && value !== HIDDEN;
    }),
  );
  const previous = idsIn(facts["previous_event_ids"]);
  const [module, last] = split(path);
  return checkEnvelope({
    specversion: "1.0",
    id,
    source: source ?? (module === "" ? "/pythoneda" : `/pythoneda/${module}`),
    // Bare names of ours are written out; a class of another domain may have the same name.
    type: module === "" ? fullType(last) : path,
    subject: subjectOf(data),
    time: (facts["created"] ?? null) === null ? now() : moment(facts["created"], READ, "created"),
    datacontenttype: JSON_CONTENT,
    correlationid: previous.at(-1) ?? id,
    causationid: previous[0] ?? null,
    previouseventids: previous.length === 0 ? null : joinIds(previous),
    data,
  });
}

/** What an event of a stack is about: `<stack>/<project>`, as far as it says so. @internal */
export function subjectOf(data: Parsed): string | null {
  const parts = [data["stack_name"], data["project_name"]];
  return parts.filter((part) => typeof part === "string" && part !== "").join("/") || null;
}

function classPath(path: unknown): string {
  if (typeof path === "string" && path.length <= LONGEST_PATH && CLASS_PATH.test(path)) return path;
  throw invalidInput(READ, "a class is named `package.module.Class`", { field: "class" });
}

function split(path: string): [module: string, last: string] {
  const at = path.lastIndexOf(".");
  return [path.slice(0, Math.max(at, 0)), path.slice(at + 1)];
}

function factsIn(internal: Parsed): Parsed {
  const properties = internal["properties"];
  const inner = typeof properties === "object" && properties !== null && !Array.isArray(properties) ? properties : {};
  const facts: Parsed = { ...internal, ...inner };
  const created = facts["created"];
  if (typeof created !== "string" || !created.startsWith('"')) return facts;
  // The older dialect has been seen to put all text into quotes twice; no moment has quotes.
  return Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, unquoted(value)]));
}

function idsIn(value: unknown): readonly string[] {
  // The older dialect has been seen to write lists as text.
  const listed = typeof value === "string" && value.startsWith("[") ? unquoted(parse(value)) : value;
  const ids = listed ?? [];
  if (Array.isArray(ids) && ids.every((id) => typeof id === "string" && id !== "")) return ids as string[];
  throw invalidInput(READ, "`previous_event_ids` is a list of ids", { field: "previous_event_ids" });
}

function unquoted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unquoted);
  const twice = typeof value === "string" && value.length > 2 && value.startsWith('"') && value.endsWith('"');
  return twice ? value.slice(1, -1) : value;
}
