/**
 * Events of ours and those of PythonEDA's IaC domain that mean the same.
 *
 * | ours | PythonEDA |
 * |---|---|
 * | DeploymentRequested | InfrastructureUpdateRequested |
 * | RemovalRequested | InfrastructureRemovalRequested |
 * | InfrastructureUpdated, InfrastructureUpdateFailed | the same |
 * | InfrastructureRemoved, InfrastructureRemovalFailed | the same |
 *
 * There, `stack_name` is `<provider>-<environment>`, `project_name` the project, `location` the region, and `metadata` has
 * the rest.
 */

import { TYPE_PREFIX, type CloudEventObject } from "../cloudevent.js";
import { derivedId } from "./derived-id.js";
import { chain, checkEnvelope, envelope, name } from "./envelope.js";
import { plain } from "./json-value.js";
import { subjectOf } from "./pythoneda-form.js";
import { invalidInput } from "./refusal.js";
import type { Parsed } from "./semantest-form.js";

/** Where PythonEDA has its IaC events: the type of what is made here is a name in it. */
const PACKAGE = "pythoneda.shared.iac.events";
/** What is a provider at the front of a stack's name; any other name is an environment's. */
const STACK = /^(aws|azure|local)-(.+)$/s;
const TO_REQUEST = "semantest.to_request";
const TO_EQUIVALENT = "semantest.to_equivalent";
const THERE: ReadonlyMap<string, string> = new Map([
  ["DeploymentRequested", "InfrastructureUpdateRequested"],
  ["RemovalRequested", "InfrastructureRemovalRequested"],
  ["InfrastructureUpdated", "InfrastructureUpdated"],
  ["InfrastructureUpdateFailed", "InfrastructureUpdateFailed"],
  ["InfrastructureRemoved", "InfrastructureRemoved"],
  ["InfrastructureRemovalFailed", "InfrastructureRemovalFailed"],
]);

/**
 * An event of ours as the one of PythonEDA's that means the same; any other event as it is.
 *
 * @throws InvalidInputError It is no CloudEvents object, or its data is no JSON object.
 */
export function toEquivalent(event: CloudEventObject): CloudEventObject {
  const own = name(event);
  const there = THERE.get(own);
  if (there === undefined || event.type !== TYPE_PREFIX + own) return event;
  const data = dataOf(event, TO_EQUIVALENT);
  // The bare name was given to an event that has that form already.
  if (Object.hasOwn(data, "stack_name")) return event;
  const { region, ...metadata } = data;
  const stack = [data["provider"], data["environment"] ?? "dev"].filter((part) => typeof part === "string" && part !== "");
  const translated = {
    stack_name: stack.join("-"),
    project_name: projectOf(event),
    location: typeof region === "string" ? region : "",
    metadata,
  };
  const { dataschema: _, ...kept } = event;
  return checkEnvelope({ ...kept, type: `${PACKAGE}.${there}`, data: translated, subject: subjectOf(translated) });
}

/**
 * The request of ours for an InfrastructureUpdateRequested or InfrastructureRemovalRequested.
 *
 * What `metadata` does not say is taken from the name of the stack (`aws-production`, or an environment alone) and of the
 * project, which is the component's then. The same event always gives the same request, so that one that is delivered twice
 * is carried out once.
 *
 * @throws InvalidInputError It is another event, or does not say what to deploy.
 */
export function toRequest(event: CloudEventObject): CloudEventObject {
  const asked = name(event);
  const data = dataOf(event, TO_REQUEST);
  const metadata = objectIn(data["metadata"], "metadata");
  const [provider, environment] = stackOf(data["stack_name"]);
  const wanted: Record<string, unknown> = {
    component: text(metadata, "component", data["project_name"]),
    environment: text(metadata, "environment", environment),
  };
  const ours = asked === "InfrastructureUpdateRequested" ? "DeploymentRequested" : "RemovalRequested";
  if (ours === "DeploymentRequested") Object.assign(wanted, aboutDeployment(metadata, provider, data["location"]));
  else if (asked !== "InfrastructureRemovalRequested") {
    throw invalidInput(TO_REQUEST, `${asked} asks for nothing that semantest-iac does`, { event: asked });
  }
  return envelope(ours, wanted, {
    previous: chain(event),
    source: event.source,
    id: derivedId(event.source, event.id, ours),
    time: event.time,
    correlation: event.correlationid,
  });
}

function aboutDeployment(metadata: Parsed, provider: string | undefined, location: unknown): Parsed {
  const told = provider !== undefined || (metadata["provider"] ?? "") !== "";
  return {
    configuration: { ...objectIn(metadata["configuration"], "configuration") },
    ...(told ? { provider: text(metadata, "provider", provider) } : {}),
    ...((location ?? "") === "" ? {} : { region: text({}, "location", location) }),
  };
}

function stackOf(stack: unknown): [provider: string | undefined, environment: unknown] {
  const parts = typeof stack === "string" ? STACK.exec(stack) : null;
  return parts === null ? [undefined, stack] : [parts[1], parts[2]];
}

function text(metadata: Parsed, key: string, otherwise: unknown): string {
  const value = metadata[key] ?? "";
  const told = value === "" ? otherwise : value;
  if (typeof told === "string" && told !== "") return told;
  throw invalidInput(TO_REQUEST, `\`${key}\` must be text that is not empty`, { field: key });
}

/** From `<project>/<environment>/<component>`, else from `/semantest-iac/<project>`. */
function projectOf(event: CloudEventObject): string {
  const stream = (event.subject ?? "").split("/");
  if (stream.length === 3) return stream[0] ?? "";
  return /^\/semantest-iac\/(?:.*\/)?([^/]*)$/.exec(event.source)?.[1] ?? "";
}

function dataOf(event: CloudEventObject, operation: string): Parsed {
  const data = plain(event.data ?? {}, "data");
  if (typeof data === "object" && data !== null && !Array.isArray(data)) return data as Parsed;
  throw invalidInput(operation, "the data of the event is no JSON object", { field: "data" });
}

function objectIn(value: unknown, field: string): Parsed {
  if (typeof (value ?? {}) === "object" && !Array.isArray(value)) return (value ?? {}) as Parsed;
  throw invalidInput(TO_REQUEST, `\`${field}\` is no object`, { field });
}
