"""The MyBPM hook."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.base.hook import WorkflowHook
from airflow_provider_workflows.base.methods import blocking, nonblocking
from airflow_provider_workflows.base.settings import misstated
from airflow_provider_workflows.mybpm.api import STRUCTURE, MyBPMApi
from airflow_provider_workflows.mybpm.call import Token
from airflow_provider_workflows.mybpm.connection import API_TOKEN, FORM, SESSION_TOKEN
from airflow_provider_workflows.protocol.errors import (
    InvalidConnection,
    NotFound,
    PermissionDenied,
    Rejected,
    WorkflowError,
)
from airflow_provider_workflows.protocol.operation import Operation, Page

if TYPE_CHECKING:
    from airflow_provider_workflows.base.settings import Settings
    from airflow_provider_workflows.mybpm.boi import Boi
    from airflow_provider_workflows.protocol.retry import Retry


class MyBPMHook(WorkflowHook[MyBPMApi]):
    """
    Calls a MyBPM server.

    Each method is an operation of :class:`~airflow_provider_workflows.mybpm.api.MyBPMApi` with the same
    arguments; those that begin with ``a`` are coroutines.

    With a login, the connection's login and password are exchanged for a session token; without one, the
    password is an API token.

    :param mybpm_conn_id: the Airflow connection, of type ``mybpm``
    :param retry: how often a repeatable request is repeated, and after how long
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
    list_page = blocking(MyBPMApi.list_page)
    alist_page = nonblocking(MyBPMApi.list_page)
    nested_page = blocking(MyBPMApi.nested_page)
    anested_page = nonblocking(MyBPMApi.nested_page)
    load_structure = blocking(MyBPMApi.load_structure)
    aload_structure = nonblocking(MyBPMApi.load_structure)

    def list_pages(self, bo_code: str, *, offset: int = 0, **how: Any) -> Iterator[Page[Boi]]:
        """Return the pages of a listing, each fetched when asked for; arguments of :meth:`list_page`."""
        following: int | None = offset
        while following is not None:
            page = self.list_page(bo_code, offset=following, **how)
            if page.items:
                yield page
            following = page.next

    async def alist_pages(self, bo_code: str, *, offset: int = 0, **how: Any) -> AsyncIterator[Page[Boi]]:
        """Return the pages of a listing, as :meth:`list_pages`."""
        following: int | None = offset
        while following is not None:
            page = await self.alist_page(bo_code, offset=following, **how)
            if page.items:
                yield page
            following = page.next

    def make_api(self, settings: Settings) -> MyBPMApi:
        """
        Return the API of a connection's server and user.

        :raises InvalidConnection: the API token cannot be a header
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
        Log in, or read a structure, which has no effect but to show that the token is good.

        :raises InvalidConnection: MyBPM has no such object as the field ``test_bo_code`` names
        """
        try:
            return (yield from api.probe())
        except (NotFound, PermissionDenied, Rejected) as error:
            if not api.test_bo_code or error.operation != STRUCTURE:
                raise
            raise self._untestable(api, error) from None

    def suspects(self, error: WorkflowError) -> Sequence[str]:
        """Return the names of the fields to check after a refused login: after a 400 the zone too."""
        named = super().suspects(error)
        return (*named, "timezone") if error.status == 400 else named

    def _untestable(self, api: MyBPMApi, error: WorkflowError) -> WorkflowError:
        """Return the error of an object that cannot be read, which names the field that names the object."""
        kind: type[WorkflowError] = InvalidConnection
        expected = "names a business object of which MyBPM does not tell"
        if isinstance(error, PermissionDenied):
            kind, expected = PermissionDenied, "names a business object that may not be read"
        elif api.token.value is not None:
            # Nothing else has shown so far that it is MyBPM that answers.
            expected += f", or {FORM.named('host')} is not MyBPM's address"
        return error.retold(misstated(FORM, self.conn_id, "test_bo_code", expected).message, kind)


def _api_token(settings: Settings) -> str:
    token = settings.password.strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        # Without quoting it.
        expected = "has characters that no token can have, such as blanks or line ends"
        raise misstated(FORM, settings.conn_id, "password", expected)
    return token
