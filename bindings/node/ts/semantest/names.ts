/** Names of events. */

import { TYPE_PREFIX } from "../cloudevent.js";
import { EVENT_NAMES } from "../events/names.js";

/** The source of an event that does not say where it comes from. @internal */
export const SEMANTEST: string = "/semantest";

const OURS: ReadonlySet<string> = new Set(EVENT_NAMES);

/** Whether semantest-iac itself has an event of that name. @internal */
export function isOurs(name: string): boolean {
  return OURS.has(name);
}

/** The CloudEvents type for a name: ours are written out, all others stay as they are. @internal */
export function fullType(name: string): string {
  return isOurs(name) ? TYPE_PREFIX + name : name;
}

/** The name in a type: `com.semantest.iac.FunctionDeployed` is a `FunctionDeployed`. @internal */
export function lastSegment(type: string): string {
  return type.slice(type.lastIndexOf(".") + 1);
}
