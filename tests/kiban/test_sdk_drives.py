"""The sandbox driven by Kiban's own SDK, through the loop of its examples, to every end."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kiban.sdk import ApiException, Integrator, Strict, check, connected, model
from tests.kiban.server import (
    ADDRESS,
    BRANCHING,
    BRANCHING_SCENARIO,
    CIRCLING,
    EXPIRING,
    FAILING,
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


@pytest.fixture
def api(kiban: KibanServer) -> Iterator[Strict]:
    with connected(kiban.url) as api:
        yield api


@pytest.fixture
def integrator(kiban: KibanServer, api: Strict) -> Integrator:
    return Integrator(
        api,
        kiban.control,
        values={**FORM, "a": "x", "b": "y"},
        sets={"statements": [{"file": PDF}, {"file": PDF}]},
        finish=lambda execution_id: kiban.command("answer", execution_id=execution_id),
    )


def test_the_check_of_answers_notices_what_is_wrong() -> None:
    def fault(told: dict[str, Any]) -> str:
        with pytest.raises(AssertionError) as found:
            check(told, model("NodeResume").from_dict(told), "node")
        return str(found.value)

    allowed = {"id": "n", "variables": None, "documents": None}
    check(allowed, model("NodeResume").from_dict(allowed), "node")
    for name in ("apiData", "pdf", "timer", "ruleset", "label", "validation", "link", "form"):
        assert f".{name} must not be null" in fault({"id": "n", name: None})
    assert ".label.shoe is not known" in fault({"id": "n", "label": {"labels": ["a"], "shoe": 44}})
    with pytest.raises(ValueError, match="valid string"):
        model("NodeResume").from_dict({"id": 7})


def test_from_start_to_success_by_every_kind_of_step(kiban: KibanServer, integrator: Integrator) -> None:
    integrator.codes = [None, "000000", "111111", "222222", "999999", None, "333333"]
    integrator.decisions = [
        {
            "decision": "REJECTED",
            "reviewerNote": "look again",
            "reviews": [{"fieldId": "first_name", "message": "blurred"}],
        },
        {"decision": "APPROVED"},
    ]
    execution_id = integrator.start(ONBOARDING, scenarioId=ONBOARDING_SCENARIO)
    assert integrator.drive(execution_id).status == "SUCCESS"
    assert integrator.steps == [
        "Person",
        "Papers",
        "Bureau CREATE_ACCOUNT",
        "Bureau VALIDATE",
        "Bureau VALIDATE_2",
        "Phone VALIDATE",
        "Face",
        "Back office REVIEW",
        "Back office CORRECTION",
        "Back office REVIEW",
        "Pause",
    ]
    assert kiban.effects()["codes_sent"] == 4, "a NIP, another, an OTP, another"
    nodes = {node.name: node for node in integrator.api.get_workfloo(execution_id).nodes}
    assert nodes["Person"].form.fields["first_name"] == "fixed Ana"
    assert set(nodes["Papers"].documents) == {"identity", "statements"}
    assert nodes["Back office"].validation.decision == "APPROVED"
    report = {"node_id": nodes["Report"].id, "name": "report.pdf"}
    for fetch in (integrator.api.get_workfloo_file, integrator.api.get_workfloo_file_v2):
        assert base64.b64decode(fetch(execution_id, **report).file_base64) == b"report of Report"


def test_answers_at_the_start(integrator: Integrator) -> None:
    execution_id = integrator.start(LOAN, form=FORM, scenarioId=LOAN_SCENARIO)
    assert integrator.drive(execution_id).status == "SUCCESS"
    assert integrator.steps == []
    detail = integrator.api.get_workfloo(execution_id)
    assert detail.labels == ["low risk", "accepted"]
    assert detail.scenery_id == LOAN_SCENARIO
    assert detail.nodes[-1].ruleset.exit == "accepted"
    assert detail.nodes[-1].decision_tree[0].result is True


@pytest.mark.parametrize("always", [False, True])
def test_a_scenario_where_it_is_wanted(kiban: KibanServer, integrator: Integrator, always: bool) -> None:
    kiban.command("ask_scenario", always=always)
    assert integrator.start(LOAN, scenarioId=LOAN_SCENARIO)
    for definition, refused in ((LOAN, always), (ONBOARDING, True)):
        if not refused:
            assert integrator.start(definition)
            continue
        with pytest.raises(ApiException) as told:
            integrator.start(definition)
        assert told.value.status == 400
        assert json.loads(str(told.value.body))["typeError"] == "ELEMENT_NOT_EXIST_ERROR"


def test_a_start_with_null_for_what_it_does_not_bring(integrator: Integrator) -> None:
    """The SDK sends that if its model was made from JSON."""
    execution_id = integrator.start(LOAN, form=None, document=None)
    assert integrator.drive(execution_id).status == "SUCCESS"
    assert integrator.steps == ["Applicant"]


def test_an_error(integrator: Integrator) -> None:
    assert integrator.drive(integrator.start(FAILING)).status == "ERROR"
    assert integrator.steps == ["Ask"]


def test_expired_and_cancelled(kiban: KibanServer, integrator: Integrator) -> None:
    expired, cancelled = integrator.start(EXPIRING), integrator.start(LOAN)
    kiban.command("cancel", execution_id=cancelled)
    kiban.control.advance(100)
    assert integrator.drive(expired).status == integrator.drive(cancelled).status == "ABANDONED"
    assert integrator.api.get_workfloo_status(expired).cancelled_by is None
    for told in (integrator.api.get_workfloo_status(cancelled), integrator.api.get_workfloo(cancelled)):
        assert told.cancelled_by
        assert told.cancelled_at


def test_a_loop_is_answered_in_each_round(integrator: Integrator) -> None:
    execution_id = integrator.start(CIRCLING)
    assert integrator.drive(execution_id).status == "SUCCESS"
    assert integrator.steps == ["First", "Second", "First", "Second"]
    names = [node.name for node in integrator.api.get_workfloo(execution_id).nodes]
    assert names == ["First", "Second", "Again", "First", "Second", "Again"]


def test_a_code_that_reaches_nobody(integrator: Integrator) -> None:
    execution_id = integrator.start(UNDELIVERED, scenarioId=UNDELIVERED_SCENARIO)
    integrator.control.advance(5)
    integrator.api.send_workfloo_nip(execution_id)
    error = integrator.api.get_workfloo_status(execution_id).link.send_error
    assert (error.code, error.recoverable) == ("INVALID_PHONE", True)
    phone = model("NipSendRequest", countryCode="52", phoneNumber="5511112222")
    integrator.api.send_workfloo_nip(execution_id, controller_workfloo_model_nip_send_request=phone)
    integrator.codes = ["123456"]
    assert integrator.drive(execution_id).status == "SUCCESS"


def test_otp_tries_that_are_used_up(integrator: Integrator) -> None:
    integrator.codes = ["1", "2", "3"]
    execution_id = integrator.start(OTP, scenarioId=OTP_SCENARIO)
    with pytest.raises(ApiException) as told:
        integrator.drive(execution_id)
    assert told.value.status == 403
    assert integrator.api.get_workfloo_status(execution_id).status == "ERROR"


def test_otp_tries_that_are_used_up_with_an_error_branch(integrator: Integrator) -> None:
    integrator.codes, integrator.decisions = ["1", "2", "3"], [{"decision": "APPROVED"}]
    execution_id = integrator.start(BRANCHING, scenarioId=BRANCHING_SCENARIO)
    assert integrator.drive(execution_id).status == "SUCCESS"
    names = [node.name for node in integrator.api.get_workfloo(execution_id).nodes]
    assert names == ["Phone", "Back office"]
    integrator.codes, integrator.decisions = ["333333"], [{"decision": "APPROVED"}]
    right = integrator.start(BRANCHING, scenarioId=BRANCHING_SCENARIO)
    assert integrator.drive(right).status == "SUCCESS"
    names = [node.name for node in integrator.api.get_workfloo(right).nodes]
    assert names == ["Phone", "Score", "Back office"]


def test_a_pdf_that_is_being_made(kiban: KibanServer, integrator: Integrator) -> None:
    execution_id = integrator.start(PRINTING)
    assert integrator.drive(execution_id).status == "SUCCESS"
    which = {"node_id": PRINTER, "name": "report.pdf"}
    with pytest.raises(ApiException) as told:
        integrator.api.get_workfloo_file(execution_id, **which)
    assert told.value.status == 503
    making = integrator.api.get_workfloo_file_v2(execution_id, **which)
    assert (making.status, making.file_base64) == ("PROCESSING", None)
    kiban.control.advance(making.retry_after)
    made = integrator.api.get_workfloo_file_v2(execution_id, **which)
    assert base64.b64decode(made.file_base64) == b"report of Contract"
    assert made.retry_after is None


def test_a_field_is_validated(kiban: KibanServer, integrator: Integrator) -> None:
    execution_id = integrator.start(ADDRESS)
    kiban.control.advance(5)
    (section,) = integrator.api.get_workfloo_status(execution_id).form.form_field_section
    (checked,) = [one for one in section.fields if one.field_metadata.validator]
    assert checked.field_metadata.validator.fill == ["city", "colony"]

    def validate(**values: str) -> Any:
        body = model("ValidateFieldRequest", values=values)
        return integrator.api.validate_workfloo_field(execution_id, checked.id, body)

    assert validate(post_code="01000").missing_inputs == ["country"]
    assert validate(post_code="x", country="MX").status == "FORMAT_ERROR"
    assert validate(post_code="99999", country="MX").status == "INVALID"
    valid, again = (validate(post_code="01000", country="MX") for _ in range(2))
    assert (valid.status, valid.filled, valid.reused) == ("VALID", {"city": "Ciudad de México"}, False)
    assert (again.check_id, again.reused) == (valid.check_id, True)
    integrator.values = {"country": "MX", "post_code": "01000", "colony": valid.options["colony"][0]}
    assert integrator.drive(execution_id).status == "SUCCESS"


class TestHistories:
    @pytest.fixture
    def ids(self, kiban: KibanServer, integrator: Integrator) -> list[str]:
        """One of each status: in progress, ended well, failed, cancelled."""
        ids = [integrator.start(one) for one in (REVIEW, LOAN, FAILING, LOAN)]
        for execution_id in ids[1:3]:
            integrator.drive(execution_id)
        kiban.command("cancel", execution_id=ids[3])
        return ids

    def test_the_first(self, api: Strict, ids: list[str]) -> None:
        page = api.list_workfloos(1, 3)
        assert (page.current_page, page.has_next_page) == (1, True)
        page = api.list_workfloos(2, 3, status=None, var_from="2020-01-01T00:00:00Z")
        assert ([one.id for one in page.items], page.has_next_page) == ([ids[0]], False)

    @pytest.mark.parametrize("content", [None, False, True])
    def test_the_second(self, api: Strict, ids: list[str], content: bool | None) -> None:
        items = api.list_workfloos_v2(content=content)
        assert [one.id for one in items] == ids[::-1]
        assert [one.status for one in items] == ["ABANDONED", "ERROR", "SUCCESS", "PROGRESS"]
        for one in items:
            assert bool(one.created_at and one.modified_at) is not bool(content)
            assert bool(one.created and one.modified) is bool(content)
        assert bool(items[2].nodes) is bool(content)

    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            ({"status": "SUCCESS"}, [1]),
            ({"status": "ERROR"}, [2]),
            ({"status": "PROGRESS"}, [0]),
            ({"name": "loan"}, [3, 1]),
            ({"labels": "low risk;accepted"}, [1]),
            ({"origin": "API", "status": "ERROR"}, [2]),
            ({"nodes_form_searchable_by_first_name": "an"}, [1]),
            ({"nodes_form_searchable_by_last_name_1": "TORR"}, [1]),
            ({"nodes_form_searchable_by_rfc_pf": "toaa"}, [1]),
            ({"nodes_form_searchable_by_rfc_pm": "toaa"}, []),
            ({"nodes_form_searchable_by_company_name": "x"}, []),
            ({"page": 2, "items_per_page": 3}, [0]),
            ({"items_per_page": 10_000}, [3, 2, 1, 0]),
            ({"var_from": "2020-01-01T00:00:00", "format": "JSON"}, [3, 2, 1, 0]),
            ({"to": "2020-01-01"}, []),
            ({"var_from": "2999-01-01T00:00:00+02:00"}, []),
        ],
        ids=str,
    )
    def test_filters(self, api: Strict, ids: list[str], filters: Any, found: list[int]) -> None:
        assert [one.id for one in api.list_workfloos_v2(**filters)] == [ids[number] for number in found]
        (one,) = api.list_workfloos_v2(id=ids[2])
        assert one.id == ids[2]

    def test_csv(self, api: Strict, ids: list[str]) -> None:
        head, *rows = api.csv(items_per_page=2)
        assert head[0] == "id"
        assert [row[0] for row in rows] == ids[:1:-1]

    def test_no_history_filters_by_abandoned(self, api: Strict, ids: list[str]) -> None:
        for ask in (api.list_workfloos_v2, api.list_workfloos):
            arguments = {"page": 1, "items_per_page": 9, "status": "ABANDONED"}
            with pytest.raises(ApiException) as told:
                ask(**arguments)
            assert told.value.status == 400


def test_a_pool(kiban: KibanServer, api: Strict) -> None:
    pool = model("Pool.Execute", idPoolDefinition=POOL, sceneries={LOAN: LOAN_SCENARIO})
    made = api.execute_pool(pool)
    assert made.id_workfloo_definition == LOAN
    assert api.get_workfloo(made.id_workfloo).scenery_id == LOAN_SCENARIO


@pytest.mark.parametrize(
    ("key", "status"), [("wrong", 401), ("Bearer kiban-sandbox-key", 401), ("kiban-outsider-key", 403)]
)
def test_keys(kiban: KibanServer, integrator: Integrator, key: str, status: int) -> None:
    execution_id = integrator.start(LOAN)
    with connected(kiban.url, key) as other:
        for ask in (other.get_workfloo_status, other.get_workfloo):
            with pytest.raises(ApiException) as told:
                ask(execution_id)
            assert told.value.status == status
        with pytest.raises(ApiException) as told:
            other.list_workfloos_v2()
        assert told.value.status == status


def test_refusals(kiban: KibanServer, integrator: Integrator) -> None:
    execution_id = integrator.start(LOAN)
    kiban.control.advance(5)
    for ask, status in (
        (lambda: integrator.api.get_workfloo(NOBODY), 404),
        (lambda: integrator.api.get_workfloo_status(execution_id, sandbox=None), 404),
        (lambda: integrator.api.execute_workfloo_form(execution_id, {}), 400),
        (lambda: integrator.api.execute_workfloo_document(execution_id, {"a": PDF}), 409),
        (lambda: integrator.api.fallback_workfloo_otp(execution_id), 403),
        (lambda: integrator.start(NOBODY), 404),
    ):
        with pytest.raises(ApiException) as told:
            ask()
        assert told.value.status == status
