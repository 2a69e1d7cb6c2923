/** A project whose cloud, log, bus and vault are written in TypeScript. */

import type { TestContext } from "node:test";

import { Iac, type OpenOptions } from "semantest-iac";
import type { EventBus, EventStore, Provider, SecretResolver } from "semantest-iac/ports";

import { MemoryBus, MemoryProvider, MemoryStore, MemoryVault } from "./ports-in-memory.js";
import { folder, open, write } from "./project.js";

const PROJECT = `
project = "shop"

[environments.dev]
provider = "elsewhere"

[components.rest-api]
code = "rest-api"
runtime = "nodejs20.x"
handler = "index.handler"
environment_variables = { PASSWORD = { secret = "vault:password" }, TEXT = "ü \${not.a.reference}" }
`;

/** A secret that nothing may show. */
export const CANARY = "canary-77ab02fe";

/** What outlives the runs, and how a project is opened over it. */
export class Elsewhere {
  readonly folder: string;
  cloud: Provider;
  log: EventStore;
  bus: EventBus;
  vault: SecretResolver;
  /** The same as they are where nobody gave others. */
  readonly memory = {
    cloud: new MemoryProvider(),
    log: new MemoryStore(),
    bus: new MemoryBus(),
    vault: new MemoryVault([["vault:password", CANARY]]),
  };
  readonly #t: TestContext;

  constructor(t: TestContext) {
    this.#t = t;
    this.folder = folder(t);
    write(this.folder, "semantest.toml", PROJECT);
    write(this.folder, "rest-api/index.js", "exports.handler = async () => ({});\n");
    ({ cloud: this.cloud, log: this.log, bus: this.bus, vault: this.vault } = this.memory);
  }

  open(options: OpenOptions = {}): Promise<Iac> {
    const { cloud, log, bus, vault } = this;
    return open(this.#t, this.folder, { providers: [cloud], store: log, bus, secretResolvers: [vault], ...options });
  }
}
