/** The facade: a project with its log, its providers and its handlers. */

import { DeploymentAnswer, type DeployAnswer, DiscoverAnswer, InvokeAnswer, PlanAnswer } from "./answers.js";
import { type PublishAnswer, RefreshAnswer, StatusAnswer } from "./answers.js";
import { depth } from "./causation.js";
import { delivered } from "./delivered.js";
import type { ApplicationEvent, InfrastructureEvent } from "./event.js";
import { EventBus } from "./event-bus.js";
import {
  DeploymentRequested,
  EnvironmentConfigurationRequested,
  OrphanRemovalRequested,
  RemovalRequested,
  RollbackRequested,
  ScalingRequested,
} from "./events/index.js";
import type { EventClass, EventOf, Handle, ListenOptions } from "./listen.js";
import { logPage } from "./log-page.js";
import { nested } from "./nesting.js";
import { endOf, type Given, optionsOf, seconds, signalOrNull, text, textOrNull, time, wholeFrom } from "./options.js";
import type { LogPage } from "./ports/functions.js";
import { answerOf, outcome, type Publishable, wire } from "./publish.js";
import type * as run from "./run-options.js";
import { Session } from "./session.js";
import { type OpenOptions, Settings } from "./settings.js";
import { EventStream, type EventsOptions, Wanted } from "./stream.js";
import { type Subscription, Subscriptions } from "./subscriptions.js";

/** An event of the log. */
type Event = InfrastructureEvent | ApplicationEvent;

const DEPLOY = ["environment", "provider", "region", "configuration", "signal"] as const;
const SCALE = [
  "environment",
  "function",
  "reservedConcurrency",
  "provisionedConcurrency",
  "minReplicas",
  "maxReplicas",
  "signal",
] as const;

/**
 * A project: `const iac = await Iac.open(".")`, or `await using`.
 *
 * Methods that change something reject with an `IacError` where they fail; what a run had done until then is in
 * `error.answer`. Where a run is aborted by its signal, it rejects once the run has stopped in order and recorded that it
 * was cancelled.
 */
export class Iac {
  readonly #settings: Settings;
  readonly #session: Session;
  readonly #subscriptions: Subscriptions;

  private constructor(settings: Settings, session: Session) {
    this.#settings = settings;
    this.#session = session;
    this.#subscriptions = new Subscriptions(session, (event) => this.publish(event as Publishable));
  }

  /**
   * Opens the project in `directory`, which has a `semantest.toml`.
   *
   * @throws InvalidInputError A setting cannot be, or a port lacks something.
   * @throws InvalidProjectError There is no project, or it cannot be read.
   */
  static async open(directory: string | URL = ".", options: OpenOptions = {}): Promise<Iac> {
    const settings = Settings.checked(directory, options);
    return new Iac(settings, await Session.open(settings));
  }

  /**
   * Waits for runs that are under way, then ends. Twice is harmless. A handler does not wait here: its own run would never
   * end.
   */
  async close(): Promise<void> {
    const closed = this.#session.close().finally(() => this.#subscriptions.end());
    if (!inHandler()) return closed;
    closed.catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The project's name. */
  get project(): string {
    return this.#opened().project;
  }

  #opened(): Session {
    const session = this.#session;
    // What is under way when it is closed goes on to its end, with all that its handlers do.
    if (session.isClosed || (session.isClosing && !inHandler())) throw Session.refusal();
    return session;
  }

  async #ready(): Promise<Session> {
    const session = this.#opened();
    await this.#subscriptions.settle();
    return session;
  }

  async #ask<T>(name: string, about: object, signal: unknown): Promise<T> {
    const session = await this.#ready();
    return session.ask<T>(name, about, signalOrNull(signal));
  }

  // Events in

  /**
   * Takes an event in: requests are carried out, application events go through the bridge.
   *
   * `event` is a request, an `ApplicationEvent`, an event of a class of your own, or a CloudEvents object (or only its
   * `type` and `data`). What is published while an event is handled goes back to that event.
   *
   * @throws IacError Of the kind of what failed, with the answer as `error.answer`; `HandlerFailedError` where all went
   * well but for handlers: `error.failures` has them, `error.cause` is what the first one threw.
   */
  async publish(event: Publishable, options: run.SignalOptions = {}): Promise<PublishAnswer> {
    const signal = signalOrNull(optionsOf("publish", options, ["signal"]).signal);
    const session = this.#opened();
    return session.running(nested(wire(event), ({ text }) => this.#carryOut(session, text, signal)));
  }

  async #carryOut(session: Session, event: string, signal: AbortSignal | null): Promise<PublishAnswer> {
    const settling = this.#subscriptions.settle();
    if (settling !== null) await settling;
    const ended = await session.carryOut((engine, call) => engine.publish(call, event), outcome, signal);
    return answerOf(ended, this.#settings.ports.raised, signal);
  }

  async #request(event: InfrastructureEvent, signal: unknown): Promise<DeployAnswer> {
    const { result } = await this.publish(event, { signal: signalOrNull(signal) });
    return result as DeployAnswer;
  }

  /** Deploys a component: as its definition says, with `configuration` laid over it. */
  async deploy(component: string, options: run.DeployOptions = {}): Promise<DeployAnswer> {
    const { signal, ...given } = optionsOf("deploy", options, DEPLOY);
    return this.#request(deployment(component, given), signal);
  }

  /** Takes a component away. */
  async destroy(component: string, options: run.EnvironmentOptions = {}): Promise<DeployAnswer> {
    const { signal, environment } = optionsOf("destroy", options, ["environment", "signal"]);
    return this.#request(removal(component, environment), signal);
  }

  /** Goes back to an earlier version, code included; without one, to the one before the current. */
  async rollback(component: string, options: run.RollbackOptions = {}): Promise<DeployAnswer> {
    const { signal, ...given } = optionsOf("rollback", options, ["environment", "version", "signal"]);
    return this.#request(new RollbackRequested(about(component, given)), signal);
  }

  /** Changes how many run at once; what is not given stays as it is. */
  async scale(component: string, options: run.ScaleOptions = {}): Promise<DeployAnswer> {
    const { signal, ...given } = optionsOf("scale", options, SCALE);
    return this.#request(new ScalingRequested(about(component, given)), signal);
  }

  /** Changes settings, code untouched. A variable is text, or a reference `{ secret: "env:NAME" }`. */
  async configure(component: string, options: run.ConfigureOptions = {}): Promise<DeployAnswer> {
    const names = ["environment", "variables", "unset", "tags", "signal"] as const;
    const { signal, ...given } = optionsOf("configure", options, names);
    return this.#request(new EnvironmentConfigurationRequested(about(component, given)), signal);
  }

  /** Takes away what carries the component's tags and is in no log, and nothing else. */
  async removeOrphans(component: string, options: run.RemoveOrphansOptions): Promise<DeployAnswer> {
    const { signal, ...given } = optionsOf("removeOrphans", options, ["environment", "provider", "region", "signal"]);
    return this.#request(new OrphanRemovalRequested(about(component, given)), signal);
  }

  // Questions

  /** What `deploy` would do. Changes nothing. */
  async plan(component: string, options: run.DeployOptions = {}): Promise<PlanAnswer> {
    const { signal, ...given } = optionsOf("plan", options, DEPLOY);
    return this.#plan(deployment(component, given), signal);
  }

  /** What `destroy` would do. Changes nothing. */
  async planRemoval(component: string, options: run.EnvironmentOptions = {}): Promise<PlanAnswer> {
    const { signal, environment } = optionsOf("planRemoval", options, ["environment", "signal"]);
    return this.#plan(removal(component, environment), signal);
  }

  async #plan(request: InfrastructureEvent, signal: unknown): Promise<PlanAnswer> {
    const event = JSON.parse(wire(request).text) as unknown;
    return PlanAnswer.fromJSON(await this.#ask("plan", { event }, signal));
  }

  /** Deployments, as the log says. */
  async status(component: string | null = null, options: run.StatusOptions = {}): Promise<StatusAnswer> {
    const given = optionsOf("status", options, ["environment", "signal"]);
    const asked = {
      component: textOrNull("component", component),
      environment: textOrNull("environment", given.environment),
    };
    return StatusAnswer.fromJSON(await this.#ask("status", asked, given.signal));
  }

  /** A deployment as it was at a version or at a time. */
  async state(component: string, options: run.StateOptions = {}): Promise<DeploymentAnswer> {
    const given = optionsOf("state", options, ["environment", "version", "time", "signal"]);
    const asked = {
      ...place(component, given),
      version: given.version === undefined ? null : wholeFrom(0, "version", given.version, "a version"),
      time: given.time === undefined ? null : endOf("time", given.time),
    };
    return DeploymentAnswer.fromJSON(await this.#ask("state", asked, given.signal));
  }

  /** Every event of a deployment, oldest first. */
  async history(component: string, options: run.EnvironmentOptions = {}): Promise<Event[]> {
    const given = optionsOf("history", options, ["environment", "signal"]);
    const signal = signalOrNull(given.signal);
    const { environment, component: name } = place(component, given);
    const session = await this.#ready();
    const { events } = await session.waitFor<{ events: Parameters<typeof delivered>[0][] }>(
      (engine, call) => engine.history(call, environment, name),
      signal === null ? [] : [signal],
    );
    return events.map((event) => delivered(event));
  }

  /** Looks for what is not as the log says, and records it (`DriftDetected`). Where it is aborted, nothing is recorded. */
  async drift(component: string, options: run.EnvironmentOptions = {}): Promise<RefreshAnswer> {
    const given = optionsOf("drift", options, ["environment", "signal"]);
    const [about, signal] = [place(component, given), signalOrNull(given.signal)];
    const session = this.#opened();
    const looking = async (): Promise<unknown> => {
      await this.#subscriptions.settle();
      return session.record("refresh", about, signal);
    };
    return RefreshAnswer.fromJSON(await session.running(looking()));
  }

  /** What carries this project's tags and is in no log. Changes nothing. */
  async discover(options: run.DiscoverOptions = {}): Promise<DiscoverAnswer> {
    const names = ["environment", "component", "provider", "region", "signal"] as const;
    const given = optionsOf("discover", options, names);
    const asked = {
      environment: text("environment", given.environment ?? "dev"),
      component: textOrNull("component", given.component),
      provider: textOrNull("provider", given.provider),
      region: textOrNull("region", given.region),
    };
    return DiscoverAnswer.fromJSON(await this.#ask("discover", asked, given.signal));
  }

  /**
   * Calls a deployed function with `payload` (anything that JSON can hold). Its failure is an answer with `errorType`.
   */
  async invoke(component: string, payload: unknown = null, options: run.InvokeOptions = {}): Promise<InvokeAnswer> {
    const given = optionsOf("invoke", options, ["environment", "function", "signal"]);
    const asked = {
      ...place(component, given),
      function: textOrNull("function", given.function),
      payload: payload ?? null,
    };
    return InvokeAnswer.fromJSON(await this.#ask("invoke", asked, given.signal));
  }

  /** Log lines of a function; `answer.cursor` is where to go on. */
  async logs(component: string, options: run.LogsOptions = {}): Promise<LogPage> {
    const names = ["environment", "function", "since", "limit", "cursor", "wait", "signal"] as const;
    const given = optionsOf("logs", options, names);
    const asked = {
      ...place(component, given),
      function: textOrNull("function", given.function),
      cursor: textOrNull("cursor", given.cursor),
      since: given.since === undefined ? null : time("since", given.since),
      limit: given.limit === undefined ? 1000 : wholeFrom(0, "limit", given.limit, "a number of lines"),
      wait_s: given.wait === undefined ? 0 : seconds("wait", given.wait),
    };
    return logPage(await this.#ask("logs", asked, given.signal));
  }

  /**
   * The position of the last event of the log, 0 where it is empty: `events({ after: await iac.head(), follow: true })` has
   * only what is still to come.
   */
  async head(options: run.SignalOptions = {}): Promise<number> {
    const signal = signalOrNull(optionsOf("head", options, ["signal"]).signal);
    const session = await this.#ready();
    return session.waitFor<number>((engine, call) => engine.head(call), signal === null ? [] : [signal]);
  }

  // Events out

  /**
   * Has handlers called for what this process records from now on: functions marked with `listen`, objects with marked
   * methods, objects of an `@EventHandler` class, and an `EventBus`.
   *
   * @throws InvalidInputError Nothing of it is marked, or it is included already.
   */
  include(...handlers: readonly object[]): void {
    this.#opened();
    for (const handler of handlers) {
      if (handler instanceof EventBus) handler.connect(this);
      else this.#subscriptions.include(handler);
    }
  }

  /** Has a function called for `events` (all, where none are named), until `await subscription.cancel()`. */
  subscribe<Named extends readonly (EventClass | string)[]>(
    handler: Handle<Named extends readonly [] ? Event : EventOf<Named[number]>>,
    ...events: Named
  ): Subscription;
  subscribe<Named extends readonly (EventClass | string)[]>(
    handler: Handle<Named extends readonly [] ? Event : EventOf<Named[number]>>,
    ...given: [...events: Named, options: ListenOptions]
  ): Subscription;
  subscribe(handler: unknown, ...given: readonly unknown[]): Subscription {
    this.#opened();
    return this.#subscriptions.subscribe(handler, given);
  }

  /**
   * Events of the log, oldest first: those named (all, where none are named), after what the options say; with `follow`,
   * also those to come, of other processes too.
   *
   * @throws InvalidInputError Something that is no event, or no option.
   */
  events<Named extends readonly (EventClass | string)[]>(
    ...events: Named
  ): EventStream<Named extends readonly [] ? Event : EventOf<Named[number]>>;
  events<Named extends readonly (EventClass | string)[]>(
    ...given: [...events: Named, options: EventsOptions]
  ): EventStream<Named extends readonly [] ? Event : EventOf<Named[number]>>;
  events(...given: readonly unknown[]): EventStream<Event> {
    return new EventStream(() => this.#ready(), Wanted.checked(given));
  }
}

/** Whether the caller runs inside of a handler. */
function inHandler(): boolean {
  return depth() > 0;
}

function place(component: unknown, given: Given<"environment">): { component: string; environment: string } {
  return {
    component: text("component", component),
    environment: text("environment", given.environment ?? "dev"),
  };
}

/** The fields of a request, which judges them itself. */
function about(component: unknown, given: Given<string>): never {
  return { environment: "dev", ...given, component } as never;
}

function deployment(component: unknown, given: Given<string>): DeploymentRequested {
  return new DeploymentRequested(about(component, given));
}

function removal(component: unknown, environment: unknown): RemovalRequested {
  return new RemovalRequested(about(component, environment === undefined ? {} : { environment }));
}
