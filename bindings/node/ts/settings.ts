/** How a project is opened. */

import { fileURLToPath } from "node:url";

import { hostCommand } from "./host.js";
import { optionsOf, refused, seconds, shown, textOrNull, wholeFrom } from "./options.js";
import type { Port } from "./port.js";
import { portsGiven, type GivenPorts } from "./ports-given.js";
import type { EventBus, EventStore, Provider, SecretResolver } from "./ports/index.js";

/** Options of `Iac.open`. */
export interface OpenOptions {
  /** At most this many provider calls at once (16 where not given). */
  readonly parallelism?: number | null | undefined;
  /** Seconds to wait for a deployment that another run holds; 0 where not given. */
  readonly leaseWait?: number | null | undefined;
  /** Who does the runs, in words for people; user, machine and process where not given. */
  readonly owner?: string | null | undefined;
  /** W3C trace context of what this project publishes. */
  readonly traceparent?: string | null | undefined;
  /** Providers of your own, or in the place of built-in ones of the same name. */
  readonly providers?: readonly Provider[] | null | undefined;
  /** Another event bus than the one of this process. */
  readonly bus?: EventBus | null | undefined;
  /** Another event log than the SQLite file beside the project. */
  readonly store?: EventStore | null | undefined;
  /** For further schemes of secrets. */
  readonly secretResolvers?: readonly SecretResolver[] | null | undefined;
}

/** A port as the native module is told of it. */
interface PortSettings {
  readonly target: number;
  readonly role: string;
  readonly name: string;
  readonly methods: readonly string[];
  readonly schemes: readonly string[];
}

const NAMES = [
  "parallelism",
  "leaseWait",
  "owner",
  "traceparent",
  "providers",
  "bus",
  "store",
  "secretResolvers",
] as const satisfies readonly (keyof OpenOptions)[];

/** Settings, judged. @internal */
export class Settings {
  private constructor(
    readonly directory: string,
    readonly parallelism: number | null,
    readonly leaseWait: number,
    readonly owner: string | null,
    readonly traceparent: string | null,
    readonly ports: GivenPorts,
  ) {}

  /**
   * Settings as a user gives them.
   *
   * @throws InvalidInputError One of them cannot be.
   */
  static checked(directory: unknown, given: unknown): Settings {
    const options = optionsOf("Iac.open", given, NAMES);
    const { parallelism } = options;
    return new Settings(
      pathOf(directory),
      parallelism === undefined ? null : wholeFrom(1, "parallelism", parallelism, "a number of calls"),
      options.leaseWait === undefined ? 0 : seconds("leaseWait", options.leaseWait),
      textOrNull("owner", options.owner),
      textOrNull("traceparent", options.traceparent),
      portsGiven(options),
    );
  }

  /** As `Engine.open` takes them; `serve` gives a port its number. */
  toJson(serve: (port: Port) => number): string {
    const told = (port: Port): PortSettings => ({
      target: serve(port),
      role: port.role,
      name: port.name,
      methods: port.methods,
      schemes: port.schemes,
    });
    const { providers, bus, store, secretResolvers } = this.ports;
    return JSON.stringify({
      directory: this.directory,
      host_command: hostCommand(),
      parallelism: this.parallelism,
      lease_wait_s: this.leaseWait,
      owner: this.owner,
      traceparent: this.traceparent,
      providers: providers.map(told),
      bus: bus && told(bus),
      store: store && told(store),
      secret_resolvers: secretResolvers.map(told),
    });
  }
}

function pathOf(directory: unknown): string {
  if (directory instanceof URL) {
    try {
      return fileURLToPath(directory);
    } catch {
      throw refused(`directory must be a path or a file: URL, not a URL of ${directory.protocol}`);
    }
  }
  if (typeof directory !== "string") throw refused(`directory must be a path, not ${shown(directory)}`);
  if (directory.includes("\0")) throw refused("directory must be a path: it has a NUL in it");
  return directory;
}
