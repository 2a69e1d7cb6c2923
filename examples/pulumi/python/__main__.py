"""The same component from a Python program: a secret of its own, and what became of it."""

from typing import Any

import pulumi


class Deployment(pulumi.CustomResource):
    """A deployed component."""

    endpoint: pulumi.Output[str]
    functions: pulumi.Output[list[dict[str, str]]]
    version: pulumi.Output[float]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Any) -> None:
        outputs = dict.fromkeys(("endpoint", "functions", "version"))
        super().__init__("semantest:index:Deployment", name, {**outputs, **inputs}, opts)


api = Deployment(
    "component",
    configuration={"memory_mb": 384},
    environmentVariables={"TOKEN": pulumi.Output.secret("only-an-example")},
)
pulumi.export("endpoint", api.endpoint)
pulumi.export("functions", api.functions.apply(lambda functions: [one["functionName"] for one in functions]))
