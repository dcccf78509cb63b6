"""
Kiban Workfloo's API as operations.

"Vendor's SDK" is the public repository of the vendor with its OpenAPI description and examples, "vendor
documentation" the pages of docs.kiban.cloud. There is no call to cancel an execution.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from airflow_provider_workflows.kiban.codes import CodeCalls
from airflow_provider_workflows.kiban.status import Status, Step
from airflow_provider_workflows.kiban.steps import Answer, check_documents, mapping, read_answer
from airflow_provider_workflows.kiban.values import (
    WORKFLOO,
    callback,
    date,
    identifier,
    next_page,
    of_execution,
)
from airflow_provider_workflows.protocol.errors import InvalidInput, OutcomeUnknown, UnreadableAnswer
from airflow_provider_workflows.protocol.message import Reply, Request
from airflow_provider_workflows.protocol.operation import Operation, Page, Sleep

#: The vendor's text says 10,000 items a page, its error message 1,000 (vendor documentation).
MOST_ITEMS = 1000
#: Seconds before the second look whether an answered step has moved on, doubled each time, and at the most:
#: the vendor's examples look every 3 s (vendor's SDK).
LOOK_AGAIN = 0.5
LOOK_AGAIN_AT_MOST = 3.0
#: Query parameters of the history that are no search filters.
_RESERVED = frozenset({"page", "itemsPerPage", "status", "from", "to", "format", "content", "sandbox"})


class KibanApi(CodeCalls):
    """The calls of one Kiban space, with one API key; the arguments are those of :class:`KibanCalls`."""

    # Starting.

    def start(
        self,
        workfloo_id: str,
        *,
        scenario_id: str | None = None,
        form: Any = None,
        document: Any = None,
        callback_url: str | None = None,
    ) -> Operation[str]:
        """
        Start an execution and return its id; once only, since Kiban has no key for it and bills production
        runs (vendor's SDK).

        :param workfloo_id: of the definition, which must be published with a version (vendor documentation)
        :param scenario_id: of the test scenario; for the sandbox. Kiban wants one always (vendor
            documentation), or only if the definition has connectors (vendor's SDK), and refuses the start if
            it misses it
        :param form: initial answers, by field id
        :param document: initial documents in Base64, by document id
        :param callback_url: each change of the status is POSTed there
        :raises InvalidInput: among others, a scenario is given for production
        :raises OutcomeUnknown: the answer is lost, or has no id
        """
        body = self.start_body(
            workfloo_id, scenario_id=scenario_id, form=form, document=document, callback_url=callback_url
        )
        request = self.request("start workfloo", "POST", WORKFLOO, repeatable=False, json=body)
        return _id(request, (yield request), "id")

    def start_body(
        self,
        workfloo_id: Any,
        *,
        scenario_id: Any = None,
        form: Any = None,
        document: Any = None,
        callback_url: Any = None,
    ) -> dict[str, Any]:
        """
        Return what a start sends; the arguments are those of :meth:`start`.

        :raises InvalidInput: names the argument and what was expected
        """
        body: dict[str, Any] = {"idWorkflooDefinition": identifier(workfloo_id, "workfloo_id")}
        if scenario_id is not None:
            if not self.sandbox:
                # What production makes of one is not documented; a test that runs, and is billed, on a real
                # person's data is the worst that it could.
                raise InvalidInput(
                    "scenario_id is for the sandbox, and the connection leads to production: leave it out, "
                    "or set the connection's environment to sandbox"
                )
            body["scenarioId"] = identifier(scenario_id, "scenario_id")
        if form is not None:
            body["form"] = mapping(form, "form")
        if document is not None:
            body["document"] = mapping(document, "document")
            check_documents(body["document"])
        if callback_url is not None:
            body["callbackUrl"] = callback(callback_url)
            if self._callback_key:
                body["callbackXApiKey"] = self._callback_key
        return body

    def start_pool(self, pool_id: str, *, scenarios: Mapping[str, str] | None = None) -> Operation[str]:
        """
        Start a pool of workfloos and return the execution's id; once only.

        :param scenarios: in the sandbox, node or definition id -> test scenario id
        """
        body: dict[str, Any] = {"idPoolDefinition": identifier(pool_id, "pool_id")}
        if scenarios is not None:
            body["sceneries"] = mapping(scenarios, "scenarios")
        request = self.request("start pool", "POST", "/api/v1/pool", repeatable=False, json=body)
        return _id(request, (yield request), "idWorkfloo")

    # Reading.

    def detail(self, execution_id: str) -> Operation[Mapping[str, Any]]:
        """
        Return an execution with all its nodes; personal and credit data, so not for XCom or logs.

        ``nodes``, ``labels`` and any other array or map may be null (vendor's SDK). That an execution ended
        with SUCCESS does not mean that the applicant was accepted: the decision is in here.
        """
        request = self.request("get detail", "GET", of_execution(execution_id), repeatable=True)
        body = (yield request).json()
        if not isinstance(body, Mapping):
            raise request.failure(UnreadableAnswer, "The answer is JSON, but no detail of Kiban's")
        return body

    def history(
        self,
        *,
        status: str | None = None,
        since: Any = None,
        until: Any = None,
        page: int = 1,
        items_per_page: int = 100,
        content: bool = False,
        filters: Mapping[str, str] | None = None,
    ) -> Operation[Page[Mapping[str, Any]]]:
        """
        Return a page of executions; ``Page.next`` is the number of the next one.

        :param since: aware datetime, or ISO 8601 text with an offset; as ``until``
        :param items_per_page: 1 to 1,000
        :param content: with each execution's full content, which is personal data
        :param filters: search parameters by name, such as ``origin``, ``name``, ``_id``, ``labels``,
            ``nodes.form.searchableBy.rfc_pf`` (vendor documentation)
        """
        found = {str(name): str(value) for name, value in (filters or {}).items()}
        if reserved := sorted(_RESERVED & set(found)):
            raise InvalidInput(
                f"filters: {', '.join(reserved)} is no search filter, but an argument of its own"
            )
        if page < 1 or not 1 <= items_per_page <= MOST_ITEMS:
            raise InvalidInput(
                f"page must be 1 or more, got {page}, and items_per_page 1 to {MOST_ITEMS}, got "
                f"{items_per_page}"
            )
        parameters = {
            "page": page,
            "itemsPerPage": items_per_page,
            "status": status,
            "from": date(since, "since"),
            "to": date(until, "until"),
            "content": "true" if content else None,
            **found,
        }
        # What people are searched by must not be in the HTTP libraries' logs.
        request = self.request(
            "list executions",
            "GET",
            "/api/v2/workfloo",
            repeatable=True,
            query=parameters,
            secrets=tuple(found.values()),
        )
        reply: Reply = yield request
        items = reply.json() or []
        if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
            raise request.failure(UnreadableAnswer, "The answer is JSON, but no list of executions")
        return Page(tuple(items), next_page(reply.headers.get("link", ""), page=page))

    def file(self, execution_id: str, *, node_id: str, name: str) -> Operation[bytes]:
        """Return a file that was made or uploaded at a node."""
        query = {"nodeId": identifier(node_id, "node_id"), "name": identifier(name, "name")}
        path = of_execution(execution_id, "/file")
        request = self.request("get file", "GET", path, repeatable=True, query=query)
        body = (yield request).json()
        try:
            return base64.b64decode(body["fileBase64"], validate=True)
        except (TypeError, KeyError, ValueError, binascii.Error):
            raise request.failure(UnreadableAnswer, "The answer holds no file in Base64") from None

    # Answering a step. Each is once only: on an execution that has moved on, a repetition is refused or
    # answers the next step of the same kind (vendor's SDK).

    def send_form(self, execution_id: str, values: Any) -> Operation[None]:
        """
        Answer a FORM step.

        :param values: by field id. An empty form is the documented way to learn the required fields, which
            the refusal then names; where none is required, it moves the execution on
        """
        yield from self.answer(execution_id, read_answer(form=values))

    def send_document(self, execution_id: str, values: Any) -> Operation[None]:
        """
        Answer a DOCUMENT step.

        :param values: document id -> content in Base64; of a "set", a list of objects
        """
        yield from self.answer(execution_id, read_answer(document=values))

    def send_correction(self, execution_id: str, values: Any) -> Operation[None]:
        """
        Send the fields that a reviewer rejected.

        :param values: by field id
        """
        yield from self.answer(execution_id, read_answer(correction=values))

    def send_review(
        self, execution_id: str, decision: str, *, note: str | None = None, reviews: Any = None
    ) -> Operation[None]:
        """
        Decide as a reviewer.

        :param decision: the words that Kiban takes are not documented
        :param reviews: what is to be corrected: a list of ``{"fieldId", "message", "sourceNodeId"}``
        """
        given = {"decision": decision, "reviewerNote": note, "reviews": reviews}
        values = {name: value for name, value in given.items() if value is not None}
        yield from self.answer(execution_id, read_answer(review=values))

    def answer(self, execution_id: str, answer: Answer) -> Operation[None]:
        """
        Answer a step of any kind.

        :raises Rejected: Kiban refused the values; the execution stands as before
        :raises Conflict: the execution does not stand at a step of this kind
        :raises OutcomeUnknown: the answer is lost
        """
        path = of_execution(execution_id, f"/{answer.kind}")
        yield self.request(
            f"send {answer.kind}",
            "POST",
            path,
            repeatable=False,
            json=dict(answer.values),
            expects_json=False,
        )

    def await_move(self, execution_id: str, step: Step, *, patience: float) -> Operation[Status]:
        """
        Return the status as soon as the execution no longer stands at a step, or when patience is at an end.

        Right after an answer the status may still show the step for a moment (vendor's SDK).

        :param patience: seconds
        """
        waited, next_pause = 0.0, LOOK_AGAIN
        while True:
            status = yield from self.status(execution_id)
            if status.step != step or waited >= patience:
                return status
            pause = min(next_pause, patience - waited)
            yield Sleep(pause)
            waited += pause
            next_pause = min(2 * next_pause, LOOK_AGAIN_AT_MOST)


def _id(request: Request, reply: Reply, name: str) -> str:
    body = reply.json()
    found = body.get(name) if isinstance(body, Mapping) else None
    if not isinstance(found, str) or not found:
        raise request.failure(
            OutcomeUnknown, "Kiban said yes, but not the id of what it started", reply=reply
        )
    return found
