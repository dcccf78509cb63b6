"""What Airflow is told of the package, held against Airflow itself."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module, metadata, resources
from importlib.util import find_spec
from typing import Any
from unittest import mock

import jsonschema
import pytest
from airflow.sdk import BaseHook, BaseNotifier

from airflow_provider_workflows import __version__
from airflow_provider_workflows.core.connection.form import ConnectionForm
from airflow_provider_workflows.core.connection.hook import WorkflowHook
from airflow_provider_workflows.core.runtime.serialization import import_string
from airflow_provider_workflows.provider import FORMS, get_provider_info
from tests.core.airflow_names import AsyncCallback

DISTRIBUTION = "airflow_provider_workflows"
CONNECTION_TYPES = get_provider_info()["connection-types"]


def test_airflows_own_schema_accepts_the_information() -> None:
    schema = json.loads(resources.files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


def test_airflows_own_schema_is_one_that_can_refuse() -> None:
    schema = json.loads(resources.files("airflow").joinpath("provider_info.schema.json").read_text())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**get_provider_info(), "connection-types": [{"connection-type": 1}]}, schema)


def test_package_name_is_the_canonical_distribution_name() -> None:
    # Anything else ends the discovery of every provider with a ValueError.
    assert get_provider_info()["package-name"] == DISTRIBUTION.replace("_", "-")
    assert metadata.metadata(DISTRIBUTION)["Name"].replace("_", "-") == get_provider_info()["package-name"]
    assert get_provider_info()["versions"] == [__version__]
    assert metadata.version(DISTRIBUTION) == __version__


def test_installed_metadata_has_the_entry_point() -> None:
    points = metadata.distribution(DISTRIBUTION).entry_points.select(group="apache_airflow_provider")
    assert [point.name for point in points] == ["provider_info"]
    assert next(iter(points)).load() is get_provider_info


def _dotted_paths() -> Iterator[str]:
    info = get_provider_info()
    for kind in ("operators", "sensors", "hooks"):
        for entry in info[kind]:
            yield from entry["python-modules"]


def test_every_module_named_can_be_imported() -> None:
    paths = list(_dotted_paths())
    assert len(paths) == 3 * len(FORMS)
    for path in paths:
        assert import_module(path).__name__ == path


def _notifiers(form: ConnectionForm) -> list[str]:
    """Return the dotted paths of what a vendor has for callbacks."""
    if find_spec(f"{form.package}.notifications") is None:
        return []
    module = import_module(f"{form.package}.notifications")
    return [
        f"{module.__name__}.{name}"
        for name, one in vars(module).items()
        if inspect.isclass(one) and issubclass(one, BaseNotifier) and one.__module__ == module.__name__
    ]


def test_every_notifier_is_named_and_can_run_as_a_callback() -> None:
    paths = get_provider_info()["notifications"]
    assert sorted(paths) == sorted(path for form in FORMS for path in _notifiers(form))
    assert len(paths) >= 3
    for path in paths:
        notifier = import_string(path)
        assert issubclass(notifier, BaseNotifier)
        # A deadline's callback must be awaitable. Airflow passes it the context if it takes any keyword.
        assert inspect.signature(notifier).parameters["kwargs"].kind is inspect.Parameter.VAR_KEYWORD
        assert AsyncCallback(notifier, {}).path == path


@pytest.mark.parametrize("entry", CONNECTION_TYPES, ids=lambda entry: entry["connection-type"])
def test_hook_agrees_with_its_connection_type(entry: dict[str, Any]) -> None:
    hook = import_string(entry["hook-class-name"])
    assert issubclass(hook, WorkflowHook)
    assert issubclass(hook, BaseHook)
    assert hook.conn_type == entry["connection-type"]
    assert hook.hook_name == entry["hook-name"]
    assert hook.default_conn_name == f"{hook.conn_type}_default"
    # Airflow's Test button makes the hook with this one keyword.
    made = hook(**{hook.conn_name_attr: "some_connection"})
    assert made.conn_id == "some_connection"
    assert "-" not in hook.conn_type, "the URI form of connections turns _ into - and back"


SERVICE = """
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
(form,) = (one for one in HookMetaService.hook_meta_data() if one.connection_type == "omflow")
print(form.model_dump_json())
"""


@pytest.fixture(scope="module")
def shown_form() -> Any:
    """
    Return what Airflow's form service, of 3.1 or later, says of ``omflow``.

    Airflow 3.1 asks the hooks once a process, and who asks before the service does is shown no forms.
    """
    from airflow.api_fastapi.core_api.datamodels.connections import ConnectionHookMetaData

    answer = subprocess.run([sys.executable, "-c", SERVICE], capture_output=True, text=True, check=True)
    return ConnectionHookMetaData.model_validate_json(answer.stdout.splitlines()[-1])


def test_airflows_form_service_shows_name_and_standard_fields(shown_form: Any) -> None:
    assert shown_form.hook_name == "OMFlow"
    fields = shown_form.standard_fields
    assert (fields.host.title, fields.login.title) == ("Server", "Service user")
    assert fields.host.placeholder.startswith("https://")
    # Nothing is hidden; a field without a word of ours is shown as Airflow shows it.
    assert not any(one and one.hidden for one in (fields.host, fields.login, fields.password, fields.port))


def test_airflows_form_service_shows_the_extra_fields(shown_form: Any) -> None:
    extra = shown_form.extra_fields
    assert list(extra) == [one.name for one in FORMS[0].all_fields]
    assert {"zh-hant", "en", "ja", "zh-hans"} <= set(extra["language"]["schema"]["enum"])
    assert {"1.2", "1.1"} <= set(extra["server_version"]["schema"]["enum"])
    assert extra["server_version"]["value"] == "1.2"
    # Airflow 3.1 has no fields for numbers with a fraction, so that it is text there.
    assert float(extra["timeout"]["value"]) == 30
    assert {name: one["schema"]["title"] for name, one in extra.items()} == {
        one.name: one.label for one in FORMS[0].all_fields
    }
    assert extra["verify"]["description"]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.conn_type)
def test_schemas_of_the_extra_fields_accept_their_own_defaults(form: Any) -> None:
    for name, entry in form.connection_type()["conn-fields"].items():
        assert set(entry) <= {"label", "schema", "description"}, name
        jsonschema.Draft7Validator.check_schema(entry["schema"])
        if "default" in entry["schema"]:
            jsonschema.validate(entry["schema"]["default"], entry["schema"])


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.conn_type)
def test_methods_for_airflow_3_1_come_from_the_same_declaration(form: Any) -> None:
    hook = import_string(form.hook_class)
    entry = form.connection_type()
    behaviour = hook.get_ui_field_behaviour()
    assert {key.replace("_", "-"): value for key, value in behaviour.items()} == entry["ui-field-behaviour"]
    # Airflow 3.1 reads the widgets with stand-ins in place of wtforms, which it does not require.
    with mock.patch.dict(sys.modules, {"wtforms": mock.MagicMock(), "wtforms.validators": mock.MagicMock()}):
        widgets = hook.get_connection_form_widgets()
    assert list(widgets) == list(entry["conn-fields"])


def test_widgets_carry_label_default_and_choices() -> None:
    wtforms, validators = mock.MagicMock(), mock.MagicMock()
    with mock.patch.dict(sys.modules, {"wtforms": wtforms, "wtforms.validators": validators}):
        FORMS[0].widgets()
    made = {call.args[0]: call.kwargs for call in wtforms.StringField.call_args_list}
    assert made["Server version"]["default"] == "1.2"
    assert made["Timeout (s)"]["default"] == "30"
    assert mock.call(["1.2", "1.1"]) in validators.any_of.call_args_list


def test_airflow_3_1_finds_the_methods_where_it_looks_and_no_field_that_it_refuses() -> None:
    # It asks only the class itself, and drops a hook that uses any other kind of field.
    allowed = {"BooleanField", "IntegerField", "PasswordField", "StringField"}
    wtforms = mock.MagicMock()
    for form in FORMS:
        hook = import_string(form.hook_class)
        assert {"get_ui_field_behaviour", "get_connection_form_widgets"} <= set(vars(hook))
        with mock.patch.dict(sys.modules, {"wtforms": wtforms, "wtforms.validators": mock.MagicMock()}):
            hook.get_connection_form_widgets()
    assert {call[0] for call in wtforms.mock_calls} <= allowed


def test_information_loads_nothing_but_the_standard_library_and_ours() -> None:
    # Every Airflow process that lists providers imports it at its start.
    script = (
        "import json, sys\n"
        "before = set(sys.modules)\n"
        "from airflow_provider_workflows.provider import get_provider_info\n"
        "get_provider_info()\n"
        "roots = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(json.dumps(sorted(roots - sys.stdlib_module_names)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True
    )
    assert json.loads(run.stdout) == ["airflow_provider_workflows"]
