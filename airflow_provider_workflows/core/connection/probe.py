"""
The connection test, for Airflow's Test button.

It runs inside the API server, in the request of the person who waits: each request is sent once, timeouts are
short, and every failure becomes a message that says what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

from airflow_provider_workflows import exceptions
from airflow_provider_workflows.core.connection.limit import limiter_of
from airflow_provider_workflows.core.connection.settings import owner, read_settings
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.core.runtime.versions import mask

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from airflow_provider_workflows.core.connection.form import ConnectionForm
    from airflow_provider_workflows.core.connection.settings import Settings
    from airflow_provider_workflows.core.protocol.operation import Operation
    from airflow_provider_workflows.core.transport.endpoint import Endpoint
    from airflow_provider_workflows.core.transport.limits.slots import Slots

ApiT = TypeVar("ApiT")

#: Maximum seconds to connect, and to wait for data from the server.
CONNECT, ANSWER = 5.0, 10.0
#: Maximum seconds to wait for a slot of the account's plan.
SLOT = 10.0
PROXY_WANTS_CREDENTIALS = 407

#: Short name of a failure and what to do; the first matching class counts. Field names in braces are replaced
#: by the fields' labels.
ADVICE: tuple[tuple[type[exceptions.WorkflowError], str, str], ...] = (
    (exceptions.HostUnreachable, "Bad host", "Check {address}, and that Airflow's machines can reach it"),
    (
        exceptions.CertificateNotTrusted,
        "Bad TLS",
        "If your own CA issued the server's certificate, enter the path of the CA certificate in {verify}\n"
        "Otherwise check {host}, or ask the server's administrators to renew the certificate",
    ),
    (
        exceptions.NotTls,
        "Bad TLS",
        "If the port is right, the server has no TLS: start {host} with http://, which is not encrypted",
    ),
    (exceptions.ConnectionFailed, "No connection", "Check {address}, {verify}, {cert} and {proxies}"),
    (exceptions.AuthenticationFailed, "Bad credentials", "Check {credentials}"),
    (
        exceptions.PermissionDenied,
        "No permission",
        "Ask the vendor's administrators to grant it to the user or the key",
    ),
    (exceptions.NotFound, "Wrong address", "A server answers, but does not know this call: check {address}"),
    (exceptions.UnexpectedRedirect, "Wrong address", "Check {host}: usually it must start with https://"),
    (
        exceptions.UnreadableAnswer,
        "Wrong address",
        "The answer is not from the vendor's API, maybe from a proxy or a web page: check {address}",
    ),
    (
        exceptions.NoSlot,
        "Busy",
        "Tasks use up what the plan allows; try again when they have done their work",
    ),
    (
        exceptions.Throttled,
        "Too many requests",
        "The connection itself is fine; try again in a minute",
    ),
    (
        exceptions.ServiceUnavailable,
        "No answer",
        "Try again; if it keeps failing, ask the vendor's administrators",
    ),
)


class Probed(Protocol[ApiT]):
    """The parts of a hook that the connection test needs."""

    form: ClassVar[ConnectionForm]
    conn_id: str

    @classmethod
    def get_connection(cls, conn_id: str, /) -> Connection: ...
    def make_api(self, settings: Settings, /) -> ApiT: ...
    def headers(self, settings: Settings, /) -> dict[str, str]: ...
    def fetch_credential(self, api: ApiT, /) -> Callable[[], Operation[str]] | None: ...
    def probe(self, api: ApiT, /) -> Operation[str]: ...
    def rate(self, settings: Settings, /) -> float | None: ...
    def limited_account(self, settings: Settings, /) -> tuple[str, ...]: ...
    def suspects(self, error: exceptions.WorkflowError, /) -> Sequence[str]: ...


def try_connection(hook: Probed[ApiT]) -> tuple[bool, str]:
    """Return whether a connection works, and what was reached or what to do; never raises."""
    try:
        settings = read_settings(hook.get_connection(hook.conn_id), hook.form)
        return True, _try(hook, settings)
    except exceptions.WorkflowError as error:
        # The API server tests the connection under a generated name.
        return False, explain(error, hook).replace(owner(hook.form, hook.conn_id), "This connection")
    except Exception as error:
        # Without the error's text, which may contain secrets.
        return False, f"The connection cannot be tested: {type(error).__name__}"


def _try(hook: Probed[ApiT], settings: Settings) -> str:
    from airflow_provider_workflows.core.transport.driver import Driver
    from airflow_provider_workflows.core.transport.requests_adapter import RequestsAdapter

    for secret in settings.secrets():
        mask(secret)
    api = hook.make_api(settings)
    endpoint = _impatient(settings.endpoint(headers=hook.headers(settings)))
    fetch, retry = hook.fetch_credential(api), Retry(attempts=1)
    driver = Driver(endpoint=endpoint, fetch=fetch, retry=retry, slots=_slots(hook, settings))
    adapter = RequestsAdapter(endpoint, learned=mask)
    try:
        reached = adapter.run(driver.drive(hook.probe(api)))
        return f"{reached}, at {settings.base_url}{_hints(settings)}"
    except exceptions.WorkflowError as error:
        raise error.with_message(f"{error.message}, at {settings.base_url}") from None
    finally:
        adapter.close()


def _slots(hook: Probed[ApiT], settings: Settings) -> Slots | None:
    """Return the slots of a test, which nobody should have to wait for."""
    limiter = limiter_of(settings, rate=hook.rate(settings), account=hook.limited_account(settings))
    if limiter is None:
        return None
    from airflow_provider_workflows.core.transport.limits.slots import Slots

    return Slots(limiter, first=SLOT)


def _impatient(endpoint: Endpoint) -> Endpoint:
    return replace(
        endpoint,
        conn_id="",  # the API server tests under a name that it made up
        timeout=min(ANSWER, endpoint.timeout),
        connect_timeout=min(CONNECT, endpoint.connect_timeout),
    )


def _hints(settings: Settings) -> str:
    if not settings.unknown:
        return ""
    return f". Ignored, because they are not fields: {', '.join(map(repr, settings.unknown))} in extra"


def explain(error: exceptions.WorkflowError, hook: Probed[ApiT]) -> str:
    """Return the short name of a failure, what happened and what to do."""
    for kind, name, advice in ADVICE:
        if isinstance(error, kind):
            what = "Check {proxies}" if error.status == PROXY_WANTS_CREDENTIALS else advice
            return f"{name}: {error}. {what.format_map(_labels(hook.form, hook.suspects(error)))}"
    return str(error)


def _labels(form: ConnectionForm, suspects: Sequence[str]) -> dict[str, str]:
    """Return the labels of the fields, and of groups of fields."""
    fields = ("host", *(one.name for one in form.all_fields))
    together = {"address": ("host", "schema", "port"), "credentials": suspects}
    return {name: form.named(name) for name in fields} | {
        name: " and ".join(form.named(one) for one in parts if one not in form.hidden)
        for name, parts in together.items()
    }
