/** Who is called for what is recorded. */

import { type Answering, bridge } from "./bridge.js";
import { deliverer, explained, type Publish } from "./handlers.js";
import { type Listener, listenersOf, needsInstance, sameListener } from "./listen.js";
import { called, type Mark, markOf, merged, splitOptions } from "./listen.js";
import { isClass, kindOf, refused, shown } from "./options.js";
import { isThenable } from "./patience.js";
import type { Session } from "./session.js";

/** A handler that is called until it is cancelled. */
export class Subscription {
  readonly #of: Subscriptions;

  /** @internal */
  constructor(
    of: Subscriptions,
    /** The handler's name. */
    readonly name: string,
  ) {
    this.#of = of;
  }

  /** It is not called any more. Twice is harmless. */
  async cancel(): Promise<void> {
    await this.#of.drop(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cancel();
  }
}

/** What is known of a subscription. */
interface Entry {
  readonly subscription: Subscription;
  readonly listener: Listener;
  readonly names: readonly string[];
  /** What the native module calls. */
  readonly target: number;
  /** The native module's number for it, once it has one. */
  number: number | null;
}

/**
 * The handlers of one Iac. `include` waits for nothing: what is new is subscribed at once, and before the next call and the end
 * of the handler that included it.
 *
 * @internal
 */
export class Subscriptions {
  readonly #session: Session;
  readonly #publish: Publish;
  readonly #all = new Map<Subscription, Entry>();
  readonly #new: Entry[] = [];
  #settling: Promise<void> | null = null;

  constructor(session: Session, publish: Publish) {
    this.#session = session;
    this.#publish = publish;
  }

  /**
   * Subscribes those that are new, and waits for those that another call subscribes meanwhile: what is published after
   * `include` is heard. Null where there is nothing to wait for.
   */
  settle(): Promise<void> | null {
    if (this.#settling !== null) return this.#settling;
    if (this.#new.length === 0) return null;
    this.#settling = this.#subscribe();
    return this.#settling;
  }

  async #subscribe(): Promise<void> {
    try {
      for (let entry = this.#new[0]; entry !== undefined; entry = this.#new[0]) await this.#subscribeOne(entry);
    } finally {
      // At once: who comes later begins anew.
      this.#settling = null;
    }
  }

  async #subscribeOne(entry: Entry): Promise<void> {
    const { listener, names, target } = entry;
    const number = await this.#session.waitFor<number>((engine, call) => {
      engine.subscribe(call, target, listener.name, [...names]);
    });
    // One that failed stays, so that it is tried again and told again.
    const at = this.#new.indexOf(entry);
    if (at >= 0) this.#new.splice(at, 1);
    if (this.#all.has(entry.subscription)) entry.number = number;
    // Cancelled meanwhile.
    else await this.#unsubscribe(number);
  }

  /** Everything in `handler` that is marked. */
  include(handler: unknown): void {
    if (needsInstance(handler)) {
      const name = called(handler);
      throw refused(`${name} has handlers that need an instance: include new ${name}(…)`);
    }
    const listeners = listenersOf(handler);
    if (listeners.length === 0) {
      const what = typeof handler === "object" && handler !== null ? kindOf(handler) : shown(handler);
      throw refused(`${what} has nothing marked with listen(Event), and is no @EventHandler(Event)`);
    }
    for (const listener of listeners) {
      const known = [...this.#all.values()].some((entry) => sameListener(entry.listener, listener));
      if (known) throw refused(`${listener.name} is included already`, { handler: listener.name });
    }
    for (const listener of listeners) this.#add(listener, merged(listener.marks));
  }

  /** One function, which need not be marked. */
  subscribe(handler: unknown, given: readonly unknown[]): Subscription {
    if (typeof handler !== "function" || isClass(handler)) {
      throw refused(`a handler is a function, not ${shown(handler)}`);
    }
    const [events, options] = splitOptions(given);
    const mark = markOf(events, options);
    const name = mark.name ?? (called(handler) || "a function");
    return this.#add({ name, call: handler as Listener["call"], marks: [mark] }, mark);
  }

  #add(listener: Listener, mark: Mark): Subscription {
    const subscription = new Subscription(this, listener.name);
    const deliver = deliverer(listener, mark, this.#publish);
    const deliverWhile: Answering = (request, attendance) => {
      return this.#all.has(subscription) ? this.#settled(deliver(request, attendance)) : null;
    };
    const target = bridge().serve(deliverWhile, explained(listener.name));
    const entry: Entry = { subscription, listener, names: mark.namesToAskFor, target, number: null };
    this.#all.set(subscription, entry);
    this.#new.push(entry);
    // Where it fails, the next call tells.
    this.settle()?.catch(() => {});
    return subscription;
  }

  /** What a handler gave, once those are subscribed that it included: they hear what the run records next. */
  #settled(given: unknown): unknown {
    if (!isThenable(given)) return this.#settling === null ? given : this.#settling.then(() => given, () => given);
    return given.then((value) => this.#settled(value));
  }

  /** Ends one. */
  async drop(subscription: Subscription): Promise<void> {
    const entry = this.#all.get(subscription);
    if (entry === undefined) return;
    this.#all.delete(subscription);
    const at = this.#new.indexOf(entry);
    if (at >= 0) this.#new.splice(at, 1);
    const { number, target } = entry;
    if (number !== null && !this.#session.isClosed) await this.#unsubscribe(number);
    // What is being published may be on its way to it.
    void this.#session.idle().then(() => bridge().forget(target));
  }

  async #unsubscribe(number: number): Promise<void> {
    await this.#session.waitFor((engine, call) => engine.unsubscribe(call, number));
  }

  /** The project is closed: nobody is called any more. */
  end(): void {
    for (const { target } of this.#all.values()) bridge().forget(target);
    this.#all.clear();
    this.#new.length = 0;
  }
}
