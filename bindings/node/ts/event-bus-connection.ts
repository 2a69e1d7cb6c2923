/** An `EventBus` connected to an `Iac`: requests go out, what happened comes in. */

import type { PublishAnswer } from "./answers.js";
import type { HandlerFailure } from "./error.js";
import { HandlerFailedError } from "./errors.js";
import { handlerFailed, unfolded } from "./event-bus-failures.js";
import { nameOf } from "./mark.js";
import { isOurs } from "./semantest/names.js";

/** What carries requests out and tells what happened: an `Iac`. */
export interface Carrier {
  /** Carries a request out, takes an application event in. */
  publish(event: never, options?: { readonly signal?: AbortSignal | undefined }): Promise<PublishAnswer>;
  /** Hands every recorded event to `handler`. */
  subscribe(handler: (event: object) => unknown, ...options: never): { cancel(): unknown };
}

/** Between a bus and a carrier, until it is closed. @internal */
export class Connection {
  readonly carrier: Carrier;
  readonly #subscription: { cancel(): unknown };

  constructor(carrier: Carrier, name: string, deliver: (event: object) => Promise<readonly HandlerFailure[]>) {
    this.carrier = carrier;
    const hear = async (event: object): Promise<void> => {
      const [first, ...others] = await deliver(event);
      // To the carrier: it keeps count of what could not be delivered.
      if (first !== undefined) throw handlerFailed(event, [first, ...others]);
    };
    // Its handlers have their own time, each of them.
    this.#subscription = carrier.subscribe(hear, ...([{ name, timeout: null }] as unknown as never));
  }

  /** What the carrier tells from now on is not passed on. */
  close(): void {
    // A project that was closed meanwhile tells nothing any more.
    void Promise.resolve(this.#subscription.cancel()).catch(() => undefined);
  }

  /**
   * Has a request carried out, and an application event that nobody on the bus `heard`.
   *
   * Facts of ours stay on the bus: only a deployment records them. Handlers on the bus that failed meanwhile are told apart
   * from the request itself, which rejects with its own error.
   */
  async carryOut(
    event: object,
    heard: boolean,
    signal: AbortSignal | undefined,
  ): Promise<{ answer: PublishAnswer | null; failures: readonly HandlerFailure[] }> {
    const name = nameOf(event);
    if (isOurs(name) ? !name.endsWith("Requested") : heard) return { answer: null, failures: [] };
    try {
      return { answer: await this.carrier.publish(event as never, signal ? { signal } : {}), failures: [] };
    } catch (error) {
      if (!(error instanceof HandlerFailedError)) throw error;
      const failures = error.failures.length > 0 ? unfolded(error.failures) : [failureOf(error)];
      return { answer: error.answer as PublishAnswer | null, failures };
    }
  }
}

function failureOf(error: HandlerFailedError): HandlerFailure {
  return { handler: "Iac.publish", eventId: error.context["event_id"] ?? "", error };
}
