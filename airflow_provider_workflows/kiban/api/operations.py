"""
Kiban Workfloo's API as operations.

"Vendor's SDK" is the vendor's public repository with its OpenAPI description and examples; "vendor
documentation" is docs.kiban.cloud. There is no call to cancel an execution.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from airflow_provider_workflows.core.protocol.message import Reply, Request
from airflow_provider_workflows.core.protocol.operation import Operation, Sleep
from airflow_provider_workflows.exceptions import (
    InvalidInput,
    OutcomeUnknown,
    UnreadableAnswer,
)
from airflow_provider_workflows.kiban.api.codes import CodeCalls
from airflow_provider_workflows.kiban.api.reading import ReadingCalls
from airflow_provider_workflows.kiban.api.status import Status, Step
from airflow_provider_workflows.kiban.api.steps import Answer, check_documents, mapping, read_answer
from airflow_provider_workflows.kiban.api.values import (
    WORKFLOO,
    callback,
    identifier,
    is_id,
    of_execution,
)

#: Seconds before the second check whether an answered step has moved on, doubled each time, and their
#: maximum: the vendor's examples check every 3 s (vendor's SDK).
CHECK_AGAIN = 0.5
CHECK_AGAIN_MAX = 3.0


class KibanApi(ReadingCalls, CodeCalls):
    """The API of one Kiban space, with one API key; the arguments are those of :class:`KibanCalls`."""

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
        Start an execution and return its id; sent only once, because Kiban has no idempotency key and bills
        production runs (vendor's SDK).

        :param workfloo_id: id of the definition, which must be published with a version (vendor
            documentation)
        :param scenario_id: id of the test scenario, for the sandbox. Kiban requires one always (vendor
            documentation), or only if the definition has connectors (vendor's SDK), and refuses the start if
            it is missing
        :param form: initial answers, by field id
        :param document: initial documents in Base64, by document id
        :param callback_url: Kiban POSTs each change of the status to it
        :raises InvalidInput: for example, a scenario is given for production
        :raises OutcomeUnknown: no usable answer, or one without an id
        """
        body = start_body(
            workfloo_id, scenario_id=scenario_id, form=form, document=document, callback_url=callback_url
        )
        return (yield from self.start_checked(body))

    def start_checked(self, body: Mapping[str, Any]) -> Operation[str]:
        """Start an execution as :meth:`start` does, with what :func:`start_body` has returned."""
        self.check_scenario(body)
        if self._callback_key and "callbackUrl" in body:
            body = {**body, "callbackXApiKey": self._callback_key}
        request = self.request("start workfloo", "POST", WORKFLOO, repeatable=False, json=body)
        return _id(request, (yield request), "id")

    def check_scenario(self, body: Mapping[str, Any]) -> None:
        """
        Check the body of a start against the environment.

        :raises InvalidInput: a scenario is given for production
        """
        if "scenarioId" in body and not self.sandbox:
            # The effect in production is not documented; at worst, a test runs, and is billed, with a real
            # person's data.
            raise InvalidInput(
                "scenario_id is for the sandbox, but the connection is to production\n"
                "Remove it, or set the environment of the connection to sandbox"
            )

    def start_pool(self, pool_id: str, *, scenarios: Mapping[str, str] | None = None) -> Operation[str]:
        """
        Start a pool of workfloos and return the execution's id; sent only once.

        :param scenarios: for the sandbox, mapping of node or definition id to test scenario id
        """
        body: dict[str, Any] = {"idPoolDefinition": identifier(pool_id, "pool_id")}
        if scenarios is not None:
            body["sceneries"] = mapping(scenarios, "scenarios")
        request = self.request("start pool", "POST", "/api/v1/pool", repeatable=False, json=body)
        return _id(request, (yield request), "idWorkfloo")

    # Before a form is answered.

    def validate_field(self, execution_id: str, field_id: str, values: Any) -> Operation[Mapping[str, Any]]:
        """
        Let Kiban check a field of the current FORM with the field's validator; this does not answer the form.

        Returns Kiban's answer: ``status`` is VALID, INVALID, FORMAT_ERROR or PENDING_INPUTS. ``errors`` has
        texts by field, ``filled`` has the values that the validator filled in, ``options`` has the candidates
        by field, of which the form accepts only one, and ``missingInputs`` names the fields that the
        validator needs; each may be null (vendor's SDK).

        The request is repeated after a fault. Assumption: to check the same values again has no effect,
        because Kiban reuses the first check and says ``reused`` (vendor's SDK). Wrong if a second check is
        billed or not ``reused``.

        :param values: the values entered so far, by field id
        :raises Conflict: the execution is not at a FORM
        """
        field = quote(identifier(field_id, "field_id"), safe="")
        path = of_execution(execution_id, f"/field/{field}/validate")
        body = {"values": mapping(values, "values")}
        request = self.request("validate field", "POST", path, repeatable=True, json=body)
        answer = (yield request).json
        if not isinstance(answer, Mapping) or not isinstance(answer.get("status"), str):
            raise request.failure(UnreadableAnswer, "The answer is JSON, but not a check in Kiban's format")
        return answer

    # Answering a step. Each is sent only once: if the execution has moved on, a repetition is refused or
    # answers the next step of the same kind (vendor's SDK).

    def send_form(self, execution_id: str, values: Any) -> Operation[None]:
        """
        Answer a FORM step.

        :param values: values by field id. An empty form is the documented way to find out the required
            fields, which the refusal lists; if none is required, it moves the execution on
        """
        yield from self.answer(execution_id, read_answer(form=values))

    def send_document(self, execution_id: str, values: Any) -> Operation[None]:
        """
        Answer a DOCUMENT step.

        :param values: mapping of document id to content in Base64; for a "set", to a list of objects
        """
        yield from self.answer(execution_id, read_answer(document=values))

    def send_correction(self, execution_id: str, values: Any) -> Operation[None]:
        """
        Send corrections of the fields that a reviewer rejected.

        :param values: values by field id
        """
        yield from self.answer(execution_id, read_answer(correction=values))

    def send_review(
        self, execution_id: str, decision: str, *, note: str | None = None, reviews: Any = None
    ) -> Operation[None]:
        """
        Send a reviewer's decision.

        :param decision: the decision; the valid texts are not documented
        :param reviews: what to correct: a list of ``{"fieldId", "message", "sourceNodeId"}``
        """
        given = {"decision": decision, "reviewerNote": note, "reviews": reviews}
        values = {name: value for name, value in given.items() if value is not None}
        yield from self.answer(execution_id, read_answer(review=values))

    def answer(self, execution_id: str, answer: Answer) -> Operation[None]:
        """
        Answer a step of any kind.

        :raises Rejected: Kiban refused the values; the execution is unchanged
        :raises Conflict: the execution is not at a step of this kind
        :raises OutcomeUnknown: no usable answer
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
        Return the status as soon as the execution has left a step, or after some seconds.

        Right after an answer, the status may still show the step for a moment (vendor's SDK).

        :param patience: maximum seconds to wait
        """
        waited, next_pause = 0.0, CHECK_AGAIN
        while True:
            status = yield from self.status(execution_id)
            if status.step != step or waited >= patience:
                return status
            pause = min(next_pause, patience - waited)
            yield Sleep(pause)
            waited += pause
            next_pause = min(2 * next_pause, CHECK_AGAIN_MAX)


def start_body(
    workfloo_id: Any,
    *,
    scenario_id: Any = None,
    form: Any = None,
    document: Any = None,
    callback_url: Any = None,
) -> dict[str, Any]:
    """
    Return the body of a start; the arguments are those of :meth:`KibanApi.start`.

    :raises InvalidInput: an argument is invalid; the message says what is expected
    """
    body: dict[str, Any] = {"idWorkflooDefinition": identifier(workfloo_id, "workfloo_id")}
    if scenario_id is not None:
        body["scenarioId"] = identifier(scenario_id, "scenario_id")
    if form is not None:
        body["form"] = mapping(form, "form")
    if document is not None:
        body["document"] = mapping(document, "document")
        check_documents(body["document"])
    if callback_url is not None:
        body["callbackUrl"] = callback(callback_url)
    return body


def _id(request: Request, reply: Reply, name: str) -> str:
    body = reply.json
    found = body.get(name) if isinstance(body, Mapping) else None
    if not isinstance(found, str) or not is_id(found):
        raise request.failure(OutcomeUnknown, "Kiban reported success, but returned no valid id", reply=reply)
    return found
