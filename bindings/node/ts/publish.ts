/** What is sent to be published, and what comes back. */

import { type DeployAnswer, PublishAnswer } from "./answers.js";
import { bridge } from "./bridge.js";
import { stampCloudEvent, stamped } from "./causation.js";
import type { CloudEventObject } from "./cloudevent.js";
import { type HandlerFailure, IacError } from "./error.js";
import { HandlerFailedError } from "./errors.js";
import { CloudEvent } from "./event.js";
import { type AnyEvent, cloudEventOf, isEvent } from "./live-event.js";
import { asJson, kindOf, refused, shown } from "./options.js";
import { newId } from "./native.js";
import { exact, refusing } from "./record.js";
import type { Raised, Thrown } from "./port-raised.js";
import { aborted } from "./session.js";

/**
 * What can be published: an event of this package, of an application's own class, of Semantest's core, or a CloudEvents
 * object (or only its `type` and `data`).
 */
export type Publishable = AnyEvent | CloudEvent | Partial<CloudEventObject>;

/** An event on its way to the native module. @internal */
export interface Wired {
  readonly id: unknown;
  /** A CloudEvents object, or only a part of one. */
  readonly text: string;
}

/**
 * An event as JSON text of a CloudEvents object, stamped with what is being handled.
 *
 * @throws InvalidInputError It is no event.
 *
 * @internal
 */
export function wire(event: unknown): Wired {
  try {
    if (event instanceof CloudEvent) return { id: event.eventId, text: ofOurs(stamped(event)) };
    if (typeof event !== "object" || event === null || Array.isArray(event)) {
      throw refused(`publish takes an event or a CloudEvents object, not ${shown(event)}`);
    }
    // Those that write themselves are stamped as they are written.
    const written = isEvent(event) ? stampCloudEvent(cloudEventOf(stamped(event))) : mapping(event);
    return { id: written.id, text: asJson(written, "the event") };
  } catch (error) {
    if (error instanceof IacError) throw error;
    throw refused("the event cannot be read: it throws when it is looked at");
  }
}

function ofOurs(event: CloudEvent): string {
  const written: Partial<CloudEventObject> = event.toCloudEvent();
  if (event.source === "") {
    // An event that is not yet a whole one: the project is its source.
    delete written.source;
    delete written.specversion;
  }
  return JSON.stringify(refusing("the event", "node.call", () => exact(written)));
}

function mapping(event: object): Partial<CloudEventObject> {
  const prototype: unknown = Object.getPrototypeOf(event);
  // Of another realm, its prototype is another Object.prototype.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw refused(`publish takes an event or a CloudEvents object, not ${kindOf(event)}`);
  }
  const written = stampCloudEvent(event as Partial<CloudEventObject>);
  // A whole CloudEvents object has an id of its own, or is none.
  return written.specversion === undefined ? { id: newId(), ...written } : written;
}

/** The end of a publish. @internal */
export interface Outcome {
  readonly answer: PublishAnswer | null;
  /** Why it was not carried out, as data, and what was thrown. */
  readonly error: { readonly record: object; readonly behind: Thrown | null } | null;
  readonly failed: readonly { readonly handler: string; readonly eventId: string; readonly error: IacError }[];
}

/** The end of a publish as the native module tells it. */
interface Told {
  readonly answer: object | null;
  readonly error: object | null;
  readonly failed: readonly { readonly handler: string; readonly event_id: string; readonly error: object }[];
}

/** Reads how a publish ended: at once, since what was thrown is forgotten afterwards. @internal */
export function outcome(answer: unknown): Outcome {
  const told = answer as Told;
  return {
    answer: told.answer === null ? null : PublishAnswer.fromJSON(told.answer),
    error: told.error === null ? null : { record: told.error, behind: bridge().thrownOf(told.error) },
    failed: told.failed.map(({ handler, event_id, error }) => {
      return { handler, eventId: event_id, error: bridge().errorOf(error) };
    }),
  };
}

/**
 * The answer, where all went well. `raised` has what ports in TypeScript threw.
 *
 * @throws IacError What went wrong: the run first, then its handlers.
 *
 * @internal
 */
export function answerOf(
  { answer, error, failed }: Outcome,
  raised: Raised,
  signal: AbortSignal | null,
): PublishAnswer {
  const failures = failed.map(({ handler, eventId, error: told }) => {
    const kept = raised.take(handler, eventId);
    return { handler, eventId, error: originOf(kept === null ? told : kept.thrown) };
  });
  const ended = (record: object, of: DeployAnswer | null, behind: Thrown | null): IacError => {
    const { code, message, context } = IacError.of(record);
    if (code !== "cancelled" || signal?.aborted !== true) {
      return IacError.of(record, of, { ...causedBy(behind), failures });
    }
    return aborted(signal, message, { context, answer: of, failures });
  };
  if (error !== null) throw ended(error.record, null, error.behind);
  const result = answer?.result ?? null;
  if (result !== null) {
    const behind = result.error ? raised.causeOf(result.error, result.deployment) : null;
    raised.forget(result.deployment);
    if (result.error) throw ended(result.error, result, behind);
  }
  const [first] = failures;
  if (first !== undefined) throw handlersFailed(failed[0]!.error, first, failures, answer);
  if (answer === null) throw refused("the native module gave no answer");
  return answer;
}

function handlersFailed(
  told: IacError,
  first: HandlerFailure,
  failures: readonly HandlerFailure[],
  answer: PublishAnswer | null,
): HandlerFailedError {
  const more = failures.length > 1 ? ` (and ${failures.length - 1} more)` : "";
  return new HandlerFailedError(`${told.message}${more}`, {
    operation: "handler.handle",
    context: { handler: first.handler, event: first.eventId },
    answer,
    failures,
    cause: first.error,
  });
}

/** What a handler threw, where an error tells of it. */
function originOf(told: unknown): unknown {
  return told instanceof IacError && Object.hasOwn(told, "cause") ? told.cause : told;
}

function causedBy(behind: Thrown | null): { cause?: unknown } {
  return behind === null ? {} : { cause: behind.thrown };
}
