"""The exception tree: as drawn, as Airflow sees it, and on its way from the triggerer to the worker."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows import exceptions
from airflow_provider_workflows.core.runtime.versions import exceptions as airflow_exceptions
from airflow_provider_workflows.exceptions import (
    EXCERPT_LIMIT,
    LINE_WIDTH,
    NotFound,
    PermanentError,
    Rejected,
    TemporaryError,
    WorkflowError,
)

FACTS = {
    "vendor": "Vendor",
    "operation": "open order",
    "status": 502,
    "code": "E7",
    "path": "/exec/***",
    "excerpt": "<html>",
    "retry_after": 2.5,
}


def family(cls: type[WorkflowError]) -> Iterator[type[WorkflowError]]:
    """The classes of the tree that the package itself defines."""
    if cls.__module__ == exceptions.__name__:
        yield cls
    for child in cls.__subclasses__():
        yield from family(child)


ALL = list(family(WorkflowError))


def drawn() -> dict[str, str | None]:
    """Class to parent, read from the drawing: four characters of branch a generation."""
    parents: dict[str, str | None] = {}
    line_of_descent: list[str] = []
    assert exceptions.__doc__ is not None
    drawing = exceptions.__doc__.split("::\n\n")[1].split("\n\n")[0]
    for line in drawing.splitlines():
        text = line.removeprefix("    ")
        name = text.lstrip("│├└─ ")
        depth = (len(text) - len(name)) // 4
        name = name.split()[0]
        line_of_descent[depth:] = [name]
        parents[name] = line_of_descent[depth - 1] if depth else None
    return parents


def test_the_drawing_is_the_tree() -> None:
    real = {cls.__name__: cls.__base__.__name__ for cls in ALL if cls.__base__ and cls is not WorkflowError}
    assert drawn() == {"WorkflowError": None, **real}
    assert len(real) == len(ALL) - 1 >= 16


@pytest.mark.parametrize("cls", ALL)
def test_airflow_knows_which_errors_no_retry_can_mend(cls: type[WorkflowError]) -> None:
    assert issubclass(cls, airflow_exceptions.AirflowException)
    assert issubclass(cls, airflow_exceptions.AirflowFailException) == issubclass(cls, PermanentError)
    assert not (issubclass(cls, PermanentError) and issubclass(cls, TemporaryError))


@pytest.mark.parametrize("cls", ALL)
def test_the_way_from_the_triggerer_keeps_everything(cls: type[WorkflowError]) -> None:
    sent = cls("what happened", **FACTS)  # type: ignore[arg-type]
    arrived = WorkflowError.from_json(json.loads(json.dumps(sent.to_json())))
    assert type(arrived) is cls
    assert vars(arrived) == vars(sent)
    assert {name: getattr(arrived, name) for name in FACTS} == FACTS
    assert str(arrived) == str(sent)


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("travel", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_a_copy_is_the_same(cls: type[WorkflowError], travel: object) -> None:
    assert callable(travel)
    sent = cls("what happened", **FACTS)  # type: ignore[arg-type]
    arrived = travel(sent)
    assert (type(arrived), str(arrived), vars(arrived)) == (cls, str(sent), vars(sent))


def test_what_is_unknown_is_left_out_of_the_event() -> None:
    assert NotFound("gone").to_json() == {"error": "NotFound", "message": "gone"}
    assert NotFound("gone", status=0, code=0).to_json()["code"] == 0


@pytest.mark.parametrize("data", [{"error": "FromTheFuture", "message": "m"}, {"message": "m"}])
def test_an_error_of_a_newer_triggerer_is_still_an_error(data: dict[str, str]) -> None:
    arrived = WorkflowError.from_json({**data, "fact_of_the_future": 1})
    assert (type(arrived), arrived.message) == (WorkflowError, "m")


def test_an_event_without_a_message() -> None:
    assert str(WorkflowError.from_json({})) == "unknown error"


@given(st.text())
def test_an_excerpt_is_never_longer_than_500(excerpt: str) -> None:
    error = Rejected("no", excerpt=excerpt * 40)
    assert len(error.excerpt or "") == min(EXCERPT_LIMIT, len(excerpt * 40)) <= 500


def test_the_text_says_all_that_is_known() -> None:
    assert str(Rejected("It said no")) == "It said no"
    assert str(Rejected("It said no", **FACTS)) == (  # type: ignore[arg-type]
        "It said no [Vendor open order; HTTP 502; code E7; /exec/***]"
    )
    assert str(Rejected("It said no", status=500, excerpt="<html>")) == (
        "It said no [HTTP 500; answer: <html>]"
    )


def test_details_stand_in_a_line_of_their_own_after_a_message_of_several_lines() -> None:
    error = Rejected("It said no\nAsk why", vendor="OMFlow", status=409)
    assert str(error) == "It said no\nAsk why\n[OMFlow; HTTP 409]"


def test_the_log_gets_it_in_lines_that_no_page_cuts() -> None:
    error = Rejected(f"It said no\n{'word ' * 60}\nAsk why", vendor="OMFlow")
    first, *rest = error.lines()
    assert first == "It said no"
    assert rest[-2:] == ["Ask why", "[OMFlow]"]
    assert " ".join(rest[:-2]) == ("word " * 60).strip()
    assert max(map(len, error.lines())) <= LINE_WIDTH
