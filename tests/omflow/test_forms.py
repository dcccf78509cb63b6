"""What is read of a form before an order is opened: types, fields, and whether the order can be read."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from airflow_provider_workflows.core.submission.record import Record
from airflow_provider_workflows.exceptions import InvalidInput, OutcomeUnknown, PermissionDenied
from airflow_provider_workflows.omflow.api.form_data import form_items
from airflow_provider_workflows.omflow.api.operations import OMFlowApi
from airflow_provider_workflows.omflow.effects.open_order import OrderStart
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from airflow_provider_workflows.testing import forget_connections
from tests.conftest import OMFlowServer, omflow_of
from tests.core.harness import Clock
from tests.omflow.driving import Driven, ok, refused
from tests.omflow.orders import open_order, opening, pushing, requests

NO_VIEW = r"^Nothing was sent: OMFlow does not let the connection's user view the orders of purchase\n"
HEADER = ("title", "level")
FORM: dict[str, Any] = {"FORMITM_1": "Desk", "FORMITM_2": "480", "FORMITM_4": "high"}


TYPES = {"FORMITM_1": "h_title", "FORMITM_2": "inputbox", "FORMITM_4": "h_level"}


@pytest.fixture
def old(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> OMFlowServer:
    """Server 1.1, which fills the header only from items of its types."""
    return omflow_of("1.1", sandbox, monkeypatch)


class Warnings:
    """The package's own warnings."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    @property
    def messages(self) -> list[str]:
        own = [one for one in self._caplog.records if one.name.startswith("airflow_provider_workflows.")]
        return [one.getMessage() for one in own if one.levelno >= logging.WARNING]


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Warnings:
    return Warnings(caplog)


def header(api_path: str, data_no: Any) -> tuple[Any, ...]:
    row = OMFlowHook().order_state(api_path, data_no, columns=HEADER).rows[-1]
    return tuple(row[name] for name in HEADER)


def raise_for(server: OMFlowServer, *rights: str) -> None:
    """Let a user with these rights call."""
    server.control.add_user(server.name, "opener", "opener", rights=list(rights))
    server.connect(login="opener", password="opener")


class TestTypes:
    def test_an_open_learns_them_from_another_order(self, old: OMFlowServer, warnings: Warnings) -> None:
        open_order(old, "purchase", {"FORMITM_1": "first"})
        assert header("purchase", opening(form_data=FORM).run()) == ("Desk", "high")
        assert not warnings.messages

    def test_the_first_order_of_a_process_cannot_and_says_so_once(
        self, old: OMFlowServer, warnings: Warnings
    ) -> None:
        assert header("purchase", opening(form_data=FORM).run()) == (None, None)
        assert warnings.messages == [
            "OMFlow does not show the form of purchase, so the order's title, level, status and group "
            "may stay as they are",
            "Set item_types, or pass form_data as a list of items with their types",
        ]

    @pytest.mark.parametrize(
        "how",
        [
            {
                "form_data": FORM,
                "item_types": {"FORMITM_1": "h_title", "FORMITM_2": "inputbox", "FORMITM_4": "h_level"},
            },
            {
                "form_data": [
                    {"id": "FORMITM_1", "type": "h_title", "value": "Desk"},
                    {"id": "FORMITM_4", "type": "h_level", "value": "high"},
                ]
            },
        ],
        ids=["item_types", "items"],
    )
    def test_those_that_the_user_states_need_no_form(
        self, old: OMFlowServer, warnings: Warnings, how: Mapping[str, Any]
    ) -> None:
        assert header("purchase", opening(**how).run()) == ("Desk", "high")
        assert not warnings.messages

    def test_a_push_learns_them_from_its_own_row(self, old: OMFlowServer, warnings: Warnings) -> None:
        data_no = open_order(old, "purchase", {"FORMITM_1": "first"})
        pushing(api_path="purchase", data_no=data_no, stop_chart_text="Review", form_data=FORM).run()
        assert header("purchase", data_no) == ("Desk", "high")
        assert not warnings.messages

    def test_they_are_read_once_for_each_process(self, old: OMFlowServer) -> None:
        for api_path in ("purchase", "two-step"):
            open_order(old, api_path, {"FORMITM_1": "first"})
        for _ in range(3):
            for api_path in ("purchase", "two-step"):
                # Without Airflow's part, the connection is kept, as it is in one process.
                runner = opening(api_path=api_path, form_data={"FORMITM_1": "x"})
                runner.make_task().execute(runner.context)
        assert (requests(old, "list"), requests(old, "load")) == (2, 2)
        assert old.effects()["opened"] == 8

    def test_a_reading_that_fails_never_stops_an_open(self, old: OMFlowServer, warnings: Warnings) -> None:
        open_order(old, "purchase", {"FORMITM_1": "first"})
        old.fault("load", "not_json", times=99)
        assert header("purchase", opening(form_data=FORM).run()) == (None, None)
        assert len(warnings.messages) == 2
        old.fault("list", "status", status=500, times=99)
        forget_connections()
        assert opening(form_data=FORM).run()

    @pytest.mark.parametrize(
        ("version", "kinds"),
        [("1.2", ["h_title", None, "h_level"]), ("1.1", ["h_title", "inputbox", "h_level"])],
    )
    def test_1_2_gets_the_forms_types_and_no_others(self, version: str, kinds: list[str | None]) -> None:
        api = OMFlowApi(login="robot", password="secret", version=version)
        start = OrderStart(api_path="p", items=form_items(FORM), reads_form=True)
        row = {"id": 7, "flow_uuid": "4c58f35f-cc25-4e8e-969d-a44a57e128e8"}
        shown = [{"id": name, "type": TYPES[name], "value": "someone's"} for name in TYPES]
        read = Driven(start.baseline(api), [ok([row]), ok({"formdata": shown})])
        assert read.bodies[1]["flow_uuid"] == "4c58f35fcc254e8e969da44a57e128e8"
        assert read.result == {"types": {"FORMITM_1": "h_title", "FORMITM_4": "h_level"}}
        record = Record(mark="m", generation=0, baseline=read.result)
        sent = Driven(start.submit(api, record, again=False), [ok(8)]).bodies[0]["formdata"]
        assert [item.get("type") for item in sent] == kinds

    def test_a_push_before_it_in_the_same_process_hides_nothing(
        self, old: OMFlowServer, clock: Clock
    ) -> None:
        data_no = open_order(old, "purchase", {"FORMITM_1": "first"})
        push = pushing(api_path="purchase", data_no=data_no, stop_chart_text="Review", form_data=FORM)
        push.make_task().execute(push.context)
        open_ = opening(form_data=FORM, run_key_field="FORMITM_99")
        with pytest.raises(InvalidInput, match="no field FORMITM_99"):
            open_.make_task().execute(open_.context)

    def test_a_server_that_lists_other_columns_stops_no_open(self) -> None:
        api = OMFlowApi(login="robot", password="secret", version="1.2")
        start = OrderStart(api_path="p", items=form_items(FORM), reads_form=True, waits=True)
        said = "Cannot resolve keyword 'flow_uuid' into field. Choices are: id, formitm_1"
        assert Driven(start.baseline(api), [refused(404, said)]).result is None

    @pytest.mark.parametrize(
        "loaded",
        [
            None,
            [],
            {"formdata": {"FORMITM_1": "h_title"}},
            {"formdata": [None, "x", {"type": ["h_title"]}, {"id": {}, "type": "h_title"}]},
            {"formdata": [{"id": "FORMITM_1", "type": {"h_title": 1}}]},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("row", [{}, {"id": 7, "flow_uuid": None}], ids=str)
    def test_a_form_of_another_shape_never_stops_an_open(self, row: Any, loaded: Any) -> None:
        api = OMFlowApi(login="robot", password="secret", version="1.1")
        start = OrderStart(api_path="p", items=form_items(FORM), reads_form=True)
        assert Driven(start.baseline(api), [ok([row]), ok(loaded)]).result is None


class TestFields:
    @pytest.mark.parametrize("how", [{"run_key_field": "FORMITM_3"}, {"wait_for_completion": True}], ids=str)
    def test_an_open_that_must_be_found_is_refused(
        self, each_omflow: OMFlowServer, clock: Clock, how: Mapping[str, Any]
    ) -> None:
        said = r"^Nothing was sent: OMFlow's form of purchase has no field FORMITM_77\n"
        with pytest.raises(InvalidInput, match=said):
            opening(form_data={"FORMITM_1": "x", "FORMITM_77": "y"}, **how).run()
        assert requests(each_omflow, "open") == 0

    def test_another_open_is_sent_with_a_warning(
        self, each_omflow: OMFlowServer, clock: Clock, warnings: Warnings
    ) -> None:
        with pytest.raises(OutcomeUnknown, match="returned no number"):
            opening(form_data={"FORMITM_1": "x", "FORMITM_77": "y"}).run()
        assert "OMFlow's form of purchase has no field FORMITM_77" in warnings.messages
        assert requests(each_omflow, "open") == 1


class TestWhoMayNotView:
    @pytest.mark.parametrize("how", [{"run_key_field": "FORMITM_3"}, {"wait_for_completion": True}], ids=str)
    def test_an_open_that_must_be_read_is_refused(
        self, each_omflow: OMFlowServer, clock: Clock, how: Mapping[str, Any]
    ) -> None:
        raise_for(each_omflow, "add")
        with pytest.raises(PermissionDenied, match=NO_VIEW):
            opening(**how).run()
        assert requests(each_omflow, "open") == 0

    def test_so_is_one_with_attachments_on_1_1(self, old: OMFlowServer, tmp_path: Any) -> None:
        raise_for(old, "add", "modify")
        (tmp_path / "a.txt").write_text("x")
        with pytest.raises(PermissionDenied, match=NO_VIEW):
            opening(attachments=[str(tmp_path / "a.txt")]).run()
        assert requests(old, "open") == 0

    def test_another_open_is_sent_with_one_warning(
        self, each_omflow: OMFlowServer, warnings: Warnings
    ) -> None:
        raise_for(each_omflow, "add")
        runner = opening()
        for _ in range(2):
            runner.make_task().execute(opening().context)
        said = "OMFlow does not let the connection's user view the orders of purchase"
        assert warnings.messages.count(said) == 1
        assert requests(each_omflow, "list") == 1, "read once for each connection and process"
        assert each_omflow.effects()["opened"] == 2
