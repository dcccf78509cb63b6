"""From an Airflow connection to a vendor's API, for workers and for the triggerer."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from airflow.sdk import BaseHook

from airflow_provider_workflows import __version__
from airflow_provider_workflows.base import metrics
from airflow_provider_workflows.base.compat import aget_connection, amask, mask
from airflow_provider_workflows.base.condition import Condition, Done, Pending
from airflow_provider_workflows.base.remembered import Remembered, remembered_by_loop
from airflow_provider_workflows.base.settings import Settings, owner, read_settings
from airflow_provider_workflows.protocol.errors import AuthenticationFailed, WorkflowError
from airflow_provider_workflows.protocol.operation import Operation, Sending
from airflow_provider_workflows.protocol.retry import Retry

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from airflow_provider_workflows.base.form import ConnectionForm
    from airflow_provider_workflows.transport.blocking import BlockingTransport
    from airflow_provider_workflows.transport.endpoint import Endpoint

ApiT = TypeVar("ApiT")
T = TypeVar("T")


@dataclass(frozen=True)
class _WorkerSide(Generic[ApiT]):
    """What a worker made of a connection."""

    settings: Settings
    api: ApiT
    transport: BlockingTransport


class WorkflowHook(BaseHook, Generic[ApiT]):
    """
    What all vendors' hooks share.

    A vendor's hook names its :class:`~airflow_provider_workflows.base.form.ConnectionForm` and says how its
    API is made from a connection; each public method is one line made from an operation of the API by
    :func:`~airflow_provider_workflows.base.methods.blocking` or
    :func:`~airflow_provider_workflows.base.methods.nonblocking`.

    :param conn_id: the Airflow connection
    :param retry: how often a repeatable request is repeated, and after how long
    """

    form: ClassVar[ConnectionForm]
    #: Names of the form's fields that tell, beside address and login, whose things at the vendor are meant.
    account_fields: ClassVar[Sequence[str]] = ()
    conn_name_attr: ClassVar[str]
    default_conn_name: ClassVar[str]
    conn_type: ClassVar[str] = ""
    hook_name: ClassVar[str]
    #: Seconds for which an answer is awaited at the most, whatever the connection says; None for no limit.
    longest_timeout: float | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if (form := getattr(cls, "form", None)) is not None:
            cls.conn_type, cls.hook_name = form.conn_type, form.hook_name
            cls.conn_name_attr, cls.default_conn_name = f"{form.conn_type}_conn_id", form.default_conn_id
            # Airflow 3.1 does not look for them in base classes.
            for name in ("get_ui_field_behaviour", "get_connection_form_widgets"):
                setattr(cls, name, WorkflowHook.__dict__[name])

    def __init__(self, conn_id: str, *, retry: Retry | None = None) -> None:
        super().__init__()
        self.conn_id = conn_id
        self._retry = retry
        self._permit: Callable[[], None] | None = None
        self._side: Remembered[_WorkerSide[ApiT]] = Remembered(conn_id)

    # What a vendor says of itself.

    @abstractmethod
    def make_api(self, settings: Settings) -> ApiT:
        """Return the vendor's API for a connection."""

    def headers(self, settings: Settings) -> dict[str, str]:
        """Return the headers that go with every request."""
        return {"Accept": "application/json", "User-Agent": f"airflow-provider-workflows/{__version__}"}

    def fetch_credential(self, api: ApiT) -> Callable[[], Operation[str]] | None:
        """Return the operation that fetches a session code or token, for vendors that have one."""
        return None

    @abstractmethod
    def probe(self, api: ApiT) -> Operation[str]:
        """Try the connection without an effect at the vendor; return what was reached and as whom."""

    def suspects(self, error: WorkflowError) -> Sequence[str]:
        """Return the names of the fields to check if it was a login that was refused, for the Test button."""
        return ("login", "password")

    # In a worker.

    def get_conn(self) -> ApiT:
        """
        Return the vendor's API.

        :raises InvalidConnection: a field of the connection is missing or wrong
        """
        return self._worker_side().api

    def run(self, call: Callable[[ApiT], Operation[T]], *, deadline: float | None = None) -> T:
        """
        Run one operation of the API and return its result.

        :param call: makes the operation, as in ``hook.run(lambda api: api.query(...))``
        :param deadline: reading of :func:`time.monotonic` after which nothing is repeated any more
        """
        side = self._worker_side()
        return side.transport.run(call(side.api), deadline=deadline)

    @contextlib.contextmanager
    def permitting(self, permit: Callable[[], None]) -> Iterator[None]:
        """
        Let something be asked, within a worker, before each sending of a request that is sent once.

        :param permit: raises if nothing may be sent any more
        """
        before, self._permit = self._permit, permit
        try:
            yield
        finally:
            self._permit = before

    @property
    def timeout(self) -> float:
        """Seconds without a byte from the vendor after which an answer counts as lost."""
        return self._worker_side().transport.endpoint.timeout

    @property
    def where(self) -> str:
        """The vendor's server and account, to tell whether a connection still leads to the same."""
        settings = self._worker_side().settings
        account = [str(settings.options[name]) for name in self.account_fields]
        return " ".join([settings.base_url, settings.login, *account])

    @property
    def server(self) -> str:
        """The vendor's server as ``host:port``, and nothing else of its URL."""
        return self._worker_side().settings.server

    @property
    def namespace(self) -> str:
        """What tells this installation of Airflow from others that use the same account at the vendor."""
        return self._worker_side().settings.namespace

    def page(self, remote_id: str) -> str | None:
        """
        Return the address of the vendor's own page of something; None if the connection does not tell.

        :param remote_id: as tasks announce it
        """
        return self._page(self._worker_side().settings, remote_id)

    def place(self, remote_id: str) -> str:
        """Return where a person finds something: its page, or the vendor's server if there is none."""
        return self.page(remote_id) or self.server

    def look(self, condition: Condition) -> Pending | Done | WorkflowError:
        """Check a condition once; what the vendor's side raises is returned."""
        try:
            try:
                return self.run(condition.check)
            except AuthenticationFailed:
                # The password may have been changed in Airflow since it was read; a look has no effect at
                # the vendor, so it may be repeated.
                self._side.expire()
                return self.run(condition.check)
        except WorkflowError as error:
            return error

    def _worker_side(self) -> _WorkerSide[ApiT]:
        if (side := self._side.fresh) is not None:
            return side
        try:
            connection = self.get_connection(self.conn_id)
        except Exception as error:
            return self._side.bear(error)
        return self._side.keep(self._make_side(self._settings(connection)))

    def _make_side(self, settings: Settings) -> _WorkerSide[ApiT]:
        from airflow_provider_workflows.transport.blocking import BlockingTransport

        for secret in settings.secrets():
            mask(secret)
        api = self.make_api(settings)
        transport = BlockingTransport(
            self._endpoint(settings), learned=mask, permit=self._ask, **self._transport_options(api)
        )
        if settings.unknown:
            self.log.warning(
                "%s has %s in its extra, without effect: no such fields",
                owner(self.form, self.conn_id),
                ", ".join(map(repr, settings.unknown)),
            )
        return _WorkerSide(settings, api, transport)

    def _ask(self) -> None:
        if self._permit is not None:
            self._permit()

    # In the triggerer.

    async def arun(self, call: Callable[[ApiT], Operation[T]], *, deadline: float | None = None) -> T:
        """Run one operation of the API on the running event loop; as :meth:`run`."""
        from airflow_provider_workflows.transport.nonblocking import NonblockingTransport

        settings = await self._known_settings()
        api = self.make_api(settings)
        transport = NonblockingTransport(
            self._endpoint(settings), key=self.conn_id, learned=amask, **self._transport_options(api)
        )
        return await transport.run(call(api), deadline=deadline)

    async def alook(self, condition: Condition) -> Pending | Done | WorkflowError:
        """Check a condition once; as :meth:`look`."""
        try:
            return await self.aread(condition.check)
        except WorkflowError as error:
            return error

    async def anamespace(self) -> str:
        """Return the namespace; as :attr:`namespace`."""
        return (await self._known_settings()).namespace

    async def aplace(self, remote_id: str) -> str:
        """Return where a person finds something; as :meth:`place`."""
        settings = await self._known_settings()
        return self._page(settings, remote_id) or settings.server

    async def aread(self, call: Callable[[ApiT], Operation[T]]) -> T:
        """Run an operation that only reads; after a refused login again, with the connection read anew."""
        try:
            return await self.arun(call)
        except AuthenticationFailed:
            remembered_by_loop(type(self), self.conn_id).expire()
            return await self.arun(call)

    async def _known_settings(self) -> Settings:
        """Return the connection, read once for all triggers of the loop and then every five minutes."""
        known = remembered_by_loop(type(self), self.conn_id)
        if (settings := known.fresh) is not None:
            return settings
        try:
            connection = await aget_connection(self.conn_id)
        except Exception as error:
            return known.bear(error)
        settings = self._settings(connection)
        for secret in settings.secrets():
            await amask(secret)
        return known.keep(settings)

    # What Airflow asks of a hook.

    def test_connection(self) -> tuple[bool, str]:
        """Try the connection, for Airflow's Test button; never an effect at the vendor."""
        from airflow_provider_workflows.base.trial import try_connection

        return try_connection(self)

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the form's labels, placeholders and hidden fields (read by Airflow 3.1)."""
        return cls.form.ui_field_behaviour()

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the form's own fields (read by Airflow 3.1)."""
        return cls.form.widgets()

    def _page(self, settings: Settings, remote_id: str) -> str | None:
        if self.form.page is None or not settings.ui_url:
            return None
        return self.form.page.url(settings.ui_url, remote_id)

    def _transport_options(self, api: ApiT) -> dict[str, Any]:
        """What both transports are made with."""
        return {"fetch": self.fetch_credential(api), "retry": self._retry, "observe": self._observe}

    def _observe(self, sending: Sending) -> None:
        metrics.observe(self.conn_type, sending)

    def _settings(self, connection: Connection) -> Settings:
        return read_settings(connection, self.form)

    def _endpoint(self, settings: Settings) -> Endpoint:
        endpoint = settings.endpoint(headers=self.headers(settings))
        return endpoint if self.longest_timeout is None else endpoint.hurried(self.longest_timeout)
