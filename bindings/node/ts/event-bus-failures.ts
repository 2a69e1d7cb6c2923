/** The errors of an `EventBus`, made in one place. */

import type { DeployAnswer, PublishAnswer } from "./answers.js";
import { IacError, type HandlerFailure } from "./error.js";
import { HandlerFailedError, InvalidInputError, TimeoutError } from "./errors.js";
import { idOf } from "./causation.js";
import { called, nameOf } from "./mark.js";

/** The error for what cannot be meant. @internal */
export function invalid(
  operation: string,
  message: string,
  context: Readonly<Record<string, string>> = {},
): InvalidInputError {
  return new InvalidInputError(message, { operation, context });
}

/** The error for a handler that took longer than it may. @internal */
export function overdue(handler: string, event: object, seconds: number): TimeoutError {
  const context = { handler, event: nameOf(event), event_id: idOf(event) };
  const message = `${handler} took more than ${seconds} s on ${nameOf(event)}`;
  return new TimeoutError(message, { operation: "handler.call", context });
}

/** The error for everything that failed while `event` was delivered. @internal */
export function handlerFailed(
  event: object,
  failures: readonly [HandlerFailure, ...HandlerFailure[]],
  answer: PublishAnswer | DeployAnswer | null = null,
): HandlerFailedError {
  const name = nameOf(event);
  const said = failures.map(({ handler, error }) => `${handler}: ${described(error)}`).join("; ");
  const count = failures.length === 1 ? "a handler" : `${failures.length} handlers`;
  const handlers = failures.map(({ handler }) => handler).join(", ");
  // Published again, the event goes to those that failed only: worth it where one of them says so.
  const later = failures.some(({ error }) => error instanceof IacError && error.retry === "later");
  return new HandlerFailedError(`${count} failed on ${name}: ${said}`, {
    operation: "bus.publish",
    retry: later ? "later" : "never",
    context: { event: name, event_id: idOf(event), handlers },
    answer,
    failures,
    cause: failures[0].error,
  });
}

/** `TypeError: boom`; errors of ours speak for themselves. @internal */
export function described(error: unknown): string {
  if (error instanceof IacError) return error.message;
  if (!(error instanceof Error)) return `it threw ${called(error)}`;
  return error.message === "" ? error.name : `${error.name}: ${error.message}`;
}

/** The failures inside of an error that came back from whatever delivered, each told of its own. @internal */
export function unfolded(failures: readonly HandlerFailure[]): readonly HandlerFailure[] {
  return failures.flatMap((failure) => {
    const { error } = failure;
    return error instanceof HandlerFailedError && error.failures.length > 0 ? error.failures : [failure];
  });
}
