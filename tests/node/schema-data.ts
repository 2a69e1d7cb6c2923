/** Data of the shape that a JSON Schema describes, made from the schemas that are checked in. */

import { readdirSync, readFileSync } from "node:fs";

import { inRepository } from "./repository.js";

/** A part of a schema, as far as the tests look into it. */
export interface Schema {
  readonly $id?: string;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly title?: string;
  readonly const?: string;
  readonly type?: string | readonly string[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
}

/** Data by its keys on the wire. */
export type Wire = Record<string, unknown>;

/** A schema by its path under `schemas/`, without the ending. */
export function schema(path: string): Schema {
  return JSON.parse(readFileSync(inRepository("schemas", `${path}.schema.json`), "utf8")) as Schema;
}

/** Names of all events that have a schema. */
export function eventNames(): string[] {
  return readdirSync(inRepository("schemas", "events")).map((file) => file.replace(".schema.json", "")).sort();
}

/** A value that fits `part` of `document`: with every field, or with the required ones only. */
export function sample(document: Schema, full: boolean, part: Schema = document): unknown {
  if (part.$ref !== undefined) {
    const defined = document.$defs?.[part.$ref.slice(part.$ref.lastIndexOf("/") + 1)];
    return sample(document, full, defined ?? {});
  }
  if (part.const !== undefined) {
    return part.const;
  }
  const choices = part.oneOf ?? part.anyOf;
  if (choices !== undefined) {
    // The last choice that is not null: the most particular one.
    return sample(document, full, choices.filter((choice) => choice.type !== "null").at(-1));
  }
  const [kind = "anything"] = [part.type ?? []].flat();
  return value(document, full, part, kind);
}

/** A record or an event of a schema, with every field or with the required ones only. */
export function sampleOf(document: Schema, full: boolean): Wire {
  return sample(document, full) as Wire;
}

function value(document: Schema, full: boolean, part: Schema, kind: string): unknown {
  switch (kind) {
    case "object": {
      if (part.properties !== undefined) {
        const chosen = Object.entries(part.properties).filter(([key]) => full || part.required?.includes(key));
        return Object.fromEntries(chosen.map(([key, inner]) => [key, sample(document, full, inner)]));
      }
      const inner = typeof part.additionalProperties === "object" ? part.additionalProperties : {};
      return full ? { a_key: sample(document, full, inner) } : {};
    }
    case "array":
      return full ? [sample(document, full, part.items ?? {})] : [];
    case "string":
      return "a text";
    case "integer":
      return 3;
    case "number":
      return 0.5;
    case "boolean":
      return true;
    default:
      return { any_thing: [1, "two", null] };
  }
}

/** `function_name` as `functionName`. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
