"""Many orders: each is opened or pushed as the operator for one does it, and many are looked up together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.core.submission.effect import Found, NotSent, Unknown
from airflow_provider_workflows.exceptions import Conflict, InvalidInput, NotFound, Rejected, RunFailed
from airflow_provider_workflows.omflow.api.operations import OMFlowApi
from airflow_provider_workflows.omflow.api.reading import MOST_VALUES
from airflow_provider_workflows.omflow.effects.open_order import UNNUMBERED
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from airflow_provider_workflows.omflow.many import (
    OMFlowOpenManyOperator,
    OMFlowOrderManySensor,
    OMFlowPushManyOperator,
)
from tests.conftest import OMFlowServer
from tests.core.bulk.ends import MODES, begun, ends_in, result_of, waiting
from tests.core.harness import Clock, raised
from tests.core.many import intent, look_up, mark_of, prepared, send
from tests.omflow.driving import Driven, ok
from tests.omflow.orders import open_order, push_all, record, requests, stops

API = OMFlowApi(login="airflow", password="sesame")


def opening(**arguments: Any) -> OMFlowOpenManyOperator:
    arguments = {"api_path": "two-step", "run_key_field": "FORMITM_2", **arguments}
    return OMFlowOpenManyOperator(task_id="open", records=[], **arguments)


def pushing(**arguments: Any) -> OMFlowPushManyOperator:
    arguments = {"api_path": "purchase", "stop_chart_text": "Review", **arguments}
    return OMFlowPushManyOperator(task_id="push", records=[], **arguments)


class TestOpen:
    def test_the_form_is_read_once_for_all(self, each_omflow: OMFlowServer) -> None:
        open_order(each_omflow, "two-step")
        operator = prepared(opening(fields={"FORMITM_1": "title"}))
        before = requests(each_omflow, "list")
        numbers = [send(operator, {"FORMITM_1": f"no. {mark}"}, mark) for mark in range(3)]
        assert len({*numbers}) == 3
        assert requests(each_omflow, "list") == before
        for mark, number in enumerate(numbers):
            shown = record(each_omflow, number, "two-step")["fields"]
            assert shown["FORMITM_2"] == mark_of(mark)
            assert shown["FORMITM_1"] == f"no. {mark}"

    def test_types_of_the_header(self, each_omflow: OMFlowServer) -> None:
        open_order(each_omflow, "purchase", {"FORMITM_1": "first", "FORMITM_2": "1"})
        operator = prepared(opening(api_path="purchase", run_key_field="FORMITM_3"))
        data_no = send(operator, {"FORMITM_1": "Desk", "FORMITM_2": 480})
        (row, *_) = OMFlowHook().list_rows("purchase", where={"data_no": data_no}).items
        assert row["title"] == "Desk"

    def test_start_input_from_a_column(self, omflow: OMFlowServer) -> None:
        operator = prepared(opening(api_path="formless", run_key_field=None))
        assert send(operator, {}, start_input={"who": "Ana"})

    def test_a_field_that_the_form_does_not_have_stops_all(self, omflow: OMFlowServer) -> None:
        with pytest.raises(InvalidInput, match="no field FORMITM_9"):
            prepared(opening(fields={"FORMITM_9": "title"}))
        with pytest.raises(InvalidInput, match="no field FORMITM_9"):
            prepared(opening(run_key_field="FORMITM_9"))
        assert requests(omflow, "open") == 0

    def test_bad_rows(self, omflow: OMFlowServer) -> None:
        operator = prepared(opening())
        rows: list[tuple[dict[str, Any], str]] = [
            ({"title": "x"}, "not a form field"),
            ({"FORMITM_1": None}, "FORMITM_1"),
            ({"FORMITM_2": "x"}, "run_key_field"),
        ]
        for values, told in rows:
            with pytest.raises(InvalidInput, match=told):
                operator.effect(values, {})


class TestLookUp:
    """Orders with marks, in one listing."""

    def test_many_in_one_listing(self, each_omflow: OMFlowServer) -> None:
        operator = prepared(opening())
        numbers = {mark: send(operator, {"FORMITM_1": "x"}, mark) for mark in (1, 2, 3)}
        before = requests(each_omflow, "list")
        found = look_up(operator, *map(intent, range(1, 6)))
        assert requests(each_omflow, "list") == before + 2
        expected = {mark_of(mark): Found(number) for mark, number in numbers.items()}
        assert found == {**expected, mark_of(4): NotSent(), mark_of(5): NotSent()}

    def test_more_than_a_condition_may_have(self, omflow: OMFlowServer) -> None:
        operator = prepared(opening())
        last = MOST_VALUES + 3
        number = send(operator, {"FORMITM_1": "x"}, last)
        before = requests(omflow, "list")
        found = look_up(operator, *map(intent, range(1, last + 1)))
        assert requests(omflow, "list") == before + 3
        assert found.pop(mark_of(last)) == Found(number)  # type: ignore[attr-defined]
        assert {*found.values()} == {NotSent()}

    def test_none_was_opened(self, omflow: OMFlowServer) -> None:
        """Without any order there is no value to prove the listing with, so each mark is looked for alone."""
        operator = prepared(opening())
        assert {*look_up(operator, intent(1), intent(2)).values()} == {NotSent()}

    def test_several_orders_with_a_mark(self, omflow: OMFlowServer) -> None:
        operator = prepared(opening())
        for mark in (1, 1, 2):
            send(operator, {"FORMITM_1": "x"}, mark)
        found = look_up(operator, intent(1), intent(2), intent(3))
        (alone,) = look_up(operator, intent(1)).values()
        several = found[mark_of(1)]
        assert isinstance(several, Unknown)
        assert isinstance(several.forbids, Conflict)
        assert isinstance(alone, Unknown)
        assert several.why == alone.why
        assert isinstance(found[mark_of(2)], Found)
        assert found[mark_of(3)] == NotSent()

    def test_an_order_without_a_number_may_come_later(self, omflow: OMFlowServer) -> None:
        operator = prepared(opening())
        send(operator, {"FORMITM_1": "x"}, 1)
        found = look_up(operator, intent(1), intent(2, note=UNNUMBERED))
        result = found[mark_of(2)]
        assert isinstance(result, Unknown)
        assert result.may_change

    def test_a_server_that_does_not_know_the_condition(self) -> None:
        """It lists no order at all. Without the value that is known to be there, all would be sent again."""
        effect = opening().effect({}, {})
        row = {"id": 7, "data_no": 3, "formitm_2": "known"}
        ours = {"id": 8, "data_no": 4, "formitm_2": mark_of(1)}
        driven = Driven(
            effect.look_up_many(API, [intent(1), intent(2)]), [ok([row]), ok([]), ok([ours]), ok([])]
        )
        assert driven.result == {mark_of(1): Found(4), mark_of(2): NotSent()}
        asked = [body["search_conditions"] for body in driven.bodies]
        signs = [[one["condition"] for one in conditions] for conditions in asked]
        assert signs == [[], ["in"], ["="], ["="]]

    def test_a_server_that_ignores_the_condition(self) -> None:
        """It lists all orders, of which only those count that have a mark."""
        effect = opening().effect({}, {})
        rows = [
            {"id": n, "data_no": n, "formitm_2": value} for n, value in enumerate(["x", mark_of(2), None])
        ]
        driven = Driven(effect.look_up_many(API, [intent(1), intent(2)]), [ok([rows[0]]), ok(rows)])
        assert driven.result == {mark_of(1): NotSent(), mark_of(2): Found(1)}
        assert driven.bodies[1]["search_conditions"] == [
            {"column": "formitm_2", "condition": "in", "value": [mark_of(1), mark_of(2), "x"]}
        ]
        assert driven.bodies[1]["limit"] == 500

    def test_a_newest_row_without_a_mark(self) -> None:
        effect = opening().effect({}, {})
        newest = {"id": 1, "data_no": 1, "formitm_2": ""}
        driven = Driven(effect.look_up_many(API, [intent(1), intent(2)]), [ok([newest]), ok([]), ok([])])
        assert {*driven.result.values()} == {NotSent()}

    def test_groups(self) -> None:
        one, other = opening().effect({"FORMITM_1": "a"}, {}), opening().effect({"FORMITM_1": "b"}, {})
        assert one.group == other.group is not None
        assert opening(api_path="purchase").effect({}, {}).group != one.group
        assert opening(run_key_field=None).effect({}, {}).group is None
        assert pushing().effect({}, {"data_no": 1}).group is None


class TestPush:
    def test_each_order_at_the_stop(self, each_omflow: OMFlowServer) -> None:
        form = {"FORMITM_1": "Desk", "FORMITM_2": "1"}
        orders = [open_order(each_omflow, "purchase", form) for _ in range(2)]
        operator = prepared(pushing())
        rows = [stops("purchase", order)["Review"] for order in orders]
        assert [send(operator, {**form, "FORMITM_6": "yes"}, data_no=order) for order in orders] == rows
        assert each_omflow.effects()["pushed"] == 2

    def test_a_stop_or_row_from_a_column(self, omflow: OMFlowServer) -> None:
        form = {"FORMITM_1": "Desk", "FORMITM_2": "1"}
        order = open_order(omflow, "purchase", form)
        operator = prepared(pushing(stop_chart_text=None))
        send(operator, form, data_no=order, stop_chart_text="Review")
        omflow.control.advance(5)
        row = stops("purchase", order)["Legal"]
        assert send(operator, form, data_no=order, data_id=row) == row

    def test_a_quick_action(self, omflow: OMFlowServer) -> None:
        order = open_order(omflow, "purchase", {"FORMITM_1": "Desk", "FORMITM_2": "1"})
        operator = prepared(pushing(quick_action="action1"))
        assert send(operator, {"customer": "another column"}, data_no=order)
        with pytest.raises(InvalidInput, match="quick_action or form_data"):
            pushing(quick_action="action1", fields={"FORMITM_1": "t"}).effect(
                {"FORMITM_1": "t"}, {"data_no": 1}
            )

    def test_nothing_at_the_stop(self, omflow: OMFlowServer) -> None:
        order = open_order(omflow, "purchase", {"FORMITM_1": "Desk", "FORMITM_2": "1"})
        with pytest.raises(Rejected, match="no branch at 'Elsewhere'"):
            send(prepared(pushing()), {}, data_no=order, stop_chart_text="Elsewhere")
        with pytest.raises(NotFound, match="lists no rows"):
            send(prepared(pushing()), {}, data_no=99)

    @pytest.mark.parametrize(
        "arguments", [{}, {"data_no": " "}, {"data_no": 1, "data_id": 2}], ids=["none", "no number", "both"]
    )
    def test_bad_rows(self, omflow: OMFlowServer, arguments: dict[str, Any]) -> None:
        with pytest.raises(InvalidInput):
            prepared(pushing()).effect({}, arguments)

    def test_a_path_that_is_none_stops_all(self, omflow: OMFlowServer) -> None:
        with pytest.raises(InvalidInput):
            prepared(pushing(api_path=""))


class TestEnds:
    @pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
    def test_orders_are_closed(
        self, each_omflow: OMFlowServer, clock: Clock, tmp_path: Path, mode: dict[str, Any]
    ) -> None:
        orders = [open_order(each_omflow, "two-step", {"FORMITM_1": f"no. {n}"}) for n in (1, 2)]
        for order in orders:
            clock.after(30, lambda order=order: push_all(each_omflow, "two-step", order, times=2))  # type: ignore[misc]
        sensor = waiting(
            OMFlowOrderManySensor,
            clock,
            results=begun(tmp_path / "orders", *orders),
            api_path="two-step",
            fields=["FORMITM_1"],
            **mode,
        )
        ends = ends_in(sensor.run())
        assert {key: result_of(end)["fields"] for key, end in ends.items()} == {
            "C-1": {"FORMITM_1": "no. 1"},
            "C-2": {"FORMITM_1": "no. 2"},
        }

    def test_a_failed_order_counts(self, omflow: OMFlowServer, clock: Clock, tmp_path: Path) -> None:
        order = open_order(omflow, "failing")
        results = begun(tmp_path / "pushed", 17, data_no=order)
        sensor = waiting(
            OMFlowOrderManySensor, clock, results=results, api_path="failing", id_column="data_no"
        )
        with raised(RunFailed) as caught:
            sensor.run()
        assert f"run {order}" in str(caught[0])
