/** Options of the methods of `Iac`. What is not given, `null` or `undefined` has its default. */

import type { ComponentConfiguration, SettingValue } from "./configuration.js";

/** An option that may be left out. */
type Maybe<T> = T | null | undefined;

/** What can be called off. */
export interface SignalOptions {
  /**
   * Calls it off. A run is asked to end, finishes what is under way and records that it was cancelled; a question is not
   * waited for any more. Either rejects with an error named `AbortError` whose `cause` is the signal's reason.
   */
  readonly signal?: Maybe<AbortSignal>;
}

/** Which environment. */
export interface EnvironmentOptions extends SignalOptions {
  /** Environment name; `dev` where not given. */
  readonly environment?: Maybe<string>;
}

/** Options of `deploy` and `plan`. */
export interface DeployOptions extends EnvironmentOptions {
  /** Provider; the environment's where not given. */
  readonly provider?: Maybe<string>;
  /** Region; the environment's where not given. */
  readonly region?: Maybe<string>;
  /** Laid over the component's definition: the keys of the project file, in either spelling. */
  readonly configuration?: Maybe<ComponentConfiguration | { readonly [key: string]: unknown }>;
}

/** Options of `rollback`. */
export interface RollbackOptions extends EnvironmentOptions {
  /** Version to go back to; without it, to the one before the current. */
  readonly version?: Maybe<number>;
}

/** Options of `scale`: what is not given stays as it is. */
export interface ScaleOptions extends EnvironmentOptions {
  /** One function of several, by role. */
  readonly function?: Maybe<string>;
  /** Functions: at most this many at once. */
  readonly reservedConcurrency?: Maybe<number>;
  /** Functions: this many kept warm. */
  readonly provisionedConcurrency?: Maybe<number>;
  /** Container services: never fewer replicas. */
  readonly minReplicas?: Maybe<number>;
  /** Container services: never more replicas. */
  readonly maxReplicas?: Maybe<number>;
}

/** Options of `configure`. */
export interface ConfigureOptions extends EnvironmentOptions {
  /** Environment variables by name: text, or a reference `{ secret: "env:NAME" }`. */
  readonly variables?: Maybe<{ readonly [name: string]: SettingValue }>;
  /** Names of variables that are no longer set. */
  readonly unset?: Maybe<readonly string[]>;
  /** Tags by name. */
  readonly tags?: Maybe<{ readonly [name: string]: string }>;
}

/** Options of `removeOrphans`. */
export interface RemoveOrphansOptions extends EnvironmentOptions {
  /** Whose orphans. */
  readonly provider: string;
  /** Region; the environment's where not given. */
  readonly region?: Maybe<string>;
}

/** Options of `status`. */
export interface StatusOptions extends SignalOptions {
  /** Of this environment only. */
  readonly environment?: Maybe<string>;
}

/** Options of `state`: either of both. */
export interface StateOptions extends EnvironmentOptions {
  /** As it was at this version. */
  readonly version?: Maybe<number>;
  /** As it was at this time. */
  readonly time?: Maybe<Date>;
}

/** Options of `discover`. */
export interface DiscoverOptions extends EnvironmentOptions {
  /** Of this component only. */
  readonly component?: Maybe<string>;
  /** Provider; the environment's where not given. */
  readonly provider?: Maybe<string>;
  /** Region; the environment's where not given. */
  readonly region?: Maybe<string>;
}

/** Options of `invoke`. */
export interface InvokeOptions extends EnvironmentOptions {
  /** Role or name; needed where the component has several. */
  readonly function?: Maybe<string>;
}

/** Options of `logs`. */
export interface LogsOptions extends InvokeOptions {
  /** Only lines since then, on the first call. */
  readonly since?: Maybe<Date>;
  /** At most this many, the newest; 1000 where not given. */
  readonly limit?: Maybe<number>;
  /** Where to go on, as a former answer gave it. */
  readonly cursor?: Maybe<string>;
  /** Seconds to wait for new lines where there are none; 0 where not given. */
  readonly wait?: Maybe<number>;
}
