/** The ports that an application gives to `Iac.open`. */

import { refused, shown } from "./options.js";
import type { Port } from "./port.js";
import { eventBus } from "./port-event-bus.js";
import { eventStore } from "./port-event-store.js";
import { provider } from "./port-provider.js";
import { Raised } from "./port-raised.js";
import { secretResolver } from "./port-secret-resolver.js";

/** The ports of an application, as the native module calls them. @internal */
export interface GivenPorts {
  readonly providers: readonly Port[];
  readonly bus: Port | null;
  readonly store: Port | null;
  readonly secretResolvers: readonly Port[];
  /** What they threw, for whoever waits for the run. */
  readonly raised: Raised;
}

/**
 * Ports as a user gives them.
 *
 * @throws InvalidInputError One of them is none.
 *
 * @internal
 */
export function portsGiven(given: {
  readonly providers?: unknown;
  readonly bus?: unknown;
  readonly store?: unknown;
  readonly secretResolvers?: unknown;
}): GivenPorts {
  const raised = new Raised();
  return {
    providers: listed("providers", given.providers).map((one) => provider(one, raised)),
    bus: given.bus === undefined ? null : eventBus(given.bus, raised),
    store: given.store === undefined ? null : eventStore(given.store),
    secretResolvers: listed("secretResolvers", given.secretResolvers).map(secretResolver),
    raised,
  };
}

function listed(name: string, given: unknown): unknown[] {
  if (given === undefined) return [];
  if (Array.isArray(given) || given instanceof Set) return [...(given as Iterable<unknown>)];
  throw refused(`${name} is a list, not ${shown(given)}: { ${name}: [ … ] }`, { argument: name });
}
