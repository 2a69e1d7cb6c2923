"""The facade: a project with its log, its providers and its handlers."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Generator, Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from semantest_iac import _subscriptions
from semantest_iac._event import ApplicationEvent, InfrastructureEvent
from semantest_iac._log_page import LogPage
from semantest_iac._publish import nested, raise_where_failed, wire
from semantest_iac._session import Session, Settings, as_json, refused
from semantest_iac._stream import Wanted, stream
from semantest_iac.answers import (
    DeployAnswer,
    DeploymentAnswer,
    DiscoverAnswer,
    InvokeAnswer,
    PlanAnswer,
    PublishAnswer,
    RefreshAnswer,
    StatusAnswer,
)
from semantest_iac.events import (
    DeploymentRequested,
    EnvironmentConfigurationRequested,
    OrphanRemovalRequested,
    RemovalRequested,
    RollbackRequested,
    ScalingRequested,
)

if TYPE_CHECKING:
    from semantest_iac._subscriptions import Subscription
    from semantest_iac.configuration import ComponentConfiguration
    from semantest_iac.ports import EventBus, EventStore, Provider, SecretResolver

Event = InfrastructureEvent | ApplicationEvent


class Iac:
    """A project: `async with Iac.open(".") as iac`.

    Methods that change something raise an [`Error`][semantest_iac.errors.Error] where they fail; what a run had done
    until then is in `error.answer`. A task that is cancelled while it waits for a run ends once the run has stopped in
    order and recorded that it was cancelled.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session: Session | None = None
        self._subscriptions = _subscriptions.Subscriptions(self.publish)

    @classmethod
    def open(
        cls,
        directory: str | os.PathLike[str] = ".",
        *,
        parallelism: int | None = None,
        lease_wait: float = 0.0,
        owner: str | None = None,
        traceparent: str | None = None,
        providers: Iterable[Provider] = (),
        bus: EventBus | None = None,
        store: EventStore | None = None,
        secret_resolvers: Iterable[SecretResolver] = (),
    ) -> Self:
        """The project in `directory`, which has a `semantest.toml`. Opened by `async with`, or by `await`.

        Args:
            directory: The project's folder.
            parallelism: At most this many provider calls at once (16 where not given).
            lease_wait: Seconds to wait for a deployment that another run holds.
            owner: Who does the runs, in words for people; user, machine and process where not given.
            traceparent: W3C trace context of what this project publishes.
            providers: Providers of your own, or in the place of built-in ones of the same name.
            bus: Another event bus than the one of this process.
            store: Another event log than the SQLite file beside the project.
            secret_resolvers: For further schemes of secrets.

        Raises:
            InvalidInputError: A setting cannot be, or a port lacks something.
        """
        settings = Settings.checked(
            directory,
            parallelism=parallelism,
            lease_wait=lease_wait,
            owner=owner,
            traceparent=traceparent,
            providers=providers,
            bus=bus,
            store=store,
            secret_resolvers=secret_resolvers,
        )
        return cls(settings)

    async def _open(self) -> Self:
        if self._session is not None:
            raise refused("this Iac is open already")
        self._session = await Session.open(self._settings)
        await self._subscriptions.attach(self._session)
        return self

    def __await__(self) -> Generator[Any, None, Self]:
        return self._open().__await__()

    async def __aenter__(self) -> Self:
        return self if self._session is not None else await self._open()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Waits for runs that are under way, then ends. Twice is harmless."""
        session, self._session = self._session, None
        if session is not None:
            self._subscriptions.detach()
            await session.close()

    def _opened(self) -> Session:
        if self._session is None:
            raise refused("this Iac is not open: use it inside `async with Iac.open(...) as iac`")
        return self._session

    async def _ready(self) -> Session:
        session = self._opened()
        await self._subscriptions.settle()
        return session

    @property
    def project(self) -> str:
        """The project's name."""
        return self._opened().project

    # Events in

    async def publish(self, event: object) -> PublishAnswer:
        """Takes an event in: requests are carried out, application events go through the bridge.

        `event` is a request of `semantest_iac.events`, an `ApplicationEvent`, an event of `semantest_iac.eda`, or a
        CloudEvents object as a mapping (or only its `type` and `data`). What is published while an event is handled
        goes back to that event.

        Raises:
            Error: Of the kind of what failed, with the answer as `error.answer`; `HandlerFailedError` where all went
                well but for handlers: `error.failures` has them, `__cause__` is the first one's own exception.
        """
        session = await self._ready()
        with nested(wire(event)) as sent:
            text = as_json(sent, "the event")
            answer, error, failed = await session.carry_out(
                lambda token: session.engine.publish(text, token)
            )
        given = None if answer is None else PublishAnswer.from_dict(json.loads(answer))
        raise_where_failed(given, error, failed, self._settings.raised)
        assert given is not None, "without an error there is an answer"
        return given

    async def _request(self, event: InfrastructureEvent) -> DeployAnswer:
        answer = await self.publish(event)
        assert answer.result is not None, "a request has a result"
        return answer.result

    async def deploy(
        self,
        component: str,
        *,
        environment: str = "dev",
        provider: str | None = None,
        region: str | None = None,
        configuration: Mapping[str, object] | ComponentConfiguration | None = None,
    ) -> DeployAnswer:
        """Deploys a component: as its definition says, with `configuration` laid over it."""
        return await self._request(
            DeploymentRequested(
                component=component,
                environment=environment,
                provider=provider,
                region=region,
                configuration=configuration or {},
            )
        )

    async def destroy(self, component: str, *, environment: str = "dev") -> DeployAnswer:
        """Takes a component away."""
        return await self._request(RemovalRequested(component=component, environment=environment))

    async def rollback(
        self, component: str, *, environment: str = "dev", version: int | None = None
    ) -> DeployAnswer:
        """Goes back to an earlier version, code included; without one, to the one before the current."""
        return await self._request(
            RollbackRequested(component=component, environment=environment, version=version)
        )

    async def scale(
        self,
        component: str,
        *,
        environment: str = "dev",
        function: str | None = None,
        reserved_concurrency: int | None = None,
        provisioned_concurrency: int | None = None,
        min_replicas: int | None = None,
        max_replicas: int | None = None,
    ) -> DeployAnswer:
        """Changes how many run at once; what is not given stays as it is."""
        return await self._request(
            ScalingRequested(
                component=component,
                environment=environment,
                function=function,
                reserved_concurrency=reserved_concurrency,
                provisioned_concurrency=provisioned_concurrency,
                min_replicas=min_replicas,
                max_replicas=max_replicas,
            )
        )

    async def configure(
        self,
        component: str,
        *,
        environment: str = "dev",
        variables: Mapping[str, Any] | None = None,
        unset: Iterable[str] = (),
        tags: Mapping[str, str] | None = None,
    ) -> DeployAnswer:
        """Changes settings, code untouched. A variable is text, or a reference `{"secret": "env:NAME"}`."""
        return await self._request(
            EnvironmentConfigurationRequested(
                component=component,
                environment=environment,
                variables=variables or {},
                unset=list(unset),
                tags=tags or {},
            )
        )

    async def remove_orphans(
        self,
        component: str,
        *,
        provider: str,
        environment: str = "dev",
        region: str | None = None,
    ) -> DeployAnswer:
        """Takes away what carries the component's tags and is in no log, and nothing else."""
        return await self._request(
            OrphanRemovalRequested(
                component=component, environment=environment, provider=provider, region=region
            )
        )

    # Questions

    async def plan(
        self,
        component: str,
        *,
        environment: str = "dev",
        provider: str | None = None,
        region: str | None = None,
        configuration: Mapping[str, object] | ComponentConfiguration | None = None,
    ) -> PlanAnswer:
        """What `deploy` would do. Changes nothing."""
        request = DeploymentRequested(
            component=component,
            environment=environment,
            provider=provider,
            region=region,
            configuration=configuration or {},
        )
        session = await self._ready()
        return PlanAnswer.from_dict(await session.ask("plan", event=wire(request)))

    async def plan_removal(self, component: str, *, environment: str = "dev") -> PlanAnswer:
        """What `destroy` would do. Changes nothing."""
        request = RemovalRequested(component=component, environment=environment)
        session = await self._ready()
        return PlanAnswer.from_dict(await session.ask("plan", event=wire(request)))

    async def status(
        self, component: str | None = None, *, environment: str | None = None
    ) -> StatusAnswer:
        """Deployments, as the log says."""
        session = await self._ready()
        answer = await session.ask("status", environment=environment, component=component)
        return StatusAnswer.from_dict(answer)

    async def state(
        self,
        component: str,
        *,
        environment: str = "dev",
        version: int | None = None,
        time: datetime | None = None,
    ) -> DeploymentAnswer:
        """A deployment as it was at a version or at a time."""
        session = await self._ready()
        at = None if time is None else _rfc3339(time)
        answer = await session.ask(
            "state", environment=environment, component=component, version=version, time=at
        )
        return DeploymentAnswer.from_dict(answer)

    async def history(self, component: str, *, environment: str = "dev") -> list[Event]:
        """Every event of a deployment, oldest first."""
        session = await self._ready()
        natives = await session.wait_for(session.engine.history(environment, component))
        return [InfrastructureEvent._of(native) for native in natives]

    async def drift(self, component: str, *, environment: str = "dev") -> RefreshAnswer:
        """Looks for what is not as the log says, and records it (`DriftDetected`)."""
        session = await self._ready()
        answer = await session.ask("refresh", environment=environment, component=component)
        return RefreshAnswer.from_dict(answer)

    async def discover(
        self,
        *,
        environment: str = "dev",
        component: str | None = None,
        provider: str | None = None,
        region: str | None = None,
    ) -> DiscoverAnswer:
        """What carries this project's tags and is in no log. Changes nothing."""
        session = await self._ready()
        answer = await session.ask(
            "discover", environment=environment, component=component, provider=provider, region=region
        )
        return DiscoverAnswer.from_dict(answer)

    async def invoke(
        self,
        component: str,
        payload: object = None,
        *,
        environment: str = "dev",
        function: str | None = None,
    ) -> InvokeAnswer:
        """Calls a deployed function with `payload` (anything JSON can hold). Its failure is an answer with
        `error_type`."""
        session = await self._ready()
        answer = await session.ask(
            "invoke",
            environment=environment,
            component=component,
            function=function,
            payload=payload,
        )
        return InvokeAnswer.from_dict(answer)

    async def logs(
        self,
        component: str,
        *,
        environment: str = "dev",
        function: str | None = None,
        since: datetime | None = None,
        limit: int = 1000,
        cursor: str | None = None,
        wait: float = 0.0,
    ) -> LogPage:
        """Log lines of a function; `answer.cursor` is where to go on, `wait` how many seconds to wait for new ones."""
        session = await self._ready()
        answer = await session.ask(
            "logs",
            environment=environment,
            component=component,
            function=function,
            cursor=cursor,
            since=None if since is None else _rfc3339(since),
            limit=limit,
            wait_s=wait,
        )
        return LogPage.from_dict(answer)

    async def head(self) -> int:
        """The position of the last event of the log, 0 where it is empty: `events(after=await iac.head(), follow=True)`
        has only what is still to come."""
        session = await self._ready()
        return await session.wait_for(session.engine.head())

    # Events out

    def include(self, *handlers: object) -> None:
        """Has handlers called for what this process records from now on: functions marked with `@listen`, and objects
        (or classes) with marked methods.

        Raises:
            InvalidInputError: Nothing of it is marked, or it is included already.
        """
        for handler in handlers:
            self._subscriptions.include(handler)

    def subscribe(
        self,
        handler: object,
        *events: type[Any] | str,
        thread: bool = False,
        timeout: float | None = 60.0,
    ) -> Subscription:
        """Has a function called for `events` (all, where none are named), until `await subscription.cancel()`."""
        return self._subscriptions.subscribe(handler, events, thread=thread, timeout=timeout)

    def events(
        self,
        *events: type[Any] | str,
        after: int = 0,
        since: datetime | None = None,
        component: str | None = None,
        environment: str | None = None,
        follow: bool = False,
    ) -> AsyncIterator[Event]:
        """Events of the log, oldest first; with `follow`, also those to come, of other processes too.

        Args:
            events: Classes or names; none: all.
            after: Only those after this `position`: where one had come to before.
            since: Only those recorded then or later.
            component: Of this component only.
            environment: Of this environment only.
            follow: Go on waiting for what is recorded.
        """
        wanted = Wanted.checked(events, after, since, component, environment, follow)
        return stream(self._ready, wanted)


def _rfc3339(time: datetime) -> str:
    if not isinstance(time, datetime):
        raise refused(f"a time is a datetime, not {type(time).__name__}")
    if time.tzinfo is None:
        raise refused("a time needs its zone: datetime.now(timezone.utc), say")
    return time.isoformat()
