/** Ports written in TypeScript, as the native module calls them: methods that take and give what JSON can hold. */

import type { IacError, ErrorDetails } from "./error.js";
import { InvalidInputError } from "./errors.js";
import { snakeCase } from "./key-case.js";
import { isClass, kindOf, shown } from "./options.js";
import type { PortContext } from "./ports/maybe-promise.js";
import { exact, type Fields, readFields, writeFields } from "./record.js";
import { recordOf, type ErrorData } from "./thrown.js";
import { Unfit } from "./value.js";

/** What the native module is told of a port. @internal */
export interface Port {
  /** Has the methods. */
  readonly target: Calls;
  /** `provider`, `event_bus`, `event_store` or `secret_resolver`. */
  readonly role: string;
  /** For messages, and the provider's name. */
  readonly name: string;
  /** Names of the methods that there are, as the core has them. */
  readonly methods: readonly string[];
  /** Of a secret resolver. */
  readonly schemes: readonly string[];
}

/** Data that a port answers: what it is called, and what it has. @internal */
export interface Shape {
  readonly name: string;
  readonly fields: Fields;
}

/** What an object in a role must have, and what its failures are. @internal */
export class Role {
  constructor(
    /** As the core calls it. */
    readonly name: string,
    /** Methods that it cannot do without. */
    readonly required: readonly string[],
    /** Methods that it may have. */
    readonly optional: readonly string[],
    /** What a wrong answer is, and anything thrown that is no error of ours. */
    readonly failed: new (message: string, details?: ErrorDetails) => IacError,
  ) {}

  /** The role, in a sentence. */
  get words(): string {
    return this.name.replace("_", " ");
  }

  /**
   * Whether `port` can be called in this role.
   *
   * @throws InvalidInputError It cannot: what is missing.
   */
  check(port: unknown): asserts port is object {
    if (isClass(port)) {
      const name = kindOf(port);
      throw this.refused(`${name} is a class: make an object of it, new ${name}(…)`);
    }
    const missing = this.required.filter((method) => !has(port, method));
    if (missing.length > 0) {
      const what = typeof port === "object" && port !== null ? kindOf(port) : shown(port);
      const text = `${what} is no ${this.words}: it lacks ${missing.join(", ")}; it needs ${this.required.join(", ")}`;
      throw this.refused(text, { missing: missing.join(", ") });
    }
  }

  /** The methods that `port` has, as the core calls them. */
  methodsOf(port: object): string[] {
    return [...this.required, ...this.optional].filter((method) => has(port, method)).map(snakeCase);
  }

  /** The error for an object that cannot be in this role. */
  refused(text: string, context: Record<string, string> = {}): InvalidInputError {
    return new InvalidInputError(text, { operation: this.name, context });
  }
}

function has(port: unknown, method: string): boolean {
  return typeof memberOf(port, method) === "function";
}

/** A member of an object that may throw when it is looked at; what cannot be looked at is not there. @internal */
export function memberOf(port: unknown, name: string): unknown {
  if (typeof port !== "object" || port === null) return undefined;
  try {
    return (port as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

/** A method over JSON: its arguments by position, and what the native module is answered. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what the core gives is what its documentation says.
/** @internal */
export type Method = (given: any[], context: PortContext) => Promise<unknown>;

/** Calls the methods of a port, and judges what they return. @internal */
export abstract class Calls {
  /** By the core's names. */
  protected abstract readonly methods: { readonly [method: string]: Method };

  constructor(
    protected readonly role: Role,
    protected readonly port: object,
    protected readonly name: string,
  ) {}

  /** What the core asks: `{"method": …, "arguments": […]}`. */
  async answer(request: string, context: PortContext): Promise<unknown> {
    const { method, arguments: given } = JSON.parse(request) as { method: string; arguments: unknown[] };
    const call = this.methods[method];
    if (call === undefined) throw this.role.refused(`${this.name} has no method ${method}`);
    return call(given, context);
  }

  /** The record of what answering `request` failed with. */
  failure(thrown: unknown, request: string): ErrorData {
    const operation = this.operation((JSON.parse(request) as { method: string }).method);
    return recordOf(thrown, this.role.failed.prototype.code, operation, `${operation} of ${this.name}`);
  }

  /** The project is being closed, and calls no more. */
  async end(): Promise<void> {}

  protected async ask(method: string, ...given: unknown[]): Promise<unknown> {
    const call = memberOf(this.port, method);
    if (typeof call !== "function") throw new TypeError(`it has no method ${method} any more`);
    return Reflect.apply(call, this.port, given) as unknown;
  }

  private operation(method: string): string {
    return `${this.role.name}.${snakeCase(method)}`;
  }

  /** The error for an answer that is something else. It shows no value: that may be a secret. */
  protected refuse(method: string, answer: unknown, expected: string): IacError {
    return this.wrong(method, `${shown(answer)}: expected ${expected}`);
  }

  private wrong(method: string, what: string): IacError {
    const operation = this.operation(method);
    return new this.role.failed(`${operation} of ${this.name} returned ${what}`, { operation });
  }

  /** What a `shape` is in JSON. */
  protected record(method: string, answer: unknown, shape: Shape): Record<string, unknown> {
    if (typeof answer !== "object" || answer === null || Array.isArray(answer)) {
      throw this.refuse(method, answer, shape.name);
    }
    try {
      return exact(writeFields(shape.fields, readFields(shape.fields, answer, true)));
    } catch (error) {
      const { path, why } = Unfit.of(error);
      throw this.wrong(method, path === "" ? `${shape.name}, which ${why}` : `${shape.name} whose \`${path}\` ${why}`);
    }
  }

  /** What several of a `shape` are in JSON. */
  protected records(method: string, answer: unknown, shape: Shape): Record<string, unknown>[] {
    return this.items(method, answer, shape.name).map((item) => this.record(method, item, shape));
  }

  /** The items of a list of objects, not yet judged. */
  protected items(method: string, answer: unknown, name: string): object[] {
    if (!Array.isArray(answer)) throw this.refuse(method, answer, `a list of ${name}`);
    return [...(answer as unknown[])].map((item, at) => {
      if (typeof item === "object" && item !== null) return item;
      throw this.wrong(method, `a list with ${shown(item)} at ${at}: expected ${name}`);
    });
  }

  protected text(method: string, answer: unknown, expected: string): string {
    if (typeof answer === "string") return answer;
    throw this.refuse(method, answer, expected);
  }

  protected textOrNull(method: string, answer: unknown, expected: string): string | null {
    return answer === null || answer === undefined ? null : this.text(method, answer, expected);
  }

  protected number(method: string, answer: unknown, expected: string): number {
    if (typeof answer === "number" && Number.isSafeInteger(answer) && answer >= 0) return answer;
    throw this.refuse(method, answer, expected);
  }
}
