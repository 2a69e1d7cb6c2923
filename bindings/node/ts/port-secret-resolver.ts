/** Resolvers of secrets written in TypeScript. */

import { SecretUnresolvedError } from "./errors.js";
import { kindOf } from "./options.js";
import { Calls, memberOf, type Method, type Port, Role } from "./port.js";

/** What a resolver of secrets is. @internal */
export const SECRET_RESOLVER: Role = new Role("secret_resolver", ["resolve"], ["digest"], SecretUnresolvedError);

/**
 * A resolver of secrets for the native module.
 *
 * @throws InvalidInputError It is none.
 *
 * @internal
 */
export function secretResolver(port: unknown): Port {
  SECRET_RESOLVER.check(port);
  const name = kindOf(port);
  const target = new SecretResolverCalls(port, name);
  const methods = SECRET_RESOLVER.methodsOf(port);
  return { target, role: SECRET_RESOLVER.name, name, methods, schemes: schemesOf(port, name) };
}

function schemesOf(port: object, name: string): string[] {
  const schemes = memberOf(port, "schemes");
  const advice = 'give it some, such as schemes = ["vault"] for `vault:path/of/secret`';
  const none = (): Error => SECRET_RESOLVER.refused(`${name} has no \`schemes\`: ${advice}`, { missing: "schemes" });
  if (schemes === undefined || schemes === null) throw none();
  if (typeof schemes !== "object" || !(Symbol.iterator in schemes)) {
    throw SECRET_RESOLVER.refused(`\`schemes\` of ${name} is no list: ${advice}`);
  }
  const listed = [...(schemes as Iterable<unknown>)];
  if (listed.length === 0) throw none();
  const texts = listed.filter((scheme) => typeof scheme === "string");
  if (texts.length < listed.length) {
    throw SECRET_RESOLVER.refused(`\`schemes\` of ${name} has one that is no text: ${advice}`);
  }
  return texts;
}

/** A secret resolver's methods over JSON. @internal */
export class SecretResolverCalls extends Calls {
  constructor(port: object, name: string) {
    super(SECRET_RESOLVER, port, name);
  }

  protected readonly methods: { readonly [method: string]: Method } = {
    resolve: async ([reference, region], context) => {
      const answer = await this.ask("resolve", reference, region, context);
      return this.textOrNull("resolve", answer, "text, or null where there is no such secret");
    },
    digest: async ([value], context) => this.text("digest", await this.digest(value, context), "text"),
  };

  protected digest(value: string, context: unknown): Promise<unknown> {
    return this.ask("digest", value, context);
  }
}
