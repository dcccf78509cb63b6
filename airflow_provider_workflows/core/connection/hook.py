"""From an Airflow connection to a vendor's API, for workers and for the triggerer."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar
from urllib.parse import urljoin

from airflow.sdk import BaseHook

from airflow_provider_workflows import __version__
from airflow_provider_workflows.core import metrics
from airflow_provider_workflows.core.connection import cache
from airflow_provider_workflows.core.connection.cache import AnySide, Side
from airflow_provider_workflows.core.connection.limit import Ahead, limiter_of, slots_of
from airflow_provider_workflows.core.connection.settings import Settings, owner, read_settings, without_repr
from airflow_provider_workflows.core.protocol.body import PERMITTED, Permit
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.core.runtime import versions
from airflow_provider_workflows.core.transport.driver import Actions, Driver
from airflow_provider_workflows.core.transport.endpoint import Endpoint
from airflow_provider_workflows.exceptions import AuthenticationFailed, WorkflowError

if TYPE_CHECKING:
    from airflow_provider_workflows.core.connection.form import ConnectionForm
    from airflow_provider_workflows.core.transport.aiohttp_adapter import AiohttpAdapter
    from airflow_provider_workflows.core.transport.requests_adapter import RequestsAdapter

ApiT = TypeVar("ApiT")
AdapterT = TypeVar("AdapterT")
T = TypeVar("T")


class WorkflowHook(BaseHook, Generic[ApiT]):
    """
    What all vendors' hooks share.

    A vendor's hook names its :class:`~airflow_provider_workflows.core.connection.form.ConnectionForm` and
    says how its API is made from a connection; each public method is one line made from an operation of the
    API by :func:`~airflow_provider_workflows.core.connection.methods.blocking` or
    :func:`~airflow_provider_workflows.core.connection.methods.nonblocking`.

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
    #: Seconds for which a connection or an answer is awaited at the most, whatever the connection says.
    longest_timeout: float = float("inf")

    def __init_subclass__(cls, **kwargs: object) -> None:
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
        self._retry = retry or Retry()

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

    def rate(self, settings: Settings) -> float | None:
        """Return how many requests a second the account's plan allows; None for no limit."""
        rate: float | None = settings.options["requests_per_second"]
        return rate

    def limited_account(self, settings: Settings) -> tuple[str, ...]:
        """Return whose requests the vendor counts together on a server; only a hash of it is used."""
        return (settings.login or settings.password,)

    # In a worker.

    def get_conn(self) -> ApiT:
        """
        Return the vendor's API.

        :raises InvalidConnection: a field of the connection is missing or wrong
        """
        return self._side().api

    def run(
        self,
        call: Callable[[ApiT], Operation[T]],
        *,
        deadline: float | None = None,
        permit: Permit = PERMITTED,
        ahead: Ahead = "any",
    ) -> T:
        """
        Run one operation of the API and return its result.

        :param call: makes the operation, as in ``hook.run(lambda api: api.query(...))``
        :param deadline: reading of :func:`time.monotonic` after which nothing is repeated any more
        :param permit: asked before each sending of a request that is sent once
        :param ahead: how far ahead the first request may have its slot, if the account's plan has a limit
        """
        side = self._side()
        try:
            return side.adapter.run(self._drive(side, call, deadline, permit, ahead))
        except AuthenticationFailed:
            # The password may have been changed in Airflow since it was read.
            cache.of_process[type(self), self.conn_id].expire(side)
            raise

    @property
    def timeout(self) -> float:
        """Seconds without a byte from the vendor after which an answer counts as lost."""
        return min(self._side().endpoint.timeout, self.longest_timeout)

    @property
    def where(self) -> str:
        """The vendor's server and account, to tell whether a connection still leads to the same."""
        settings = self._side().settings
        account = [str(settings.options[name]) for name in self.account_fields]
        return " ".join([settings.base_url, settings.login, *account])

    @property
    def server(self) -> str:
        """The vendor's server as ``host:port``, and nothing else of its URL."""
        return self._side().endpoint.server

    @property
    def namespace(self) -> str:
        """What tells this installation of Airflow from others that use the same account at the vendor."""
        return self._side().settings.namespace

    def ui_link(self, remote_id: str, settings: Settings | None = None) -> str | None:
        """
        Return the address of the vendor's own page of something; None if the connection does not tell.

        :param remote_id: as tasks announce it; empty if it is not known, for the page above it
        :param settings: the connection's, if they were read
        """
        link, settings = self.form.ui_link, settings or self._side().settings
        return link.url(settings.ui_url, remote_id) if link and settings.ui_url else None

    def location(self, remote_id: str) -> str:
        """Return the URL where a person finds something: its page, or else the vendor's server."""
        side = self._side()
        return self.ui_link(remote_id, side.settings) or urljoin(side.settings.base_url, "/")

    def read(
        self,
        call: Callable[[ApiT], Operation[T]],
        *,
        deadline: float | None = None,
        permit: Permit = PERMITTED,
        ahead: Ahead = "any",
    ) -> T:
        """
        Run an operation that only reads; after a refused login again, with the connection read anew.

        :param deadline: reading of :func:`time.monotonic` after which nothing is repeated; an answer that is
            still under way then ends at most one ``timeout`` later
        """
        try:
            return self.run(call, deadline=deadline, permit=permit, ahead=ahead)
        except AuthenticationFailed:
            return self.run(call, deadline=deadline, permit=permit, ahead=ahead)

    def _side(self) -> Side[ApiT, RequestsAdapter]:
        """Return the connection, read once for all hooks of the process and then every five minutes."""
        cached = cache.of_process[type(self), self.conn_id]
        return cached.fresh or cached.read_once(lambda: self._read(cached))

    def _read(self, cached: AnySide) -> Side[ApiT, RequestsAdapter]:
        try:
            with versions.reading_settings():
                connection = without_repr(self.get_connection(self.conn_id))
        except Exception as error:
            return cached.use_stale(error)
        settings = read_settings(connection, self.form)
        for secret in settings.secrets():
            versions.mask(secret)
        return cached.keep(self._make_side(settings, cached.known, _for_worker))

    # In the triggerer.

    async def arun(
        self,
        call: Callable[[ApiT], Operation[T]],
        *,
        deadline: float | None = None,
        permit: Permit = PERMITTED,
        ahead: Ahead = "any",
    ) -> T:
        """Run one operation of the API on the running event loop; as :meth:`run`."""
        side = await self._aside()
        try:
            return await side.adapter.run(self._drive(side, call, deadline, permit, ahead))
        except AuthenticationFailed:
            cache.of_loop()[type(self), self.conn_id].expire(side)
            raise

    async def anamespace(self) -> str:
        """Return the namespace; as :attr:`namespace`."""
        return (await self._aside()).settings.namespace

    async def alocation(self, remote_id: str) -> str:
        """Return where a person finds something; as :meth:`location`."""
        side = await self._aside()
        return self.ui_link(remote_id, side.settings) or urljoin(side.settings.base_url, "/")

    async def aread(
        self,
        call: Callable[[ApiT], Operation[T]],
        *,
        deadline: float | None = None,
        ahead: Ahead = "any",
    ) -> T:
        """Run an operation that only reads; as :meth:`read`."""
        try:
            return await self.arun(call, deadline=deadline, ahead=ahead)
        except AuthenticationFailed:
            return await self.arun(call, deadline=deadline, ahead=ahead)

    async def _aside(self) -> Side[ApiT, AiohttpAdapter]:
        """Return the connection, read once for all coroutines of the loop; as :meth:`_side`."""
        cached = cache.of_loop()[type(self), self.conn_id]
        return cached.fresh or await cached.aread_once(lambda: self._aread(cached))

    async def _aread(self, cached: AnySide) -> Side[ApiT, AiohttpAdapter]:
        try:
            connection = without_repr(await versions.aget_connection(self.conn_id))
        except Exception as error:
            return cached.use_stale(error)
        settings = read_settings(connection, self.form)
        for secret in settings.secrets():
            await versions.amask(secret)
        return cached.keep(self._make_side(settings, cached.known, _for_loop))

    # In both.

    def _make_side(
        self,
        settings: Settings,
        known: Side[ApiT, AdapterT] | None,
        adapter_for: Callable[[Endpoint], AdapterT],
    ) -> Side[ApiT, AdapterT]:
        """
        Make a side of a connection.

        :param known: what was made of it before; with the same endpoint it keeps its open connections and
            its credential
        """
        api = self.make_api(settings)
        fetch = self.fetch_credential(api)
        endpoint = settings.endpoint(headers=self.headers(settings))
        limiter = limiter_of(settings, rate=self.rate(settings), account=self.limited_account(settings))
        if known is not None and known.endpoint == endpoint:
            limiter = known.limiter if known.limiter == limiter else limiter
            return Side(settings, api, known.endpoint, known.adapter, fetch, limiter)
        whose = owner(self.form, self.conn_id)
        if known is None and settings.password and not versions.can_be_masked(settings.password):
            self.log.warning("%s: the password is too short for Airflow to mask it in logs", whose)
        if known is None and settings.unknown:
            names = ", ".join(map(repr, settings.unknown))
            self.log.warning("%s: %s in extra ignored, because they are not fields", whose, names)
        return Side(settings, api, endpoint, adapter_for(endpoint), fetch, limiter)

    def _drive(
        self,
        side: Side[ApiT, AdapterT],
        call: Callable[[ApiT], Operation[T]],
        deadline: float | None,
        permit: Permit,
        ahead: Ahead,
    ) -> Actions[T]:
        limiter, slots = side.limiter, None
        if limiter is not None:
            slots = slots_of(limiter, side.endpoint, ahead, vendor=self.conn_type)
        driver = Driver(
            endpoint=side.endpoint,
            fetch=side.fetch,
            retry=self._retry,
            observe=functools.partial(metrics.observe, self.conn_type),
            permit=permit,
            longest_timeout=self.longest_timeout,
            slots=slots,
        )
        return driver.drive(call(side.api), deadline=deadline)

    # What Airflow asks of a hook.

    def test_connection(self) -> tuple[bool, str]:
        """Try the connection, for Airflow's Test button; never an effect at the vendor."""
        from airflow_provider_workflows.core.connection.probe import try_connection

        return try_connection(self)

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, object]:
        """Return the form's labels, placeholders and hidden fields (read by Airflow 3.1)."""
        return cls.form.ui_field_behaviour()

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, object]:
        """Return the form's own fields (read by Airflow 3.1)."""
        return cls.form.widgets()


#: A hook of any vendor.
AnyHook: TypeAlias = WorkflowHook[Any]


def _for_worker(endpoint: Endpoint) -> RequestsAdapter:
    from airflow_provider_workflows.core.transport.requests_adapter import RequestsAdapter

    return RequestsAdapter(endpoint, learned=versions.mask)


def _for_loop(endpoint: Endpoint) -> AiohttpAdapter:
    from airflow_provider_workflows.core.transport.aiohttp_adapter import AiohttpAdapter

    return AiohttpAdapter(endpoint, learned=versions.amask)
