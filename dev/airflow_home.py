"""The home folder of an isolated Airflow: its configuration and its database."""

from __future__ import annotations

import base64
import configparser
import contextlib
import fcntl
import importlib.metadata
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from dev.layout import CACHE, confined
from dev.ports import LOOPBACK
from dev.process import tail

CONFIGURATION = "airflow.cfg"
DATABASE = "airflow.db"
#: Seconds that a busy machine may take for what Airflow expects in less than one.
SLOW = 600


class AirflowError(Exception):
    """Airflow did not do what it was asked to; the message says where to look."""


def configuration(*, dags_folder: Path, port: int) -> dict[str, dict[str, object]]:
    """
    Return the settings of a quiet Airflow without examples or login, which reaches itself on a port.

    :param dags_folder: where its DAG files are
    :param port: where its API server listens
    """
    return {
        "core": {
            "dags_folder": dags_folder,
            "load_examples": False,
            "parallelism": 4,
            "dagbag_import_timeout": SLOW,
            "simple_auth_manager_all_admins": True,
            "test_connection": "Enabled",
            "execution_api_server_url": f"http://{LOOPBACK}:{port}/execution/",
            # Given here, since components that start at the same time would each make up their own.
            "fernet_key": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        },
        "api": {
            "host": LOOPBACK,
            "port": port,
            "base_url": f"http://{LOOPBACK}:{port}",
            "workers": 1,
            "secret_key": secrets.token_hex(32),
        },
        # Without an issuer, Airflow 3.1 writes an empty list in its place, which PyJWT refuses since 2.10.
        "api_auth": {"jwt_secret": secrets.token_hex(64), "jwt_issuer": "airflow"},
        "dag_processor": {
            "refresh_interval": 5,
            "min_file_process_interval": 10,
            "parsing_processes": 1,
            "dag_file_processor_timeout": SLOW,
        },
        "scheduler": {
            "scheduler_heartbeat_sec": 1,
            "enable_health_check": False,
            # There is one scheduler, so nobody else can take its tasks over. One that takes itself for dead
            # after a slow round, 30 seconds by default, would reset them all.
            "scheduler_health_check_threshold": SLOW,
        },
        # By default, a task whose start or state the API server has not answered within 5 seconds is failed.
        "workers": {"execution_api_timeout": 60},
        # A developer's own lineage server is none of its business.
        "openlineage": {"disabled": True},
        "usage_data_collection": {"enabled": False},
    }


def environment_of(home: Path) -> dict[str, str]:
    """
    Variables for a process of the Airflow in ``home``, cleaned of those meant for another Airflow.

    :param home: the home folder
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    direct = {
        name: ",".join(filter(None, (inherited.get(name), LOOPBACK, "localhost")))
        for name in ("NO_PROXY", "no_proxy")
    }
    return {**confined(inherited), **direct, "AIRFLOW_HOME": str(home), "PYTHONUNBUFFERED": "1"}


def prepare(home: Path, settings: Mapping[str, Mapping[str, object]], *, database: str | None = None) -> None:
    """
    Make a fresh home folder and its database; a folder that an earlier Airflow left there is removed.

    :param home: the home folder
    :param settings: its configuration
    :param database: address of an empty database, in SQLAlchemy's form; by default a SQLite file there
    :raises AirflowError: if the folder holds something else, or the database cannot be made
    """
    if home.exists() and any(home.iterdir()) and not (home / CONFIGURATION).exists():
        raise AirflowError(f"{home} is not empty and not the home of an Airflow; it is left alone")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    if database is None:
        write_configuration(home, settings)
        shutil.copyfile(database_template(), home / DATABASE)
    else:
        write_configuration(home, {**settings, "database": {"sql_alchemy_conn": database}})
        migrate(home, log=home / "migration.log")


def write_configuration(home: Path, settings: Mapping[str, Mapping[str, object]]) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_dict(
        {section: {key: str(value) for key, value in keys.items()} for section, keys in settings.items()}
    )
    with (home / CONFIGURATION).open("w") as file:
        parser.write(file)


def database_template() -> Path:
    """
    Return an empty database of the installed Airflow, made once, since its migrations take a while.

    :raises AirflowError: if the migrations fail
    """
    template = CACHE / "airflow-database" / f"{importlib.metadata.version('apache-airflow-core')}.db"
    if template.exists():
        return template
    template.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=template.parent) as folder:
        home = Path(folder)
        write_configuration(home, {"core": {"load_examples": False}})
        migrate(home, log=template.with_suffix(".log"))
        (home / DATABASE).replace(template)  # in one step: an interrupted run leaves no half of it
    return template


def migrate(home: Path, *, log: Path) -> None:
    """
    Make the tables of the database that a home folder's configuration names.

    :param home: the home folder
    :param log: gets what Airflow says of it
    :raises AirflowError: if the migrations fail
    """
    with log.open("wb") as output:
        migrated = subprocess.run(
            [sys.executable, "-m", "airflow", "db", "migrate"],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment_of(home),
            check=False,
        )
    if migrated.returncode:
        raise AirflowError(f"the database could not be made:\n{tail(log)}\nthe whole log is {log}")


@contextlib.contextmanager
def claimed(home: Path) -> Iterator[None]:
    """
    Keep a home folder to one Airflow at a time.

    :param home: the home folder
    :raises AirflowError: if another Airflow runs in it
    """
    home.parent.mkdir(parents=True, exist_ok=True)
    with home.with_name(f"{home.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AirflowError(f"another Airflow is running in {home}; stop it first") from None
        yield
