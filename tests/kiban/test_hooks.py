"""The hook against the sandbox: every situation of the vendor facts, on both drivers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from airflow_provider_workflows import exceptions
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.kiban.api.operations import KibanApi
from airflow_provider_workflows.kiban.hooks import KibanHook
from tests.kiban.conftest import Run
from tests.kiban.server import (
    ADDRESS,
    BRANCHING,
    BRANCHING_SCENARIO,
    DRAFT,
    EXPIRING,
    FORM,
    LOAN,
    LOAN_SCENARIO,
    NOBODY,
    ONBOARDING,
    ONBOARDING_SCENARIO,
    OTP,
    OTP_SCENARIO,
    PDF,
    POOL,
    PRINTER,
    PRINTING,
    REVIEW,
    UNDELIVERED,
    UNDELIVERED_SCENARIO,
    KibanServer,
)

OUTSIDER = {"password": "kiban-outsider-key"}
WRONG = {"password": "wrong-key-of-mine"}
PRODUCTION = {"extra": {"environment": "production"}}


@dataclass(frozen=True)
class Situation:
    """
    One row of the vendor facts' tables.

    :param call: makes the operation, given the API and an execution's id
    :param outcome: the error class, or the result
    :param says: part of the error's text
    :param workfloo: what is started before
    :param connection: what the connection is changed to after that
    """

    call: Callable[[KibanApi, str], Operation[Any]]
    outcome: Any
    says: str = ""
    workfloo: str | None = None
    arguments: dict[str, Any] | None = None
    connection: dict[str, Any] | None = None
    answers: int = 0


def file_of(api: KibanApi, execution_id: str, name: str, node: str = "") -> Operation[Any]:
    detail = yield from api.detail(execution_id)
    node_id = node or detail["nodes"][0]["id"]
    return (yield from api.file(execution_id, node_id=node_id, name=name))


SITUATIONS: dict[str, Situation] = {
    "start without access": Situation(
        lambda api, _: api.start(LOAN), exceptions.PermissionDenied, connection=OUTSIDER
    ),
    "start with a wrong key": Situation(
        lambda api, _: api.start(LOAN), exceptions.AuthenticationFailed, "API key", connection=WRONG
    ),
    "start of an unknown definition": Situation(
        lambda api, _: api.start(NOBODY), exceptions.NotFound, "idWorkflooDefinition not found"
    ),
    "start of an unpublished definition": Situation(lambda api, _: api.start(DRAFT), exceptions.NotFound),
    "start without a scenario that is needed": Situation(
        lambda api, _: api.start(ONBOARDING), exceptions.Rejected, "scenarioId not found"
    ),
    "start with an unknown scenario": Situation(
        lambda api, _: api.start(LOAN, scenario_id=NOBODY), exceptions.NotFound, "scenarioId not found"
    ),
    "start with refused values": Situation(
        lambda api, _: api.start(LOAN, form={**FORM, "rfc": "nonsense"}),
        exceptions.Rejected,
        "rfc: FORMAT_ERROR",
    ),
    "start without required values": Situation(
        lambda api, _: api.start(LOAN, form={"last_name": "x"}), exceptions.Rejected, "first_name: required"
    ),
    "start of an unknown pool": Situation(
        lambda api, _: api.start_pool(NOBODY), exceptions.NotFound, "idPoolDefinition"
    ),
    "status of an unknown execution": Situation(lambda api, _: api.status(NOBODY), exceptions.NotFound),
    "detail of an unknown execution": Situation(lambda api, _: api.detail(NOBODY), exceptions.NotFound),
    "status of no id": Situation(lambda api, _: api.status("nonsense"), exceptions.Rejected),
    "status with a wrong key": Situation(
        lambda api, _: api.status(NOBODY), exceptions.AuthenticationFailed, connection=WRONG
    ),
    "status without access": Situation(
        lambda api, id: api.status(id), exceptions.PermissionDenied, workfloo=LOAN, connection=OUTSIDER
    ),
    "status of the sandbox's in production": Situation(
        lambda api, id: api.status(id), exceptions.NotFound, workfloo=LOAN, connection=PRODUCTION
    ),
    "history without access": Situation(
        lambda api, _: api.list_executions(), exceptions.PermissionDenied, connection=OUTSIDER
    ),
    "form with what is required": Situation(lambda api, id: api.send_form(id, FORM), None, workfloo=LOAN),
    "empty form": Situation(
        lambda api, id: api.send_form(id, {}), exceptions.Rejected, "first_name: required", workfloo=LOAN
    ),
    "form with a refused value": Situation(
        lambda api, id: api.send_form(id, {**FORM, "amount": "lots"}),
        exceptions.Rejected,
        r"amount: FORMAT_ERROR; *** is not valid",
        workfloo=LOAN,
    ),
    "form at another step": Situation(
        lambda api, id: api.send_form(id, FORM), exceptions.Conflict, workfloo=REVIEW, answers=1
    ),
    "form of an unknown execution": Situation(
        lambda api, _: api.send_form(NOBODY, FORM), exceptions.NotFound
    ),
    "document at another step": Situation(
        lambda api, id: api.send_document(id, {"a": PDF}), exceptions.Conflict, workfloo=LOAN
    ),
    "correction at another step": Situation(
        lambda api, id: api.send_correction(id, {"a": "x"}), exceptions.Conflict, workfloo=LOAN
    ),
    "review at another step": Situation(
        lambda api, id: api.send_review(id, "APPROVED"), exceptions.Conflict, workfloo=LOAN
    ),
    "review": Situation(lambda api, id: api.send_review(id, "APPROVED"), None, workfloo=REVIEW, answers=1),
    "review with an unknown word": Situation(
        lambda api, id: api.send_review(id, "perhaps"), exceptions.Rejected, workfloo=REVIEW, answers=1
    ),
    "document": Situation(
        lambda api, id: api.send_document(id, {"identity": PDF, "statements": [{"file": PDF}]}),
        None,
        workfloo=ONBOARDING,
        arguments={"scenario_id": ONBOARDING_SCENARIO},
        answers=1,
    ),
    "document missing": Situation(
        lambda api, id: api.send_document(id, {}),
        exceptions.Rejected,
        "identity: required",
        workfloo=ONBOARDING,
        arguments={"scenario_id": ONBOARDING_SCENARIO},
        answers=1,
    ),
    "file of an unknown name": Situation(
        lambda api, id: file_of(api, id, "nobody.pdf"), exceptions.NotFound, workfloo=REVIEW, answers=1
    ),
    "file of an unknown node": Situation(
        lambda api, id: file_of(api, id, "x", NOBODY), exceptions.NotFound, workfloo=REVIEW, answers=1
    ),
    "nip where none is expected": Situation(
        lambda api, id: api.send_nip(id), exceptions.Rejected, "no NIP is expected", workfloo=LOAN
    ),
    "nip to a wrong phone": Situation(
        lambda api, id: api.send_nip(id, country_code="x", phone_number="y"),
        exceptions.Rejected,
        "not valid",
        workfloo=UNDELIVERED,
        arguments={"scenario_id": UNDELIVERED_SCENARIO},
    ),
    "otp where none is expected": Situation(
        lambda api, id: api.validate_otp(id, "123456"), exceptions.PermissionDenied, "no code", workfloo=LOAN
    ),
    "otp wrong": Situation(
        lambda api, id: api.validate_otp(id, "999999"),
        exceptions.Rejected,
        "the code *** is not correct; tries left: 2",
        workfloo=OTP,
        arguments={"scenario_id": OTP_SCENARIO},
    ),
    "otp": Situation(
        lambda api, id: api.validate_otp(id, "333333"),
        None,
        workfloo=OTP,
        arguments={"scenario_id": OTP_SCENARIO},
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_situations(kiban: KibanServer, run: Run, name: str) -> None:
    one = SITUATIONS[name]
    execution_id = "" if one.workfloo is None else kiban.start(one.workfloo, **(one.arguments or {}))
    if one.answers:
        kiban.answer(execution_id, times=one.answers)
    kiban.connect(**(one.connection or {}))
    before = {name: count for name, count in kiban.effects().items() if name != "requests"}
    if not isinstance(one.outcome, type):
        assert run(lambda api: one.call(api, execution_id)) == one.outcome
        assert kiban.effects()["answered"] == before["answered"] + 1
        return
    with pytest.raises(one.outcome) as caught:
        run(lambda api: one.call(api, execution_id))
    assert type(caught.value) is one.outcome
    assert one.says in str(caught.value)
    assert {name: count for name, count in kiban.effects().items() if name != "requests"} == before


#: Status of an answer -> what a read and what a write come to.
FAULTS: dict[str, tuple[dict[str, Any], type[BaseException], type[BaseException]]] = {
    "500": ({"kind": "status", "status": 500}, exceptions.ServiceUnavailable, exceptions.OutcomeUnknown),
    "503": ({"kind": "unavailable"}, exceptions.ServiceUnavailable, exceptions.OutcomeUnknown),
    "502": ({"kind": "bad_gateway"}, exceptions.ServiceUnavailable, exceptions.OutcomeUnknown),
    "429": ({"kind": "throttled", "retry_after": 60}, exceptions.Throttled, exceptions.Throttled),
    "409": ({"kind": "status", "status": 409}, exceptions.ServiceUnavailable, exceptions.Conflict),
    "403": ({"kind": "status", "status": 403}, exceptions.PermissionDenied, exceptions.PermissionDenied),
    "lost": ({"kind": "lost_answer"}, exceptions.ServiceUnavailable, exceptions.OutcomeUnknown),
    "cut off": ({"kind": "truncated"}, exceptions.ServiceUnavailable, exceptions.OutcomeUnknown),
    "HTML": ({"kind": "not_json"}, exceptions.UnreadableAnswer, exceptions.OutcomeUnknown),
    "redirect": ({"kind": "redirect"}, exceptions.UnexpectedRedirect, exceptions.UnexpectedRedirect),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_on_reads_and_writes(kiban: KibanServer, run: Run, name: str) -> None:
    fault, on_read, on_write = FAULTS[name]
    execution_id = kiban.start()
    kiban.fault("status", times=9, **fault)
    with pytest.raises(on_read):
        run(lambda api: api.status(execution_id))
    kiban.fault("form", **fault)
    # The answer to a form is empty, so it cannot be cut off.
    if name != "cut off":
        with pytest.raises(on_write):
            run(lambda api: api.send_form(execution_id, FORM))
    assert kiban.requests("form") <= 1
    kiban.fault("start", **fault)
    with pytest.raises(on_write):
        run(lambda api: api.start(LOAN))
    assert kiban.requests("start") == 2


@pytest.mark.parametrize("name", ["500", "503", "409", "lost"])
def test_reads_get_over_a_passing_fault(kiban: KibanServer, run: Run, name: str) -> None:
    execution_id = kiban.start()
    fault = kiban.fault("status", **FAULTS[name][0])
    assert run(lambda api: api.status(execution_id)).node_type == "FORM"
    assert kiban.control.hits(fault) == 1


def test_an_execution_from_start_to_end(kiban: KibanServer, run: Run) -> None:
    execution_id = run(lambda api: api.start(LOAN))
    assert run(lambda api: api.status(execution_id)).is_working
    assert run(lambda api: api.detail(execution_id))["nodes"] is None
    kiban.control.advance(5)
    status = run(lambda api: api.status(execution_id))
    assert (status.id, status.word, status.node_type, status.node_name) == (
        execution_id,
        "PROGRESS",
        "FORM",
        "Applicant",
    )
    run(lambda api: api.send_form(execution_id, FORM))
    # Right after, the status still shows the step.
    assert run(lambda api: api.status(execution_id)).step == status.step
    kiban.control.advance(0.4)
    assert run(lambda api: api.status(execution_id)).node_type == "FORM_PROCESSING"
    kiban.control.advance(5)
    assert run(lambda api: api.status(execution_id)).word == "SUCCESS"
    detail = run(lambda api: api.detail(execution_id))
    assert detail["nodes"][0]["form"]["fields"] == FORM
    assert detail["labels"] == ["low risk", "accepted"]


def test_every_kind_of_step(kiban: KibanServer, run: Run) -> None:
    execution_id = kiban.start(ONBOARDING, scenario_id=ONBOARDING_SCENARIO)

    def after(operation: Callable[[KibanApi], Operation[Any]]) -> str:
        """Do something, and return the node where the execution then stands."""
        run(operation)
        kiban.control.advance(5)
        return str(run(lambda api: api.status(execution_id)).node_name)

    assert after(lambda api: api.send_form(execution_id, {"first_name": "Ana"})) == "Papers"
    assert after(lambda api: api.send_document(execution_id, {"identity": PDF})) == "Bureau"
    assert after(lambda api: api.send_nip(execution_id)) == "Bureau"
    assert run(lambda api: api.resend_nip(execution_id)) == "VALIDATE"
    with pytest.raises(exceptions.Rejected, match="not correct"):
        run(lambda api: api.validate_nip(execution_id, "000000"))
    assert run(lambda api: api.validate_nip(execution_id, "111111")) == "VALIDATE_2"
    assert after(lambda api: api.validate_nip(execution_id, "222222")) == "Phone"
    assert run(lambda api: api.status(execution_id)).awaits_code
    assert after(lambda api: api.fallback_otp(execution_id)) == "Phone"
    with pytest.raises(exceptions.PermissionDenied, match="no resends"):
        run(lambda api: first_try(api.fallback_otp(execution_id)))
    assert after(lambda api: api.validate_otp(execution_id, "333333")) == "Face"
    kiban.answer(execution_id)
    assert run(lambda api: api.status(execution_id)).node_type == "VALIDATION"
    reviews = [{"fieldId": "first_name", "message": "blurred"}]
    assert after(lambda api: api.send_review(execution_id, "REJECTED", reviews=reviews)) == "Back office"
    assert run(lambda api: api.status(execution_id)).step.state == "CORRECTION"
    assert after(lambda api: api.send_correction(execution_id, {"first_name": "Ann"})) == "Back office"
    assert after(lambda api: api.send_review(execution_id, "APPROVED")) == "Pause"
    kiban.control.advance(30)
    assert run(lambda api: api.status(execution_id)).word == "SUCCESS"
    detail = run(lambda api: api.detail(execution_id))
    nodes = {node["name"]: node["id"] for node in detail["nodes"]}
    name = "report.pdf"
    report = run(lambda api: api.file(execution_id, node_id=nodes["Report"], name=name))
    assert report == b"report of Report"
    assert kiban.effects()["codes_sent"] == 4, "a NIP, another, an OTP, another"


def first_try(operation: Operation[Any]) -> Operation[Any]:
    """Send what an operation sends first, without the retries for a busy execution, which take seconds."""
    return (yield next(operation))


def test_a_code_that_reaches_nobody_is_told_by_the_status(kiban: KibanServer, run: Run) -> None:
    execution_id = kiban.start(UNDELIVERED, scenario_id=UNDELIVERED_SCENARIO)
    run(lambda api: api.send_nip(execution_id))
    assert run(lambda api: api.status(execution_id)).need("link")["sendError"]["recoverable"] is True
    run(lambda api: api.send_nip(execution_id, country_code="52", phone_number="5511112222"))
    assert run(lambda api: api.status(execution_id)).step.phase == "VALIDATE"


def test_tries_that_are_used_up(kiban: KibanServer, run: Run) -> None:
    execution_id = kiban.start(OTP, scenario_id=OTP_SCENARIO)
    for _ in range(2):
        with pytest.raises(exceptions.Rejected):
            run(lambda api: api.validate_otp(execution_id, "999999"))
    with pytest.raises(exceptions.PermissionDenied, match="no tries are left"):
        run(lambda api: api.validate_otp(execution_id, "999999"))


def test_expired_and_cancelled(kiban: KibanServer, run: Run) -> None:
    expired, cancelled = kiban.start(EXPIRING), kiban.start(LOAN)
    kiban.command("cancel", execution_id=cancelled)
    kiban.control.advance(100)
    assert run(lambda api: api.status(expired)).word == "ABANDONED"
    assert run(lambda api: api.status(cancelled)).word == "ABANDONED"
    assert "cancelledAt" not in run(lambda api: api.status(expired)).needs
    assert run(lambda api: api.status(cancelled)).needs["cancelledBy"]


def test_list_executions(kiban: KibanServer, run: Run) -> None:
    ids = [kiban.start() for _ in range(5)]
    kiban.answer(ids[0])
    page = run(lambda api: api.list_executions(size=2))
    seen = [item["id"] for item in page.items]
    while page.next is not None:
        page = run(partial(KibanApi.list_executions, size=2, start=page.next))
        seen += [item["id"] for item in page.items]
    assert seen == ids[::-1]
    rfc = {"nodes.form.searchableBy.rfc_pf": "TOAA900101AB1"}
    assert [item["id"] for item in run(lambda api: api.list_executions(filters=rfc)).items] == ids[:1]
    found = run(lambda api: api.list_executions(status="SUCCESS", content=True)).items
    assert [(item["id"], item["nodes"][0]["name"]) for item in found] == [(ids[0], "Applicant")]
    kiban.command("cancel", execution_id=ids[1])
    found = run(lambda api: api.list_executions(status="ABANDONED")).items
    assert [item["id"] for item in found] == [ids[1]]
    assert len(run(lambda api: api.list_executions(size=10_000)).items) == 5
    assert run(lambda api: api.list_executions(since="2100-01-01T00:00:00Z")).items == ()
    assert len(run(lambda api: api.list_executions(until="2100-01-01T00:00:00Z")).items) == 5


def test_every_page_is_looked_at_for_a_status_that_kiban_cannot_filter(kiban: KibanServer) -> None:
    ids = [kiban.start(settle=0) for _ in range(5)]
    kiban.command("cancel", execution_id=ids[0])
    found = KibanHook().iterate_executions(status="ABANDONED", size=2)
    assert [item["id"] for item in found] == ids[:1]
    assert kiban.requests("history_v2") == 3


def test_a_file_that_is_being_made_is_waited_for(kiban: KibanServer, run: Run) -> None:
    execution_id = kiban.start(PRINTING)
    making = run(lambda api: first_try(printed(api, execution_id)))
    assert making.status == 202
    kiban.control.advance(19)
    # A second is left, and the hook waits for it.
    assert run(lambda api: printed(api, execution_id)) == b"report of Contract"
    assert kiban.requests("file") == 3


def test_a_file_that_is_being_made_for_too_long(kiban: KibanServer, run: Run) -> None:
    execution_id = kiban.start(PRINTING)
    with pytest.raises(exceptions.ServiceUnavailable, match="still making the file") as told:
        run(lambda api: printed(api, execution_id, patience=0))
    assert 1 <= (told.value.retry_after or 0) <= 20


def printed(api: KibanApi, execution_id: str, **arguments: Any) -> Operation[bytes]:
    """Return the file of the node that prints; its id is the same in every run."""
    return api.file(execution_id, node_id=PRINTER, name="report.pdf", **arguments)


def test_an_otp_that_goes_on_by_its_error_branch(kiban: KibanServer, run: Run) -> None:
    execution_id = kiban.start(BRANCHING, scenario_id=BRANCHING_SCENARIO)
    for _ in range(2):
        with pytest.raises(exceptions.Rejected):
            run(lambda api: api.validate_otp(execution_id, "999999"))
    assert run(lambda api: api.validate_otp(execution_id, "999999")) is None
    kiban.control.advance(5)
    assert run(lambda api: api.status(execution_id)).node_name == "Back office"


def test_a_field_is_validated_without_answering_the_form(kiban: KibanServer, run: Run) -> None:
    execution_id = kiban.start(ADDRESS)
    values = {"country": "MX", "post_code": "01000"}
    check = run(lambda api: api.validate_field(execution_id, "post_code", values))
    assert (check["status"], check["options"]["colony"]) == ("VALID", ["San Ángel", "Roma Norte"])
    assert kiban.effects()["answered"] == 0
    run(lambda api: api.send_form(execution_id, {**values, "colony": "San Ángel"}))
    with pytest.raises(exceptions.Conflict):
        run(lambda api: api.validate_field(execution_id, "post_code", values))


@pytest.mark.parametrize("always", [False, True])
def test_whether_each_start_needs_a_scenario(kiban: KibanServer, run: Run, always: bool) -> None:
    kiban.command("ask_scenario", always=always)
    assert run(lambda api: api.start(LOAN, scenario_id=LOAN_SCENARIO))
    if always:
        with pytest.raises(exceptions.Rejected, match="scenarioId not found"):
            run(lambda api: api.start(LOAN))
    else:
        assert run(lambda api: api.start(LOAN))


def test_a_pool(kiban: KibanServer, run: Run) -> None:
    execution_id = run(lambda api: api.start_pool(POOL, scenarios={LOAN: "x"}))
    assert kiban.record(execution_id)["fields"]["workfloo"] == "Loan application"


def test_production_and_sandbox_mode(kiban: KibanServer, run: Run) -> None:
    assert kiban.record(run(lambda api: api.start(LOAN)))["fields"]["environment"] == "sandbox"
    kiban.connect(**PRODUCTION)
    assert kiban.record(run(lambda api: api.start(LOAN)))["fields"]["environment"] == "production"


#: Takes a body that is checked already, so that a hook does not offer it.
FOR_EFFECTS = {"start_checked"}


def operations() -> list[str]:
    """The operations of the API, which are its generators, except those for effects only."""
    found = {name for name, _ in inspect.getmembers(KibanApi, inspect.isgeneratorfunction)}
    assert found >= FOR_EFFECTS
    return sorted(name for name in found - FOR_EFFECTS if not name.startswith("_"))


@pytest.mark.parametrize("name", operations())
def test_every_operation_is_a_method_and_a_coroutine(name: str) -> None:
    assert getattr(KibanHook, name).__wrapped__ is getattr(KibanApi, name)
    assert getattr(KibanHook, f"a{name}").__wrapped__ is getattr(KibanApi, name)
    assert inspect.iscoroutinefunction(getattr(KibanHook, f"a{name}"))


def test_all_that_was_asked_for_is_there() -> None:
    asked = {"start", "status", "detail", "list_executions", "file"}
    steps = {"send_form", "send_document", "send_correction", "send_review"}
    codes = {"send_nip", "validate_nip", "resend_nip", "validate_otp", "fallback_otp"}
    assert asked | steps | codes <= set(operations())
