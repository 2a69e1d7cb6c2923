/** Providers written in TypeScript. */

import { Blueprint } from "./blueprint.js";
import { ProviderError } from "./errors.js";
import { Calls, memberOf, type Method, type Port, Role, type Shape } from "./port.js";
import { type Raised, shows } from "./port-raised.js";
import type { LogQuery } from "./ports/functions.js";
import type { Change, Operation, ProviderSettings, Scope } from "./ports/provider.js";
import type { OwnershipTags, ResourceHandle } from "./ports/resource.js";
import { Secrets } from "./ports/secret-resolver.js";
import { defaulted, field, nullable, optional, recordOf } from "./record.js";
import { anything, flag, many, number, table, text, whole, word } from "./record.js";

/** What a provider is. @internal */
export const PROVIDER: Role = new Role(
  "provider",
  ["lower", "observe", "apply", "delete", "discover"],
  ["defaultRegion", "diagnose", "invoke", "logs"],
  ProviderError,
);

/** Whose a resource is, as JSON has it. @internal */
export const OWNERSHIP_TAGS = recordOf<OwnershipTags>("OwnershipTags", {
  project: field("project", text),
  environment: field("environment", text),
  component: field("component", text),
  address: field("address", text),
});

const RESOURCE: Shape = {
  name: "Resource",
  fields: {
    address: field("address", text),
    kind: field("kind", text),
    inputs: field("inputs", table(anything)),
    dependsOn: defaulted("depends_on", many(text), []),
    replaceOn: defaulted("replace_on", many(text), []),
    volatileOutputs: defaulted("volatile_outputs", many(text), []),
    steadyInputs: defaulted("steady_inputs", many(text), []),
    role: optional("role", text),
  },
};
const OBSERVED: Shape = {
  name: "Observed",
  fields: {
    id: field("id", text),
    inputs: defaulted("inputs", table(anything), {}),
    outputs: defaulted("outputs", table(anything), {}),
  },
};
const APPLIED: Shape = {
  name: "Applied",
  fields: {
    id: field("id", text),
    outputs: defaulted("outputs", table(anything), {}),
    adopted: defaulted("adopted", flag, false),
  },
};
const DISCOVERED: Shape = {
  name: "Discovered",
  fields: { tags: field("tags", OWNERSHIP_TAGS), kind: field("kind", text), id: field("id", text) },
};
const FINDING: Shape = {
  name: "Finding",
  fields: { name: field("name", text), ok: field("ok", flag), detail: field("detail", text) },
};
const LOG_LINE = recordOf("LogLine", {
  time: field("time", text),
  functionName: field("function_name", text),
  requestId: optional("request_id", text),
  message: field("message", text),
});
const INVOKED: Shape = {
  name: "Invoked",
  fields: {
    requestId: field("request_id", text),
    payload: field("payload", text),
    errorType: optional("error_type", text),
    durationMs: optional("duration_ms", number),
    logs: defaulted("logs", many(LOG_LINE), []),
  },
};
const LOG_PAGE: Shape = {
  name: "LogPage",
  fields: { lines: field("lines", many(LOG_LINE)), cursor: field("cursor", text) },
};

const RESOURCE_HANDLE = recordOf<ResourceHandle>("ResourceHandle", {
  tags: field("tags", OWNERSHIP_TAGS),
  kind: field("kind", text),
  inputs: defaulted("inputs", table(anything), {}),
  id: nullable("id", text),
  outputs: defaulted("outputs", table(anything), {}),
});
const PROVIDER_SETTINGS = recordOf<ProviderSettings>("ProviderSettings", { region: nullable("region", text) });
const OPERATION = recordOf<Operation>("Operation", { id: field("id", text), attempt: field("attempt", whole) });
const SCOPE = recordOf<Scope>("Scope", {
  project: field("project", text),
  environment: field("environment", text),
  component: nullable("component", text),
  region: nullable("region", text),
});

/** A `Change` as JSON has it. */
interface ChangeData extends Pick<Change, "action" | "resource" | "previousInputs"> {
  readonly changed: readonly string[];
  readonly secrets: { readonly [reference: string]: string };
}

const CHANGE = recordOf<ChangeData>("Change", {
  action: field("action", word<Change["action"]>()),
  resource: field("resource", RESOURCE_HANDLE),
  previousInputs: nullable("previous_inputs", table(anything)),
  changed: defaulted("changed", many(text), []),
  secrets: defaulted("secrets", table(text), {}),
});

/**
 * A provider for the native module.
 *
 * @throws InvalidInputError It is none.
 *
 * @internal
 */
export function provider(port: unknown, raised: Raised): Port {
  PROVIDER.check(port);
  const name = memberOf(port, "name");
  if (typeof name !== "string" || name === "") {
    const what = name === undefined || name === null ? "has no `name`" : "has a `name` that is no text";
    throw PROVIDER.refused(`the provider ${what}: give it one, such as name = "my-cloud"`, { missing: "name" });
  }
  const target = new ProviderCalls(port, name, raised);
  return { target, role: PROVIDER.name, name, methods: PROVIDER.methodsOf(port), schemes: [] };
}

class ProviderCalls extends Calls {
  readonly #raised: Raised;

  constructor(port: object, name: string, raised: Raised) {
    super(PROVIDER, port, name);
    this.#raised = raised;
  }

  protected readonly methods: { readonly [method: string]: Method } = {
    lower: async ([blueprint, settings], context) => {
      const given = [Blueprint.fromJSON(blueprint), PROVIDER_SETTINGS.fromJSON(settings)];
      return this.records("lower", await this.ask("lower", ...given, context), RESOURCE);
    },
    observe: async ([resource], context) => {
      const answer = await this.ask("observe", RESOURCE_HANDLE.fromJSON(resource), context);
      if (answer === null || answer === undefined) return null;
      if (typeof answer !== "object") throw this.refuse("observe", answer, "Observed, or null where there is nothing");
      return this.record("observe", answer, OBSERVED);
    },
    apply: async ([change, operation], context) => {
      const { changed, secrets, ...told } = CHANGE.fromJSON(change);
      const values = new Secrets(Object.entries(secrets));
      const given = { ...told, changed: new Set(changed), secrets: values } satisfies Change;
      const apply = this.ask("apply", Object.freeze(given), OPERATION.fromJSON(operation), context);
      return this.record("apply", await this.#kept(given.resource, values.values(), apply), APPLIED);
    },
    delete: async ([resource, operation], context) => {
      const given = RESOURCE_HANDLE.fromJSON(resource);
      await this.#kept(given, [], this.ask("delete", given, OPERATION.fromJSON(operation), context));
      return null;
    },
    discover: async ([scope], context) => {
      return this.records("discover", await this.ask("discover", SCOPE.fromJSON(scope), context), DISCOVERED);
    },
    default_region: async (_, context) => {
      return this.textOrNull("defaultRegion", await this.ask("defaultRegion", context), "text or null");
    },
    diagnose: async ([settings], context) => {
      const answer = await this.ask("diagnose", PROVIDER_SETTINGS.fromJSON(settings), context);
      return this.records("diagnose", answer, FINDING);
    },
    invoke: async ([request], context) => {
      const given = { function: RESOURCE_HANDLE.fromJSON(request.function), payload: String(request.payload) };
      return this.record("invoke", await this.ask("invoke", given, context), INVOKED);
    },
    logs: async ([query], context) => {
      const given: LogQuery = {
        function: RESOURCE_HANDLE.fromJSON(query.function),
        cursor: query.cursor,
        since: query.since === null ? null : new Date(query.since),
        limit: query.limit,
        wait: query.wait_ms / 1000,
      };
      return this.record("logs", await this.ask("logs", given, context), LOG_PAGE);
    },
  };

  /** Keeps what a change of `resource` threw last for whoever waits for the run, unless it shows a secret. */
  async #kept(resource: ResourceHandle, secrets: Iterable<string>, change: Promise<unknown>): Promise<unknown> {
    const { project, environment, component, address } = resource.tags;
    const deployment = `${project}/${environment}/${component}`;
    try {
      const answer = await change;
      this.#raised.take(deployment, address);
      return answer;
    } catch (error) {
      this.#raised.take(deployment, address);
      if (!shows(error, secrets)) this.#raised.keep(deployment, address, error);
      throw error;
    }
  }
}
