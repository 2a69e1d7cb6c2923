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

from semantest_iac._core import __version__ as __version__

# What the command line does not need is imported when it is first asked for, `typing` too: it
# starts in a quarter of the time.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import semantest_iac.blocking
    import semantest_iac.conformance
    import semantest_iac.eda
    import semantest_iac.ports
    import semantest_iac.pythoneda
    from semantest_iac._event import ApplicationEvent as ApplicationEvent
    from semantest_iac._event import InfrastructureEvent as InfrastructureEvent
    from semantest_iac._iac import Iac as Iac
    from semantest_iac._listen import listen as listen
    from semantest_iac._subscriptions import Subscription as Subscription
    from semantest_iac.answers import DeployAnswer as DeployAnswer
    from semantest_iac.answers import PlanAnswer as PlanAnswer
    from semantest_iac.answers import PublishAnswer as PublishAnswer
    from semantest_iac.errors import Error as Error
    from semantest_iac.events import *  # noqa: F403
else:
    _HOMES = {
        "ApplicationEvent": "_event",
        "DeployAnswer": "answers",
        "Error": "errors",
        "Iac": "_iac",
        "InfrastructureEvent": "_event",
        "PlanAnswer": "answers",
        "PublishAnswer": "answers",
        "Subscription": "_subscriptions",
        "listen": "_listen",
    }
    _MODULES = frozenset(
        "answers blocking blueprint configuration conformance eda errors events networking ports "
        "pythoneda records".split()
    )

    def __getattr__(name):
        from importlib import import_module

        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name in _HOMES:
            value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        elif name == "__all__":
            value = sorted([*_HOMES, "__version__", *__getattr__("events").__all__])
        elif name.startswith("_") or name not in __getattr__("events").__all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
        else:
            value = getattr(__getattr__("events"), name)
        globals()[name] = value
        return value

    def __dir__():
        return sorted({*globals(), *_MODULES, *__getattr__("__all__")})
