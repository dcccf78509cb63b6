"""The MyBPM hook."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from airflow_provider_workflows.core.connection.hook import WorkflowHook
from airflow_provider_workflows.core.connection.methods import aiterating, blocking, iterating, nonblocking
from airflow_provider_workflows.core.connection.settings import misstated
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.protocol.secret import Secret
from airflow_provider_workflows.exceptions import (
    InvalidConnection,
    NotFound,
    PermissionDenied,
    Rejected,
    WorkflowError,
)
from airflow_provider_workflows.mybpm.api.call import Token
from airflow_provider_workflows.mybpm.api.operations import STRUCTURE, MyBPMApi
from airflow_provider_workflows.mybpm.connection import API_TOKEN, FORM, SESSION_TOKEN

if TYPE_CHECKING:
    from airflow_provider_workflows.core.connection.settings import Settings
    from airflow_provider_workflows.core.protocol.retry import Retry


class MyBPMHook(WorkflowHook[MyBPMApi]):
    """
    Calls a MyBPM server.

    Each method runs the operation of the same name of
    :class:`~airflow_provider_workflows.mybpm.api.operations.MyBPMApi`; methods with the prefix ``a`` are
    coroutines.

    If the connection has a login, the hook exchanges login and password for a session token. Otherwise the
    password is an API token.

    :param mybpm_conn_id: id of an Airflow connection of type ``mybpm``
    :param retry: how often and after what pause to repeat a request that may be repeated
    """

    form = FORM

    def __init__(self, mybpm_conn_id: str = FORM.default_conn_id, *, retry: Retry | None = None) -> None:
        super().__init__(mybpm_conn_id, retry=retry)

    upsert = blocking(MyBPMApi.upsert)
    aupsert = nonblocking(MyBPMApi.upsert)
    create = blocking(MyBPMApi.create)
    acreate = nonblocking(MyBPMApi.create)
    load = blocking(MyBPMApi.load)
    aload = nonblocking(MyBPMApi.load)
    load_many = blocking(MyBPMApi.load_many)
    aload_many = nonblocking(MyBPMApi.load_many)
    list_bois = blocking(MyBPMApi.list_bois)
    alist_bois = nonblocking(MyBPMApi.list_bois)
    iterate_bois = iterating(MyBPMApi.list_bois)
    aiterate_bois = aiterating(MyBPMApi.list_bois)
    list_nested_bois = blocking(MyBPMApi.list_nested_bois)
    alist_nested_bois = nonblocking(MyBPMApi.list_nested_bois)
    iterate_nested_bois = iterating(MyBPMApi.list_nested_bois)
    aiterate_nested_bois = aiterating(MyBPMApi.list_nested_bois)
    load_structure = blocking(MyBPMApi.load_structure)
    aload_structure = nonblocking(MyBPMApi.load_structure)

    def make_api(self, settings: Settings) -> MyBPMApi:
        """
        Return the API for a connection.

        :raises InvalidConnection: the API token cannot be sent as a header
        """
        by_login = bool(settings.login)
        header = settings.options["header"] or (SESSION_TOKEN if by_login else API_TOKEN)
        return MyBPMApi(
            token=Token(header=header, value=None if by_login else _api_token(settings)),
            login=settings.login,
            password=settings.password,
            timezone=settings.options["timezone"],
            test_bo_code=settings.options["test_bo_code"],
        )

    def fetch_credential(self, api: MyBPMApi) -> Callable[[], Operation[str]] | None:
        """Return the operation that fetches a session token; None for a connection with an API token."""
        return api.session_token if api.token.value is None else None

    def probe(self, api: MyBPMApi) -> Operation[str]:
        """
        Log in, or read a structure; this checks the token and changes nothing.

        :raises InvalidConnection: MyBPM does not have the object in the field ``test_bo_code``
        """
        try:
            return (yield from api.probe())
        except (NotFound, PermissionDenied, Rejected) as error:
            if not api.test_bo_code or error.operation != STRUCTURE:
                raise
            raise self._untestable(api, error) from None

    def suspects(self, error: WorkflowError) -> Sequence[str]:
        """Return the fields to check after a refused login; after a 400, also the time zone."""
        named = super().suspects(error)
        return (*named, "timezone") if error.status == 400 else named

    def _untestable(self, api: MyBPMApi, error: WorkflowError) -> WorkflowError:
        """Return the error for a test object that cannot be read, which names the connection's field."""
        kind: type[WorkflowError] = InvalidConnection
        expected = "names a business object that MyBPM does not know"
        if isinstance(error, PermissionDenied):
            kind, expected = PermissionDenied, "names a business object that the user or token may not read"
        elif api.token.value is not None:
            # Nothing so far has shown that the server is MyBPM.
            expected += f", or {FORM.named('host')} is not the address of MyBPM"
        return error.with_message(misstated(FORM, self.conn_id, "test_bo_code", expected).message, kind)


def _api_token(settings: Settings) -> str:
    token = Secret(settings.password.strip())
    if not token.isascii() or not token.isprintable() or " " in token:
        # The message must not show the token.
        expected = "contains characters that a token cannot have, such as spaces or line breaks"
        raise misstated(FORM, settings.conn_id, "password", expected)
    return token
