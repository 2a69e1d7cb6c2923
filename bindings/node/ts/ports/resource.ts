/** Resources: as a provider wants them, and as it is asked to make them. */

import type { ResourceRole } from "../records.js";

export type { ResourceRole };

/** Whose a resource is. Every resource carries these four; what does not is never touched. */
export interface OwnershipTags {
  /** Project name. */
  readonly project: string;
  /** Environment name. */
  readonly environment: string;
  /** Component name. */
  readonly component: string;
  /** Address in the graph. */
  readonly address: string;
}

/** Whether both name the same owner. */
export function sameTags(one: OwnershipTags, other: OwnershipTags): boolean {
  return (
    one.project === other.project &&
    one.environment === other.environment &&
    one.component === other.component &&
    one.address === other.address
  );
}

/**
 * A wanted resource: what `lower` answers.
 *
 * A resource that the outside world hears of (`role`) gives it through outputs of fixed names: `arn`, `endpoint`, and
 * `function_name`, `api_id` or `service_name`.
 */
export interface Resource {
  /** Where it stands in its graph, e.g. `function.rest-api`: letters, digits, `.`, `_` and `-`. */
  readonly address: string;
  /** The provider's word for what it is. */
  readonly kind: string;
  /**
   * What it should be; the same blueprint has to give the same inputs. They may hold references to outputs of others
   * (see `outputOf`) and references to secrets (`{ secret: "env:NAME" }`); inside `environment_variables` and `tags`,
   * which are the user's own text, `${…}` is not a reference.
   */
  readonly inputs: { readonly [name: string]: unknown };
  /** Addresses beside those that references in `inputs` imply. */
  readonly dependsOn?: readonly string[] | null | undefined;
  /** Top-level inputs that cannot be changed in place. */
  readonly replaceOn?: readonly string[] | null | undefined;
  /** Outputs that an update in place may change; whatever refers to one is updated too. */
  readonly volatileOutputs?: readonly string[] | null | undefined;
  /** Top-level inputs whose change leaves every output as it is, volatile ones too. */
  readonly steadyInputs?: readonly string[] | null | undefined;
  /** Whether the outside world hears of it, and as what. */
  readonly role?: ResourceRole | null | undefined;
}

/** A reference to an output of a resource, for the inputs of another. */
export function outputOf(resource: Pick<Resource, "address">, name: string): string {
  return `\${${resource.address}.${name}}`;
}

/** A resource to look at, to change or to delete. */
export interface ResourceHandle {
  /** Whose it is. */
  readonly tags: OwnershipTags;
  /** The provider's word for what it is. */
  readonly kind: string;
  /**
   * What it was last asked to be, references to outputs substituted. An orphan that is taken away has none, but for its
   * region.
   */
  readonly inputs: { readonly [name: string]: unknown };
  /** The cloud's id, where known: not for a change whose outcome was never recorded. */
  readonly id: string | null;
  /** What it last answered. */
  readonly outputs: { readonly [name: string]: unknown };
}
