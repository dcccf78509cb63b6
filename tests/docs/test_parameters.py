"""The tables of parameters, held against the operators and sensors: each one, its default, and no other."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk import BaseOperator, BaseSensorOperator

import airflow_provider_workflows
from airflow_provider_workflows.core.bulk.operator import ManyOperator
from airflow_provider_workflows.core.bulk.sensor import ManySensor
from airflow_provider_workflows.core.tasks.operator import OnceOperator, WaitingOperator, WorkflowOperator
from airflow_provider_workflows.core.tasks.sensor import WorkflowSensor
from tests.docs.pages import DOCS, SHARED, VENDORS, Section, code, included, parse, sections

#: Which piece tells of the parameters that a base class adds.
PIECES: dict[type, str] = {
    OnceOperator: "once.md",
    WaitingOperator: "waiting.md",
    WorkflowSensor: "sensing.md",
    ManyOperator: "many.md",
    ManySensor: "many_ends.md",
}
#: The page that shows the pieces about many records.
TABLES = DOCS / "from-a-table.md"
#: What it takes for a class to be described: that a user can write it in a DAG.
ROOMS = ("operators", "many", "sensors")


def classes(vendor: str) -> Iterator[type[BaseOperator]]:
    """Return a vendor's operators and sensors."""
    for room in ROOMS:
        module = importlib.import_module(f"airflow_provider_workflows.{vendor}.{room}")
        for one in vars(module).values():
            public = inspect.isclass(one) and not one.__name__.startswith("_")
            if public and issubclass(one, BaseOperator) and one.__module__ == module.__name__:
                yield one


ALL = [(vendor, one) for vendor in VENDORS for one in classes(vendor)]


def added(cls: type) -> dict[str, Any]:
    """Return the parameters that a class's own constructor names, and their defaults."""
    if "__init__" not in vars(cls):
        return {}
    parameters = inspect.signature(vars(cls)["__init__"]).parameters.values()
    return {one.name: one.default for one in parameters if one.kind is one.KEYWORD_ONLY}


def expected(cls: type) -> dict[str, Any]:
    """Return the parameters of a class that are not shared with other vendors'."""
    own: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.split(".")[:2] == cls.__module__.split(".")[:2]:
            own |= added(base)
    return own


def told(section: Section) -> dict[str, Any]:
    """Return the parameters of a section's tables, and their defaults."""
    rows = [row for row in section.rows if len(row) == 4]
    return {code(name)[0]: default_of(default) for name, _, default, _ in rows}


def default_of(cell: str) -> Any:
    """Return the default that a cell tells."""
    return inspect.Parameter.empty if cell == "required" else ast.literal_eval(code(cell)[0])


def section_of(cls: type, vendor: str) -> Section:
    (found,) = (one for one in sections(DOCS / f"{vendor}.md") if one.name == cls.__name__)
    return found


def same(one: Any, other: Any) -> bool:
    """Compare defaults; lists of nothing are told as tuples, as the code has them."""
    return type(one) is type(other) and bool(one == other)


@pytest.mark.parametrize(("vendor", "cls"), ALL, ids=lambda one: getattr(one, "__name__", one))
def test_every_parameter_and_no_other(vendor: str, cls: type[BaseOperator]) -> None:
    known, described = expected(cls), told(section_of(cls, vendor))
    assert set(described) == set(known)
    assert {name for name in known if not same(described[name], known[name])} == set()


@pytest.mark.parametrize(("vendor", "cls"), ALL, ids=lambda one: getattr(one, "__name__", one))
def test_template_fields(vendor: str, cls: type[BaseOperator]) -> None:
    (line,) = (one for one in section_of(cls, vendor).paragraphs if one.startswith("Template fields:"))
    shared = next(
        (set(base.template_fields) for base in (ManyOperator, ManySensor) if issubclass(cls, base)), set()
    )
    assert set(expected(cls)) - set(code(line)) == set(cls.template_fields) - shared


@pytest.mark.parametrize(("vendor", "cls"), ALL, ids=lambda one: getattr(one, "__name__", one))
def test_the_shared_ones_are_on_the_page(vendor: str, cls: type[BaseOperator]) -> None:
    needed = {piece for base, piece in PIECES.items() if issubclass(cls, base)}
    assert needed
    assert needed <= included(DOCS / f"{vendor}.md") | included(TABLES)


@pytest.mark.parametrize(("base", "piece"), PIECES.items(), ids=PIECES.values())
def test_shared_parameters(base: type, piece: str) -> None:
    # A piece has no heading of its own, since it stands below one of the page that includes it.
    rows = told(Section(title="", level=0, tokens=tuple(parse((SHARED / piece).read_text()))))
    known = added(base)
    if base is OnceOperator:
        known |= added(WorkflowOperator)  # it has no piece of its own
    assert {name for name in known if not same(rows[name], known[name])} == set()
    # Of a sensor's, some are Airflow's; their defaults are its affair.
    airflow = inspect.signature(inspect.unwrap(BaseSensorOperator.__init__)).parameters
    assert set(rows) - set(known) <= (set(airflow) if issubclass(base, BaseSensorOperator) else set())


def test_no_room_is_forgotten() -> None:
    package = airflow_provider_workflows.__path__
    rooms = {one.name for one in pkgutil.iter_modules(package) if one.ispkg}
    with_operators = {
        room
        for room in rooms
        if any(one.name in ROOMS for one in pkgutil.iter_modules([f"{package[0]}/{room}"]))
    }
    assert with_operators == set(VENDORS), "a room's form must be in provider.FORMS"
