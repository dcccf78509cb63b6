"""The home folder of an isolated Airflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.airflow_home import AirflowError, claimed, configuration, environment_of, prepare
from dev.airflow_instance import AirflowInstance
from dev.layout import ROOT


def test_settings_of_another_airflow_do_not_leak_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW_CONN_OMFLOW_DEFAULT", "omflow://production")
    monkeypatch.setenv("AIRFLOW_HOME", "/home/me/airflow")
    environment = environment_of(tmp_path)
    assert {name for name in environment if name.startswith("AIRFLOW")} == {"AIRFLOW_HOME"}
    assert environment["AIRFLOW_HOME"] == str(tmp_path)


def test_loopback_is_reached_without_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_PROXY", "intranet")
    monkeypatch.delenv("no_proxy", raising=False)
    environment = environment_of(tmp_path)
    assert environment["NO_PROXY"] == "intranet,127.0.0.1,localhost"
    assert environment["no_proxy"] == "127.0.0.1,localhost"


def test_everything_is_written_below_the_checkout(tmp_path: Path) -> None:
    environment = environment_of(tmp_path)
    for name in ("TMPDIR", "PIP_CACHE_DIR", "PYTHONPYCACHEPREFIX", "XDG_CACHE_HOME"):
        assert Path(environment[name]).is_relative_to(ROOT)


def test_every_instance_has_its_own_secrets() -> None:
    one, other = (configuration(dags_folder=Path("dags"), port=1) for _ in range(2))
    assert one["core"]["fernet_key"] != other["core"]["fernet_key"]
    assert one["api_auth"] != other["api_auth"]


def test_a_folder_of_the_user_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(AirflowError, match="is left alone"):
        prepare(tmp_path, {})
    assert (tmp_path / "thesis.txt").read_text() == "all of it"


def test_one_airflow_at_a_time_in_a_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with (
        claimed(home),
        pytest.raises(AirflowError, match="another Airflow is running in"),
        claimed(home),
    ):
        raise AssertionError("both got in")
    with claimed(home):
        pass


def test_says_which_component_is_silent(tmp_path: Path) -> None:
    instance = AirflowInstance(tmp_path / "home", dags_folder=tmp_path)
    with pytest.raises(
        AirflowError, match=r"^waited 0 s for a sign of life of api-server \(its log is in .*"
    ):
        instance.wait_healthy(timeout=0)
    instance.stop()
