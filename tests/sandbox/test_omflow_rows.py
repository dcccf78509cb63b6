"""OMFlow's rows by their values: through the indexes as through all rows, whatever happens to the rows."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.sandbox.omflow.dialect import V1_2
from airflow_provider_workflows.sandbox.omflow.listing import list_rows
from airflow_provider_workflows.sandbox.omflow.table import Order, Row, Table

FORM = ("formitm_1", "formitm_2")
VALUES = st.sampled_from(["", "a", "b", None])
NUMBERS = st.integers(0, 6)


def row(data_no: int, **form: str | None) -> Row:
    return Row(
        id=0,
        data_no=data_no,
        flow_uuid="0" * 32,
        init_data_id=0,
        create_user_id=None,
        update_user_id=None,
        createtime=0.0,
        updatetime=0.0,
        form={"formitm_1": None, "formitm_2": None, **form},
    )


def changed(table: Table, what: str, number: int, value: str | None) -> None:
    """Open an order, copy, change or remove one."""
    existing = table.row(number)
    if what == "open":
        order = Order(table.next_no())
        table.orders[order.data_no] = order
        table.add(row(order.data_no, formitm_1=value))
    elif what == "remove":
        table.remove(number)
    elif existing is not None and what == "copy":
        table.add_copy(existing, 1.0)
    elif existing is not None:
        with table.changing(existing):
            existing.form = {**existing.form, what: value}


CHANGES = st.lists(st.tuples(st.sampled_from(["open", "open", "copy", "remove", *FORM]), NUMBERS, VALUES))
CONDITION = st.one_of(
    st.tuples(st.sampled_from(FORM), st.just("="), VALUES),
    st.tuples(st.sampled_from(FORM), st.just("in"), st.lists(VALUES, max_size=2)),
    st.tuples(st.sampled_from(["data_no", "id"]), st.just("="), NUMBERS),
    st.tuples(st.sampled_from(["data_no", "id"]), st.just("in"), st.lists(NUMBERS, max_size=3)),
    st.tuples(st.just("history"), st.just("="), st.just(False)),
)


def meets(one: Row, column: str, wanted: Any) -> bool:
    held = one.form[column] if column in FORM else getattr(one, column)
    # NULL is asked for as it is, and everything else of a form as text.
    return held in (wanted if isinstance(wanted, list) else [wanted])


@given(st.lists(st.tuples(CHANGES, st.lists(CONDITION, min_size=1, max_size=2)), max_size=5))
def test_conditions_find_what_a_search_through_all_rows_finds(steps: list[Any]) -> None:
    table = Table(FORM)
    for changes, conditions in steps:
        for change in changes:
            changed(table, *change)
        request = {
            "search_conditions": [
                {"column": column, "condition": operator, "value": value}
                for column, operator, value in conditions
            ],
            "search_columns": ["id"],
        }
        found = [one["id"] for one in list_rows(table, FORM, request, V1_2)]
        assert found == [
            one.id
            for one in table.rows()
            if all(meets(one, column, value) for column, _, value in conditions)
        ]


def test_many_marks_are_found_at_once() -> None:
    table = Table(FORM)
    for number in range(1, 201):
        changed(table, "open", number, f"run-{number}")
    marks = [f"run-{number}" for number in itertools.chain(range(150, 0, -1), (999, 7))]
    request = {
        "search_conditions": [{"column": "formitm_1", "condition": "in", "value": marks}],
        "search_columns": ["data_no"],
        "limit": 0,
    }
    assert [one["data_no"] for one in list_rows(table, FORM, request, V1_2)] == [
        str(number) for number in range(1, 151)
    ]
