"""Calls that only read: an execution's detail, the history, a file."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping
from typing import Any, Self

from airflow_provider_workflows.core.protocol.message import Reply
from airflow_provider_workflows.core.protocol.operation import Operation, Page, Sleep
from airflow_provider_workflows.core.protocol.retry import retry_after
from airflow_provider_workflows.exceptions import InvalidInput, ServiceUnavailable, UnreadableAnswer
from airflow_provider_workflows.kiban.api.calls import KibanCalls
from airflow_provider_workflows.kiban.api.status import FILTERED, RUNNING, Status, read_status
from airflow_provider_workflows.kiban.api.values import date, identifier, next_page, of_execution

#: Items of a page (vendor's SDK, vendor documentation). An example of an error message in the documentation
#: says 1,000; a Kiban that means this refuses more.
MOST_ITEMS = 10_000
#: Executions of a page of those in progress, and those that are worth reading one.
RUNNING_PAGE, WORTH_A_PAGE = 500, 5
#: Seconds to wait for a file that Kiban is still making, unless the caller says otherwise, and before asking
#: again if Kiban does not say when.
FILE_PATIENCE = 300.0
FILE_PAUSE = 5.0
#: HTTP status while Kiban is still making a file (vendor's SDK).
MAKING = 202
#: Query parameters of the history that are not search filters.
_RESERVED = frozenset({"page", "itemsPerPage", "status", "from", "to", "format", "content", "sandbox"})


class ReadingCalls(KibanCalls):
    """
    The calls that only read; each may be repeated.

    ``self: Self`` makes these operations of the inheriting class, as the hook requires.
    """

    def detail(self: Self, execution_id: str) -> Operation[Mapping[str, Any]]:
        """
        Return an execution with all its nodes. It contains personal and credit data: do not push it to XCom
        or log it.

        ``nodes``, ``labels`` and any other array or map may be null (vendor's SDK). SUCCESS does not mean
        that the applicant was accepted: the decision is in the detail.
        """
        request = self.request("get detail", "GET", of_execution(execution_id), repeatable=True)
        body = (yield request).json
        if not isinstance(body, Mapping):
            raise request.failure(UnreadableAnswer, "The answer is JSON, but not a detail in Kiban's format")
        return body

    def list_executions(
        self: Self,
        *,
        status: str | None = None,
        since: Any = None,
        until: Any = None,
        start: int = 1,
        size: int = 100,
        content: bool = False,
        filters: Mapping[str, str] | None = None,
    ) -> Operation[Page[Mapping[str, Any]]]:
        """
        Return a page of executions.

        :param status: SUCCESS, ERROR or PROGRESS, which Kiban filters by (vendor's SDK). With another one,
            such as ABANDONED, this method reads the page and leaves out the executions that have another
            status; so the page may be empty, and not the last
        :param since: aware datetime, or ISO 8601 text with an offset
        :param until: like ``since``
        :param start: the page's number, from 1; ``Page.next`` of the previous page
        :param size: executions per page, 1 to 10,000
        :param content: return the whole executions as :meth:`detail` does, which is personal data, instead of
            their summaries (vendor's SDK)
        :param filters: search parameters by name: ``origin``, ``_id``, ``name`` (a part of it), ``labels``
            (several with semicolons between), ``nodes.form.searchableBy.rfc_pf`` and its like (the beginning,
            in any case) (vendor's SDK)
        """
        found = {str(name): str(value) for name, value in (filters or {}).items()}
        if reserved := sorted(_RESERVED & set(found)):
            raise InvalidInput(
                f"filters: {', '.join(reserved)} is not a search filter but a separate argument"
            )
        if start < 1 or not 1 <= size <= MOST_ITEMS:
            raise InvalidInput(
                f"start must be 1 or more, got {start}, and size 1 to {MOST_ITEMS}, got {size}"
            )
        parameters = {
            "page": start,
            "itemsPerPage": size,
            "status": status if status in FILTERED else None,
            "from": date(since, "since"),
            "to": date(until, "until"),
            "content": "true" if content else None,
            **found,
        }
        # The search values are personal data and must not be in the HTTP libraries' logs.
        request = self.request(
            "list executions",
            "GET",
            "/api/v2/workfloo",
            repeatable=True,
            query=parameters,
            secrets=tuple(found.values()),
        )
        reply: Reply = yield request
        items = reply.json or []
        if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
            raise request.failure(UnreadableAnswer, "The answer is JSON, but not a list of executions")
        wanted = (one for one in items if status in (None, *FILTERED) or one.get("status") == status)
        return Page(tuple(wanted), next_page(reply.headers.get("link", ""), page=start))

    def file(
        self: Self, execution_id: str, *, node_id: str, name: str, patience: float = FILE_PATIENCE
    ) -> Operation[bytes]:
        """
        Return a file that was generated or uploaded at a node.

        Kiban answers at once while it is still making a file, such as a large PDF, and says when to ask
        again; that begins no other making (vendor's SDK).

        :param patience: maximum seconds to wait, between requests, for a file that Kiban is still making
        :raises ServiceUnavailable: Kiban has not made the file in this time
        """
        query = {"nodeId": identifier(node_id, "node_id"), "name": identifier(name, "name")}
        path = of_execution(execution_id, "/file").replace("/v1/", "/v2/", 1)
        request = self.request("get file", "GET", path, repeatable=True, query=query)
        waited = 0.0
        while (reply := (yield request)).status == MAKING:
            pause = _retry_after(reply)
            if waited >= patience:
                raise request.failure(
                    ServiceUnavailable,
                    f"Kiban is still making the file after {waited:.0f} s\n"
                    f"Ask for it again later, or wait longer for it with patience",
                    reply=reply,
                    retry_after=pause,
                )
            pause = min(pause, patience - waited)
            yield Sleep(pause)
            waited += pause
        try:
            return base64.b64decode(reply.json["fileBase64"], validate=True)
        except (TypeError, KeyError, ValueError, binascii.Error):
            raise request.failure(UnreadableAnswer, "The answer has no file in Base64") from None


def running(api: ReadingCalls, ids: Collection[str]) -> Operation[dict[str, Status]]:
    """
    Return which executions are in progress, as far as the history tells, by id.

    An execution that the history does not list has the status "": it has ended, or does not exist, or a
    change moved it to a page that was read before. Kiban has no filter for all ends (vendor's SDK), so
    that it lists those in progress. If they are far more than ``ids``, not all pages are read, and an
    execution that was not on one of them is left out.

    :returns: of each, only its status and its current node's name
    """
    found: dict[str, Status] = {}
    for number in range(1, 2 + len(ids) // WORTH_A_PAGE):
        page = yield from api.list_executions(status=RUNNING, start=number, size=RUNNING_PAGE)
        for item in page.items:
            status = read_status(item)
            if status is not None and status.id in ids and status.word == RUNNING:
                found[status.id] = status
        if len(found) == len(ids) or (page.next is None and len(page.items) < RUNNING_PAGE):
            return {id: found.get(id) or Status(id, "") for id in ids}
    return found


def _retry_after(reply: Reply) -> float:
    """Return the seconds after which a file should be asked for again: by the header or the body (SDK)."""
    told = retry_after(reply.headers)
    body = reply.json
    seconds = body.get("retryAfter") if told is None and isinstance(body, Mapping) else told
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    return max(1.0, float(min(seconds, FILE_PATIENCE))) if is_number and seconds else FILE_PAUSE
