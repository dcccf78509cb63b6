"""Rendering through a real DAG: text stays text, in plain and in native rendering."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator

from airflow_provider_workflows.omflow.api.form_data import form_items
from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator, OMFlowPushOrderOperator
from airflow_provider_workflows.omflow.sensors import OMFlowDataIdSensor, OMFlowOrderSensor
from tests.core.harness import TaskInstance

OPERATORS = [OMFlowOpenOrderOperator, OMFlowPushOrderOperator, OMFlowDataIdSensor, OMFlowOrderSensor]
TRICKY = ["0123", "007", "1e5", "True", "None", "[1]", "{'a': 1}", "null", "", " 1 ", "1_000", "嗨"]
TYPED: list[Any] = [7, 1.5, [1, "007"], {"FORMITM_1": "007"}, True]


class Upstream(TaskInstance):
    """A task instance whose upstream tasks have all returned one value."""

    value: Any = None

    def xcom_pull(self, task_ids: Any, key: str = "return_value", **how: Any) -> Any:
        return self.value


def rendered(native: bool, context: dict[str, Any] | None = None, **fields: Any) -> OMFlowOpenOrderOperator:
    with DAG("templating", schedule=None, render_template_as_native_obj=native):
        task = OMFlowOpenOrderOperator(task_id="task", **{"api_path": "p", **fields})
    task.render_template_fields(context or {})  # type: ignore[arg-type]
    return task


@pytest.fixture(params=[False, True], ids=["plain", "native"])
def native(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.parametrize("text", TRICKY)
def test_literal_text_stays_as_it_is(native: bool, text: str) -> None:
    assert rendered(native, form_data={"FORMITM_1": text}).form_data == {"FORMITM_1": text}


@pytest.mark.parametrize("text", TRICKY)
def test_text_from_an_expression_stays_text(native: bool, text: str) -> None:
    task = rendered(native, {"x": text}, form_data={"FORMITM_1": "{{ x }}", "FORMITM_2": "no. {{ x }}"})
    assert task.form_data == {"FORMITM_1": text, "FORMITM_2": f"no. {text}"}


@pytest.mark.parametrize("value", TYPED, ids=repr)
def test_values_from_an_expression_keep_their_type_in_native_rendering(value: Any) -> None:
    task = rendered(True, {"x": value}, form_data="{{ x }}")
    assert task.form_data == value
    assert type(task.form_data) is type(value)


@pytest.mark.parametrize("value", TYPED, ids=repr)
def test_values_from_an_expression_are_text_in_plain_rendering(value: Any) -> None:
    assert rendered(False, {"x": value}, form_data="{{ x }}").form_data == str(value)


def test_text_of_several_pieces_is_text_in_native_rendering() -> None:
    assert rendered(True, {"x": 1}, form_data="{{ x }}{{ x }}").form_data == "11"
    assert rendered(True, {"xs": [1, 2]}, form_data="{% for x in xs %}{{ x }}{% endfor %}").form_data == "12"


def test_json_text_can_be_read_as_the_form(native: bool) -> None:
    task = rendered(native, {"x": {"FORMITM_1": "007"}}, form_data="{{ x | tojson }}")
    assert form_items(task.form_data) == [{"id": "FORMITM_1", "value": "007"}]


@pytest.mark.parametrize("value", [*filter(None, TRICKY), *TYPED], ids=repr)
def test_values_of_upstream_tasks_keep_their_type(native: bool, value: Any) -> None:
    ti = Upstream()
    ti.value = value
    with DAG("templating", schedule=None, render_template_as_native_obj=native):
        upstream = BaseOperator(task_id="upstream")
        task = OMFlowPushOrderOperator(
            task_id="task", api_path="p", data_no=upstream.output, form_data={"FORMITM_1": upstream.output}
        )
    task.render_template_fields({"ti": ti})  # type: ignore[typeddict-item]
    assert (task.data_no, type(task.data_no)) == (value, type(value))
    assert task.form_data == {"FORMITM_1": value}


def test_all_fields_of_every_operator_can_be_templates(native: bool) -> None:
    for cls in OPERATORS:
        given: dict[str, Any] = (
            {"api_path": "p"}
            if cls is OMFlowOpenOrderOperator
            else {
                "api_path": "p",
                "data_no": 1,
            }
        )
        with DAG("templating", schedule=None, render_template_as_native_obj=native):
            task: Any = cls(task_id="task", **given)
        assert task.template_fields
        for name in task.template_fields:
            assert hasattr(task, name), (cls, name)
            setattr(task, name, f"{{{{ '{name}' }}}}")
        task.render_template_fields({})
        assert {name: getattr(task, name) for name in task.template_fields} == {
            name: name for name in task.template_fields
        }
        assert set(task.template_fields_renderers) <= set(task.template_fields)
        assert set(task.template_fields_renderers.values()) <= {"json", "py", "sql", "md"}
