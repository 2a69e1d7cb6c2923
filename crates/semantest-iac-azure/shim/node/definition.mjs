// What this app is made of: `definition.json`, written when it was packaged.
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const folder = dirname(fileURLToPath(import.meta.url));
export const root = dirname(folder);

// Functions by their role; `code` and `layers` become the folders of a function's files.
export function readDefinition(file = resolve(folder, "definition.json")) {
  const definition = JSON.parse(readFileSync(file, "utf8"));
  for (const settings of definition.functions) {
    settings.code = resolve(root, settings.code);
    if (settings.layers) settings.layers = resolve(root, settings.layers);
  }
  definition.byRole = new Map(definition.functions.map((settings) => [settings.role, settings]));
  return definition;
}
