"""Infrastructure as code for event-driven systems.

An application publishes `DeploymentRequested`; semantest-iac plans the change, applies it, and publishes what
happened. Every change is an event: the log is the state, the audit trail, and what a crashed run is resumed from.

    from semantest_iac import DeploymentRequested, FunctionDeployed, Iac, listen

    @listen(FunctionDeployed)
    async def announce(event: FunctionDeployed) -> None:
        print(event.function_name, event.endpoint)

    async with Iac.open(".") as iac:  # reads semantest.toml
        iac.include(announce)
        await iac.publish(DeploymentRequested(component="rest-api"))

Without asyncio: `semantest_iac.blocking`. The style of PythonEDA: `semantest_iac.eda`; its events:
`semantest_iac.pythoneda`. Ports of your own: `semantest_iac.ports`.
"""

from semantest_iac._core import __version__
from semantest_iac._event import ApplicationEvent, InfrastructureEvent
from semantest_iac._iac import Iac
from semantest_iac._listen import listen
from semantest_iac._subscriptions import Subscription
from semantest_iac.answers import DeployAnswer, PlanAnswer, PublishAnswer
from semantest_iac.errors import Error
from semantest_iac.events import *  # noqa: F403
from semantest_iac.events import __all__ as _events

__all__ = [
    "ApplicationEvent",
    "DeployAnswer",
    "Error",
    "Iac",
    "InfrastructureEvent",
    "PlanAnswer",
    "PublishAnswer",
    "Subscription",
    "__version__",
    "listen",
    *_events,
]
