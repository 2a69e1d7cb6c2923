/** A cloud, or something like one: turns blueprints into resources and resources into reality. */

import type { Blueprint } from "../blueprint.js";
import type { Invoked, InvokeRequest, LogPageFound, LogQuery } from "./functions.js";
import type { MaybePromise, PortContext } from "./maybe-promise.js";
import type { OwnershipTags, Resource, ResourceHandle } from "./resource.js";
import type { Secrets } from "./secret-resolver.js";

/** What is asked for: bring it into being, change it in place, or make it anew because it cannot be changed in place. */
export type ChangeAction = "create" | "update" | "replace";

/** Where to lower a blueprint to. */
export interface ProviderSettings {
  /** Region; the provider's default where there is none. */
  readonly region: string | null;
}

/** One change to apply. Printed, and written as JSON, it shows no secret's value. */
export interface Change {
  /** Create, update or replace. */
  readonly action: ChangeAction;
  /** The wanted resource; `id` and `outputs` are those of the existing one, where there is one. */
  readonly resource: ResourceHandle;
  /** Inputs that it had before, for update and replace. */
  readonly previousInputs: { readonly [name: string]: unknown } | null;
  /** Top-level inputs that differ; none for create. */
  readonly changed: ReadonlySet<string>;
  /** Values by the references in `resource.inputs`: for this call, and for nothing else. */
  readonly secrets: Secrets;
}

/** Identifies one change across retries and crashes: the same id means the same change. */
export interface Operation {
  /** Idempotency token (a UUID). */
  readonly id: string;
  /** 1 for the first try. */
  readonly attempt: number;
}

/** What an applied change gave. It is recorded: no secrets. */
export interface Applied {
  /** The cloud's id. */
  readonly id: string;
  /** Outputs by name. */
  readonly outputs?: { readonly [name: string]: unknown } | null | undefined;
  /** Whether it was there already, with our tags, and taken over. */
  readonly adopted?: boolean | null | undefined;
}

/** What the cloud holds. */
export interface Observed {
  /** The cloud's id. */
  readonly id: string;
  /**
   * Properties as found, under the names of the inputs. Those that cannot be read are left out; secrets are left out or
   * given as references, never as values.
   */
  readonly inputs?: { readonly [name: string]: unknown } | null | undefined;
  /** Outputs by name. */
  readonly outputs?: { readonly [name: string]: unknown } | null | undefined;
}

/** Where to look for resources of ours. */
export interface Scope {
  /** Project name. */
  readonly project: string;
  /** Environment name. */
  readonly environment: string;
  /** One component, or all. */
  readonly component: string | null;
  /** Region; the provider's default where there is none. */
  readonly region: string | null;
}

/** Whether what carries `tags` is looked for in `scope`, its region aside. */
export function holds(scope: Scope, tags: OwnershipTags): boolean {
  return (
    tags.project === scope.project &&
    tags.environment === scope.environment &&
    (scope.component === null || tags.component === scope.component)
  );
}

/** A resource of ours found in the cloud. */
export interface Discovered {
  /** Whose it is. */
  readonly tags: OwnershipTags;
  /** The provider's word for what it is. */
  readonly kind: string;
  /** The cloud's id. */
  readonly id: string;
}

/** One thing that a provider looked at to find out whether it can work. */
export interface Finding {
  /** What was looked at. */
  readonly name: string;
  /** Whether it is as it should be. */
  readonly ok: boolean;
  /** What was found, and what to do. */
  readonly detail: string;
}

/** A cloud. Every operation is safe to repeat: an answer may have been lost on its way back. */
export interface Provider {
  /**
   * What environments call it in `semantest.toml`: a lower-case name. A built-in provider's name puts this one in its
   * place.
   */
  readonly name: string;

  /**
   * Blueprint to resources. Pure: no calls, and the same blueprint gives the same names and inputs.
   *
   * @throws UnsupportedError This provider cannot do a part of it: which one, and what to do.
   * @throws InvalidInputError A part of it cannot be.
   */
  lower(blueprint: Blueprint, settings: ProviderSettings, context: PortContext): MaybePromise<readonly Resource[]>;

  /** What the cloud holds now, or null. Something there without our tags is nothing of ours: null. */
  observe(resource: ResourceHandle, context: PortContext): MaybePromise<Observed | null | undefined>;

  /**
   * Creates or updates to the wanted inputs. Creating what exists with our tags adopts it.
   *
   * @throws AlreadyExistsError It exists without our tags. It is left alone.
   * @throws ThrottledError, UnavailableError, TimeoutError With `retry: "later"` where another try can help.
   */
  apply(change: Change, operation: Operation, context: PortContext): MaybePromise<Applied>;

  /** Gone afterwards, also if it was gone before. Of an orphan only tags, kind and id are known. */
  delete(resource: ResourceHandle, operation: Operation, context: PortContext): MaybePromise<void>;

  /** All resources tagged as ours in the scope, and no others: what is found may be taken away. */
  discover(scope: Scope, context: PortContext): MaybePromise<readonly Discovered[]>;

  /** The region that this machine is set up for, where the environment names none. */
  defaultRegion?(context: PortContext): MaybePromise<string | null | undefined>;

  /** Whether it is able to work: which identity, region and permissions it sees. Changes nothing. */
  diagnose?(settings: ProviderSettings, context: PortContext): MaybePromise<readonly Finding[]>;

  /** Calls a function and waits for its answer. A handler's failure is an answer, not an error. */
  invoke?(request: InvokeRequest, context: PortContext): MaybePromise<Invoked>;

  /** Log lines of a function, oldest first. */
  logs?(query: LogQuery, context: PortContext): MaybePromise<LogPageFound>;
}
