// The same component from a TypeScript program: a secret of its own, and what became of it.
import * as pulumi from "@pulumi/pulumi";

interface Inputs {
  component?: pulumi.Input<string>;
  environment?: pulumi.Input<string>;
  configuration?: pulumi.Input<Record<string, unknown>>;
  environmentVariables?: pulumi.Input<Record<string, pulumi.Input<string>>>;
}

class Deployment extends pulumi.CustomResource {
  declare readonly endpoint: pulumi.Output<string>;
  declare readonly functions: pulumi.Output<{ arn: string; functionName: string }[]>;

  constructor(name: string, inputs: Inputs = {}, options?: pulumi.CustomResourceOptions) {
    super("semantest:index:Deployment", name, { endpoint: undefined, functions: undefined, ...inputs }, options);
  }
}

const api = new Deployment("component", {
  configuration: { memory_mb: 384 },
  environmentVariables: { TOKEN: pulumi.secret("only-an-example") },
});

export const endpoint = api.endpoint;
export const functions = api.functions.apply((all) => all.map((one) => one.functionName));
