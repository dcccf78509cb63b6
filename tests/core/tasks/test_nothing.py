"""An argument that was given, but came to nothing: it is refused, never taken for one that was not given."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator

from airflow_provider_workflows.exceptions import InvalidInput, WorkflowError
from airflow_provider_workflows.mybpm import MyBPMFieldSensor, MyBPMUpsertBOIOperator
from airflow_provider_workflows.omflow import OMFlowOpenOrderNotifier, OMFlowOpenOrderOperator
from tests.core.harness import TaskInstance
from tests.core.offered import make, notifiers, tasks

TEMPLATES = {
    "none": "{{ none }}",
    "a skipped task": "{{ ti.xcom_pull('skipped') }}",
    "beside text": "no. {{ ti.xcom_pull('skipped') }}",
    "a missing param": "{{ params.x }}",
    "a missing name": "{{ missing }}",
    "an attribute of it": "{{ params.x.y }}",
}
EMPTY = {"empty": "{{ '' }}", "blank": " {{ '' }}\n", "no part": "{% if false %}x{% endif %}"}
SAID = "was given, but came to nothing"


def named(kind_and_field: Any) -> str:
    return kind_and_field if isinstance(kind_and_field, str) else kind_and_field.__name__


class Upstream(TaskInstance):
    """A task instance whose upstream tasks have all returned one value."""

    value: Any = None

    def xcom_pull(self, task_ids: Any = None, key: str = "return_value", **how: Any) -> Any:
        return self.value


def context(value: Any = None, **more: Any) -> Any:
    ti = Upstream()
    ti.value = value
    return {"ti": ti, "params": {}, **more}


@pytest.fixture(params=[False, True], ids=["plain", "native"])
def native(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def in_dag(kind: type[Any], *, native: bool = False, **given: Any) -> Any:
    with DAG("nothing", schedule=None, render_template_as_native_obj=native):
        return make(kind, **given)


@pytest.mark.parametrize("kind", tasks(), ids=named)
@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_no_template_of_a_task_comes_to_nothing(kind: type[Any], template: str, native: bool) -> None:
    for field in kind.template_fields:
        task = in_dag(kind, native=native, **{field: template})
        with pytest.raises(InvalidInput, match=f"^{field} {SAID}: an expression in its template is"):
            task.render_template_fields(context())


@pytest.mark.parametrize("kind", tasks(), ids=named)
@pytest.mark.parametrize("template", EMPTY.values(), ids=EMPTY)
def test_nor_to_empty_text(kind: type[Any], template: str, native: bool) -> None:
    for field in kind.template_fields:
        task = in_dag(kind, native=native, **{field: template})
        if field in kind.empty_text_fields:
            task.render_template_fields(context())
            assert not getattr(task, field).strip()
            continue
        with pytest.raises(InvalidInput, match=f"^{field} {SAID}: it is "):
            task.render_template_fields(context())


@pytest.mark.parametrize("kind", tasks(), ids=named)
@pytest.mark.parametrize("value", [None, "", "007", 0, [], {}], ids=repr)
def test_nor_another_tasks_output(kind: type[Any], value: Any) -> None:
    for field in kind.template_fields:
        with DAG("nothing", schedule=None):
            task = make(kind, **{field: BaseOperator(task_id="upstream").output})
        if value is None or (value == "" and field not in kind.empty_text_fields):
            with pytest.raises(InvalidInput, match=f"^{field} {SAID}: it is {value!r}\n"):
                task.render_template_fields(context(value))
            continue
        task.render_template_fields(context(value))
        assert getattr(task, field) == value


@pytest.mark.parametrize("kind", notifiers(), ids=named)
@pytest.mark.parametrize("template", [*TEMPLATES.values(), *EMPTY.values()], ids=[*TEMPLATES, *EMPTY])
def test_no_template_of_a_notifier_comes_to_nothing(
    kind: type[Any], template: str, native: bool, caplog: pytest.LogCaptureFixture
) -> None:
    dag = DAG("nothing", schedule=None, render_template_as_native_obj=native)
    for field in kind.template_fields:
        with pytest.raises(WorkflowError, match=f"{kind.__name__} has sent nothing\n{field} {SAID}"):
            make(kind, **{field: template})(context(dag=dag))
        assert f"{field} {SAID}" in caplog.text


def test_a_notifier_without_a_dag_refuses_what_is_undefined() -> None:
    with pytest.raises(WorkflowError, match=f"form_data {SAID}: an expression in its template is undefined"):
        OMFlowOpenOrderNotifier(api_path="p", form_data="{{ missing }}")({"ti": TaskInstance()})


@pytest.mark.parametrize("kind", [*tasks(), *notifiers()], ids=named)
def test_what_was_not_given_is_no_error(kind: type[Any], native: bool) -> None:
    dag = DAG("nothing", schedule=None, render_template_as_native_obj=native)
    with dag:
        one = make(kind)
    before = {name: getattr(one, name) for name in one.template_fields}
    one.render_template_fields(context(dag=dag))
    assert {name: getattr(one, name) for name in one.template_fields} == before


def test_text_that_says_none_stays(native: bool) -> None:
    given = {"FORMITM_1": "None", "FORMITM_2": "{{ 'None' }}", "FORMITM_3": "{{ x }}"}
    task = in_dag(OMFlowOpenOrderOperator, native=native, form_data=given)
    task.render_template_fields(context(x="None"))
    assert task.form_data == {"FORMITM_1": "None", "FORMITM_2": "None", "FORMITM_3": "None"}


class TestInsideAMapping:
    """The value of one field: only a template that came to nothing is an error."""

    @pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
    def test_a_template_names_the_argument(self, template: str, native: bool) -> None:
        given = {"FORMITM_1": ["a", {"b": template}]}
        task = in_dag(OMFlowOpenOrderOperator, native=native, form_data=given)
        with pytest.raises(InvalidInput, match=f"^form_data {SAID}"):
            task.render_template_fields(context())

    def test_empty_text_empties_the_field(self, native: bool) -> None:
        given = {"FORMITM_1": "{{ params.get('x') or '' }}"}
        task = in_dag(OMFlowOpenOrderOperator, native=native, form_data=given)
        task.render_template_fields(context())
        assert task.form_data == {"FORMITM_1": ""}

    def test_none_that_no_template_made_goes_to_the_vendors_rules(self) -> None:
        with DAG("nothing", schedule=None):
            upstream = BaseOperator(task_id="upstream")
            task = make(OMFlowOpenOrderOperator, form_data={"FORMITM_1": upstream.output, "FORMITM_2": None})
        task.render_template_fields(context())
        assert task.form_data == {"FORMITM_1": None, "FORMITM_2": None}


class TestAFinalizeOfTheDag:
    """A DAG may say itself what nothing is."""

    def rendered(self, finalize: Any) -> Any:
        with DAG("nothing", schedule=None, jinja_environment_kwargs={"finalize": finalize}):
            task = make(
                OMFlowOpenOrderOperator, form_data={"FORMITM_1": "{{ none }}", "FORMITM_2": "{{ 1 }}"}
            )
        task.render_template_fields(context(word="unknown"))
        return task.form_data

    def test_it_goes_first(self) -> None:
        assert self.rendered(lambda value: "-" if value is None else value) == {
            "FORMITM_1": "-",
            "FORMITM_2": "1",
        }

    def test_it_may_ask_for_the_context(self) -> None:
        from jinja2 import pass_context

        @pass_context
        def finalize(jinja_context: Any, value: Any) -> Any:
            return jinja_context["word"] if value is None else value

        assert self.rendered(finalize) == {"FORMITM_1": "unknown", "FORMITM_2": "1"}

    def test_nothing_from_it_is_refused_too(self) -> None:
        with pytest.raises(InvalidInput, match=f"form_data {SAID}"):
            self.rendered(lambda value: None)


class TestMappedTasks:
    """What ``expand`` gives is given; what stands as None in ``partial`` is not."""

    ID = "aaaaBBBBcccc0001"

    def unmapped(self, index: int, expand: Any, **partial: Any) -> Any:
        with DAG("nothing", schedule=None) as dag:
            mapped = expand(MyBPMUpsertBOIOperator.partial(task_id="task", bo_code="X", **partial))
        ti = Upstream(map_index=index)
        whole: Any = {"ti": ti, "dag": dag, "params": {}, "task": mapped, "dag_run": SimpleNamespace(conf={})}
        mapped.render_template_fields(whole)
        return whole["task"]

    @pytest.mark.parametrize("value", [None, "", "{{ none }}"], ids=repr)
    @pytest.mark.parametrize("by", ["expand", "expand_kwargs"])
    def test_nothing_from_expand_is_refused(self, value: Any, by: str) -> None:
        def expand(partial: Any) -> Any:
            if by == "expand":
                return partial.expand(boi_id=[self.ID, value])
            return partial.expand_kwargs([{"boi_id": self.ID}, {"boi_id": value}])

        assert self.unmapped(0, expand).boi_id == self.ID
        with pytest.raises(InvalidInput, match=f"^boi_id {SAID}"):
            self.unmapped(1, expand)

    def test_what_is_left_out_is_not_given(self) -> None:
        def expand(partial: Any) -> Any:
            return partial.expand_kwargs([{"boi_id": self.ID}, {"unique_field": "IIN"}])

        task = self.unmapped(1, expand, field_ref_add=None)
        assert (task.boi_id, task.unique_field, task.field_ref_add) == (None, "IIN", None)

    def test_a_template_in_partial_is_given(self) -> None:
        with pytest.raises(InvalidInput, match=f"^boi_id {SAID}"):
            self.unmapped(0, lambda partial: partial.expand(unique_field=["IIN"]), boi_id="{{ none }}")


def test_the_error_says_what_to_do_in_short_lines(caplog: pytest.LogCaptureFixture) -> None:
    task = in_dag(MyBPMUpsertBOIOperator, boi_id="{{ ti.xcom_pull('skipped') }}")
    with pytest.raises(InvalidInput) as caught:
        task.render_template_fields(context())
    lines = str(caught.value).splitlines()
    assert all(len(line) <= 130 for line in lines)
    said = caplog.text
    assert all(line in said for line in lines)


def test_an_empty_value_to_wait_for_may_come_from_a_template() -> None:
    task = in_dag(MyBPMFieldSensor, changed_from="{{ '' }}")
    task.render_template_fields(context())
    assert task.changed_from == ""


def test_a_copy_of_a_task_knows_what_was_given() -> None:
    import copy

    task = in_dag(OMFlowOpenOrderOperator, run_key_field="{{ none }}")
    for one in (copy.copy(task), copy.deepcopy(task)):
        with pytest.raises(InvalidInput, match=f"^run_key_field {SAID}"):
            one.render_template_fields(context())
