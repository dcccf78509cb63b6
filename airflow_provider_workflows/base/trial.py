"""
Trying a connection, for Airflow's Test button.

It runs inside the API server, in a request of the person who waits: each request is sent once, its times are
short, and whatever happens becomes a sentence that says what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.base.compat import mask
from airflow_provider_workflows.base.settings import owner, read_settings
from airflow_provider_workflows.protocol import errors
from airflow_provider_workflows.protocol.retry import Retry

if TYPE_CHECKING:
    from airflow_provider_workflows.base.form import ConnectionForm
    from airflow_provider_workflows.base.hook import WorkflowHook
    from airflow_provider_workflows.base.settings import Settings
    from airflow_provider_workflows.transport.endpoint import Endpoint

#: Seconds for a connection to come about, and without a byte from the server, at the most.
CONNECT, ANSWER = 5.0, 10.0
PROXY_WANTS_CREDENTIALS = 407

#: What a failure is called and what to do about it; the first kind that it is of. In braces are fields, for
#: which their labels stand in the message.
ADVICE: tuple[tuple[type[errors.WorkflowError], str, str], ...] = (
    (errors.HostUnreachable, "Bad host", "Check {address}, and that Airflow's machines may reach it"),
    (
        errors.CertificateNotTrusted,
        "Bad TLS",
        "If the server's certificate is of an authority of your own, name the file of that authority's "
        "certificate in {verify}; else its administrators must renew it, or {host} is not its name",
    ),
    (
        errors.NotTls,
        "Bad TLS",
        "If the port is right, the server has no TLS: begin {host} with http://, where all travels readable",
    ),
    (errors.ConnectionFailed, "No connection", "Check {address}, {verify}, {cert} and {proxies}"),
    (errors.AuthenticationFailed, "Bad credentials", "Check {credentials}"),
    (errors.PermissionDenied, "No right", "The vendor's administrators can grant it to the user or the key"),
    (errors.NotFound, "Wrong address", "Something answers, but does not know the call: check {address}"),
    (errors.UnexpectedRedirect, "Wrong address", "Check {host}: most often it must begin with https://"),
    (
        errors.UnreadableAnswer,
        "Wrong address",
        "What answers is not the vendor's API, but maybe a proxy or a page: check {address}",
    ),
    (errors.Throttled, "Too many requests", "Nothing is wrong with the connection; try again in a minute"),
    (
        errors.ServiceUnavailable,
        "No answer",
        "Try again; if it stays so, ask the vendor's administrators",
    ),
)


def try_connection(hook: WorkflowHook[Any]) -> tuple[bool, str]:
    """Return whether a connection works, and in words what was reached or what to do; raises nothing."""
    try:
        settings = read_settings(hook.get_connection(hook.conn_id), hook.form)
        return True, _try(hook, settings)
    except errors.WorkflowError as error:
        # The API server tests under a name that it made up.
        return False, explain(error, hook).replace(owner(hook.form, hook.conn_id), "This connection")
    except Exception as error:
        # Without its text, which nobody has looked through for secrets.
        return False, f"The connection cannot be tried: {type(error).__name__}"


def _try(hook: WorkflowHook[Any], settings: Settings) -> str:
    from airflow_provider_workflows.transport.blocking import BlockingTransport

    for secret in settings.secrets():
        mask(secret)
    api = hook.make_api(settings)
    endpoint = _impatient(settings.endpoint(headers=hook.headers(settings)))
    transport = BlockingTransport(
        endpoint, fetch=hook.fetch_credential(api), learned=mask, retry=Retry(attempts=1)
    )
    try:
        return f"{transport.run(hook.probe(api))}, at {settings.base_url}{_hints(settings)}"
    except errors.WorkflowError as error:
        raise error.retold(f"{error.message}, at {settings.base_url}") from None
    finally:
        transport.close()


def _impatient(endpoint: Endpoint) -> Endpoint:
    return replace(
        endpoint,
        timeout=min(ANSWER, endpoint.timeout),
        connect_timeout=min(CONNECT, endpoint.connect_timeout),
    )


def _hints(settings: Settings) -> str:
    if not settings.unknown:
        return ""
    return f". No fields, and so without effect: {', '.join(map(repr, settings.unknown))} in extra"


def explain(error: errors.WorkflowError, hook: WorkflowHook[Any]) -> str:
    """Return what a failure is, in a word, what happened and what to do."""
    for kind, name, advice in ADVICE:
        if isinstance(error, kind):
            what = "Check {proxies}" if error.status == PROXY_WANTS_CREDENTIALS else advice
            return f"{name}: {error}. {what.format_map(_words(hook.form, hook.suspects(error)))}"
    return str(error)


def _words(form: ConnectionForm, suspects: Sequence[str]) -> dict[str, str]:
    """Return the fields as the form has them, and those that belong together."""
    fields = ("host", *(one.name for one in form.all_fields))
    together = {"address": ("host", "schema", "port"), "credentials": suspects}
    return {name: form.named(name) for name in fields} | {
        name: " and ".join(form.named(one) for one in parts if one not in form.hidden)
        for name, parts in together.items()
    }
