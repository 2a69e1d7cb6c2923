// Finds the handler that a function names. Rules and words are those of AWS's client (aws-lambda-ric).
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, extname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Fault } from "./node_errors.mjs";

export async function load(name, root) {
  const slash = name.lastIndexOf("/");
  const dot = name.indexOf(".", slash + 1);
  if (dot < 0) throw new Fault("Runtime.MalformedHandlerName", `Bad handler '${name}': use file.function`);
  const base = resolve(root, name.slice(0, dot));
  const file = ["", ".js", ".mjs", ".cjs", ...TYPESCRIPT].map((extension) => base + extension).find(isFile);
  if (!file) throw new Fault("Runtime.ImportModuleError", `Error: Cannot find module '${name.slice(0, dot)}' in ${root}`);
  if (isTypeScript(file) && !process.features.typescript) {
    const text = `${basename(file)} is TypeScript, which Node.js ${process.versions.node} does not run as it is: use 22.18 or later, or compile it`;
    throw new Fault("Runtime.ImportModuleError", text);
  }
  const module = await evaluate(file).catch((error) => {
    throw told(error);
  });
  const handler = name.slice(dot + 1).split(".").reduce((value, key) => value?.[key] ?? value?.default?.[key], module);
  if (!handler) throw new Fault("Runtime.HandlerNotFound", `${name} is undefined or not exported`);
  if (typeof handler !== "function") throw new Fault("Runtime.HandlerNotFound", `${name} is not a function`);
  return handler;
}

// Node's own endings; AWS's Node runs none of them.
const TYPESCRIPT = [".ts", ".mts", ".cts"];
const isTypeScript = (file) => TYPESCRIPT.includes(extname(file));
const isFile = (path) => existsSync(path) && statSync(path).isFile();

// Decided beforehand, never by trying one after the other: a module must not be executed twice.
async function evaluate(file) {
  // What TypeScript is, a module or not, Node tells by itself.
  const isModule = file.endsWith(".mjs") || isTypeScript(file) || (file.endsWith(".js") && belongsToModules(dirname(file)));
  return isModule ? await import(pathToFileURL(file).href) : createRequire(import.meta.url)(file);
}

// Whether the nearest package.json says so, as Node itself looks it up.
function belongsToModules(folder) {
  if (basename(folder) === "node_modules") return false;
  const described = join(folder, "package.json");
  if (existsSync(described)) {
    try {
      return JSON.parse(readFileSync(described, "utf8"))?.type === "module";
    } catch {
      return false;
    }
  }
  return dirname(folder) !== folder && belongsToModules(dirname(folder));
}

function told(error) {
  // AWS tells the message only; here the stack leads to the line.
  if (error instanceof SyntaxError) return new Fault("Runtime.UserCodeSyntaxError", String(error), { where: error.stack });
  if (error?.code === "MODULE_NOT_FOUND") {
    const frames = error.stack?.split("\n").filter((line) => line.startsWith("    at ")).join("\n");
    return new Fault("Runtime.ImportModuleError", String(error), { where: frames });
  }
  return error;
}
