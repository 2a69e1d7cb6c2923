// The environment of a function's process: what Lambda documents, the user's variables, and what Azure's SDKs need to
// find the app's identity. Other settings of the app (keys of its storage, for one) are none of the function's.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { runnable } from "./program.mjs";

// Of this process, as they are.
const KEPT = [
  "PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS",
  "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET", "WEBSITE_HOSTNAME", "WEBSITE_SITE_NAME",
  "APPLICATIONINSIGHTS_CONNECTION_STRING",
];

export function variables(definition, settings, own, runtimeApi, credentials) {
  const all = { ...credentials };
  const keep = (name, setting) => {
    if (own[setting] !== undefined) all[name] = own[setting];
  };
  for (const name of KEPT) keep(name, name);
  Object.assign(all, ofLayers(definition, settings, all));
  all.LANG = "en_US.UTF-8";
  all.TZ = ":UTC";
  // Functions of one app may want different things of one name: settings are called as each is told.
  for (const [name, setting] of Object.entries(settings.environment_variables ?? {})) keep(name, setting);
  // What follows is the runtime's own: the user's variables cannot change it.
  return Object.assign(all, {
    AWS_LAMBDA_RUNTIME_API: runtimeApi,
    _HANDLER: inLayers(settings, settings.handler),
    LAMBDA_TASK_ROOT: settings.code,
    LAMBDA_RUNTIME_DIR: settings.code,
    AWS_REGION: definition.region,
    AWS_DEFAULT_REGION: definition.region,
    AWS_EXECUTION_ENV: `AWS_Lambda_${definition.runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: settings.function_name,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(settings.memory_mb),
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${settings.function_name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: `azure/[$LATEST]${own.WEBSITE_INSTANCE_ID ?? own.CONTAINER_NAME ?? process.pid}`,
    PYTHONDONTWRITEBYTECODE: "1",
    PYTHONUNBUFFERED: "1",
  });
}

// By what the runtime finds the files of layers, which are at /opt on Lambda.
function ofLayers(definition, settings, all) {
  const { code, layers } = settings;
  if (!layers) return {};
  const list = (...folders) => folders.filter(Boolean).join(":");
  const found = {
    SEMANTEST_OPT: layers,
    PATH: list(all.PATH, `${layers}/bin`),
    LD_LIBRARY_PATH: list(code, `${code}/lib`, `${layers}/lib`, all.LD_LIBRARY_PATH),
  };
  const major = /^nodejs(\d+)/.exec(definition.runtime)?.[1];
  if (major) found.NODE_PATH = list(`${layers}/nodejs/node${major}/node_modules`, `${layers}/nodejs/node_modules`);
  return found;
}

// A path that begins with /opt on Lambda.
function inLayers(settings, path) {
  return settings.layers && path?.startsWith("/opt/") ? resolve(settings.layers, path.slice("/opt/".length)) : path;
}

// What runs a function: its own program, or Node with the bootstrap beside this file.
export function command(definition, settings, folder) {
  if (definition.runtime.startsWith("provided")) return [runnable(bootstrap(settings)), []];
  return [process.execPath, [resolve(folder, "bootstrap/node.mjs")]];
}

// The package's own comes first, then a layer's.
function bootstrap({ code, layers }) {
  const all = [code, layers].filter(Boolean).map((folder) => resolve(folder, "bootstrap"));
  return all.find(existsSync) ?? all[0];
}

// The id of a function in Azure Resource Manager, where the platform tells what it is made of.
export function functionId(settings, own) {
  const subscription = own.WEBSITE_OWNER_NAME?.split("+")[0];
  const { WEBSITE_RESOURCE_GROUP: group, WEBSITE_SITE_NAME: site } = own;
  if (!subscription || !group || !site) return settings.function_name;
  const web = `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Web`;
  return `${web}/sites/${site}/functions/${settings.function_name}`;
}
