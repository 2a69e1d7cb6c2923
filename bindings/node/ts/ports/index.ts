/// <reference types="node" preserve="true" />

/**
 * Ports of your own: a provider, an event bus, an event store, a resolver of secrets.
 *
 * Write an object with the port's methods, and give it to `Iac.open`:
 *
 * ```ts
 * class Vault implements SecretResolver {
 *   readonly schemes = ["vault"];
 *
 *   async resolve(reference: string): Promise<string | null> {
 *     return this.client.read(reference.slice("vault:".length));
 *   }
 * }
 *
 * const iac = await Iac.open(".", { secretResolvers: [new Vault()] });
 * ```
 *
 * Nothing has to be inherited: the interfaces here are for the compiler. Methods are async or plain, as their author
 * likes. Calls overlap: while one waits, another may begin.
 *
 * What cannot be done is told by throwing one of the error classes of this package: the core goes by its kind and its
 * `retry` (`new ThrottledError("…", { retry: "later" })` has the call made again). Anything else that is thrown counts as
 * a failure of the port that repeating does not cure, and comes out as the `cause` of the error that the caller gets.
 *
 * Whether a port keeps its promises is found out by `check` of `semantest-iac/conformance`.
 *
 * @module
 */

export * from "./event-bus.js";
export * from "./event-store.js";
export * from "./functions.js";
export * from "./maybe-promise.js";
export * from "./provider.js";
export * from "./resource.js";
export * from "./secret-resolver.js";
