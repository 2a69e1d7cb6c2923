/// <reference types="node" preserve="true" />

/**
 * Infrastructure as code for event-driven systems.
 *
 * An application publishes `DeploymentRequested`; semantest-iac plans the change, applies it, and publishes what happened.
 * Every change is an event: the log is the state, the audit trail, and what a crashed run is resumed from.
 *
 * ```ts
 * import { DeploymentRequested, FunctionDeployed, Iac, listen } from "semantest-iac";
 *
 * const announce = listen(FunctionDeployed)(async (event) => {
 *   console.log(event.functionName, event.endpoint);
 * });
 *
 * const iac = await Iac.open("."); // reads semantest.toml
 * iac.include(announce);
 * await iac.publish(new DeploymentRequested({ component: "rest-api" }));
 * await iac.close();
 * ```
 *
 * Ports of your own: `semantest-iac/ports`; whether they keep their promises: `semantest-iac/conformance`.
 *
 * @module
 */

export * from "./answers.js";
export * as blueprint from "./blueprint.js";
export type { About, CloudEventObject } from "./cloudevent.js";
export * as configuration from "./configuration.js";
export type { ComponentConfiguration, FunctionSettings } from "./configuration.js";
export { fromCloudEvent } from "./delivered.js";
export type { ErrorDetails, HandlerFailure } from "./error.js";
export * from "./errors.js";
export { ApplicationEvent, CloudEvent, InfrastructureEvent } from "./event.js";
export { EventBus } from "./event-bus.js";
export type { BusPublishOptions, Published } from "./event-bus.js";
export { EventHandler } from "./event-handler.js";
export * from "./events/index.js";
export * from "./events/names.js";
export { Iac } from "./iac.js";
export { listen } from "./listen.js";
export type { EventClass, EventOf, Handle, HandlerContext, ListenOptions } from "./listen.js";
export type { AnyEvent } from "./live-event.js";
export * as networking from "./networking.js";
export type { LogPage } from "./ports/functions.js";
export type { Publishable } from "./publish.js";
export * from "./records.js";
export type * from "./run-options.js";
export * from "./semantest/index.js";
export type { OpenOptions } from "./settings.js";
export type { EventsOptions, EventStream } from "./stream.js";
export type { Subscription } from "./subscriptions.js";
export { version } from "./native.js";
