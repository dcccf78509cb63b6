"""The part of Airflow's REST API that the demo and the system tests use."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import requests

from dev.airflow_home import AirflowError

POLL_SECONDS = 0.25
#: Seconds; generous, since a busy machine may need most of it, and nothing here may be asked twice.
REQUEST_TIMEOUT = 120.0
PAGE = 100
#: How the API server says that SQLite was locked, with or without the reason.
LOCKED = ("database is locked", '"reason":"Database error"')
LOCKED_TRIES = 12
TERMINAL = frozenset({"success", "failed"})

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class TaskInstance:
    """
    One task of a run, as Airflow sees it now.

    ``state`` is None before it is scheduled; ``map_index`` is -1 unless mapped;
    ``start_date`` is an ISO time, ``duration`` is in seconds; ``pid`` is the process that runs the task, or
    ran it last.
    """

    task_id: str
    map_index: int
    state: str | None
    try_number: int
    max_tries: int
    start_date: str | None
    duration: float | None
    pid: int | None = None

    @property
    def label(self) -> str:
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"


class AirflowClient:
    """
    Talks to an Airflow that asks nobody to log in.

    :param url: where its API server listens
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the user's has no business with the loopback interface

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """
        Send one request and return the decoded answer.

        :param method: HTTP method
        :param path: below ``/api/v2``
        :param arguments: for requests, such as ``json`` and ``params``
        :return: None for an answer without content
        :raises AirflowError: if the answer is not a success
        """
        reply = self._send(method, path, **arguments)
        for _ in range(LOCKED_TRIES):
            if not (
                reply.status_code == requests.codes.server_error
                and any(word in reply.text for word in LOCKED)
            ):
                break
            # SQLite took nothing. Airflow's API server itself brings this about: it waits in its event loop
            # for a lock that another of its requests holds, which cannot go on meanwhile.
            time.sleep(random.uniform(0, 2 * POLL_SECONDS))
            reply = self._send(method, path, **arguments)
        if not reply.ok:
            raise AirflowError(f"{method} {path} was answered with {reply.status_code}: {reply.text[:500]}")
        return reply.json() if reply.content else None

    def _send(self, method: str, path: str, **arguments: Any) -> requests.Response:
        if "Authorization" not in self._session.headers:
            token = self._session.get(f"{self.url}/auth/token", timeout=REQUEST_TIMEOUT).json()[
                "access_token"
            ]
            self._session.headers["Authorization"] = f"Bearer {token}"
        return self._session.request(method, f"{self.url}/api/v2{path}", timeout=REQUEST_TIMEOUT, **arguments)

    def check_alive(self) -> None:
        """Raise :class:`AirflowError` if waiting has become pointless; the owner of the processes knows."""

    def wait_until(
        self, question: Callable[[], T | None], *, timeout: float, what: str | Callable[[], str]
    ) -> T:
        """
        Ask until there is an answer.

        :param question: returns None as long as there is none
        :param timeout: seconds to wait
        :param what: what is waited for, for the error message; a function if that changes
        :raises AirflowError: if the time is over, or Airflow stopped
        """
        deadline = time.monotonic() + timeout
        while (answer := question()) is None:
            self.check_alive()
            if time.monotonic() > deadline:
                told = what if isinstance(what, str) else what()
                raise AirflowError(f"waited {timeout:.0f} s for {told} in vain")
            time.sleep(POLL_SECONDS)
        return answer

    def wait_for_dag(self, dag_id: str, *, timeout: float = 300.0) -> None:
        """
        Wait until a DAG file has been read.

        :param dag_id: the DAG
        :param timeout: seconds to wait
        :raises AirflowError: if a DAG file cannot be imported, or the time is over
        """

        def known() -> bool | None:
            if self._send("GET", f"/dags/{dag_id}").ok:
                return True
            for error in self.call("GET", "/importErrors")["import_errors"]:
                raise AirflowError(f"{error['filename']} cannot be imported:\n{error['stack_trace']}")
            return None

        self.wait_until(known, timeout=timeout, what=f"the DAG {dag_id}")

    def add_connection(self, conn_id: str, fields: Mapping[str, Any]) -> None:
        """
        Make a connection in Airflow's database, as a user does in the UI.

        :param conn_id: its id
        :param fields: as in Airflow's JSON form
        """
        self.call("POST", "/connections", json=_connection(conn_id, fields))

    def test_connection(self, conn_id: str, fields: Mapping[str, Any]) -> tuple[bool, str]:
        """
        Try a connection, as the Test button does, and return whether it works and what is said about it.

        :param conn_id: its id, which need not exist
        :param fields: as in Airflow's JSON form
        """
        answer = self.call("POST", "/connections/test", json=_connection(conn_id, fields))
        return answer["status"], answer["message"]

    def unpause(self, dag_id: str) -> None:
        self.call("PATCH", f"/dags/{dag_id}", json={"is_paused": False})

    def trigger(
        self, dag_id: str, *, conf: Mapping[str, Any] | None = None, run_id: str | None = None
    ) -> str:
        """
        Start a run and return its id.

        :param dag_id: the DAG
        :param conf: values of the DAG's params
        :param run_id: the id it is to have; one is made up by default
        """
        body: dict[str, Any] = {"logical_date": None, "conf": dict(conf or {})}
        if run_id:
            body["dag_run_id"] = run_id
        return str(self.call("POST", f"/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        return str(self.call("GET", _run(dag_id, run_id))["state"])

    def wait_for_run(
        self, dag_id: str, run_id: str, *, timeout: float = 300.0, states: Collection[str] = TERMINAL
    ) -> str:
        """
        Wait until a run has one of the given states, and return it.

        :param dag_id: the DAG
        :param run_id: its run
        :param timeout: seconds to wait
        :param states: success or failed by default
        :raises AirflowError: if the time is over, or Airflow stopped
        """

        def reached() -> str | None:
            state = self.run_state(dag_id, run_id)
            return state if state in states else None

        return self.wait_until(
            reached, timeout=timeout, what=f"run {run_id} of {dag_id} to be {' or '.join(states)}"
        )

    def task_instances(self, dag_id: str, run_id: str) -> list[TaskInstance]:
        """All tasks of a run, mapped ones once for each index."""
        found: list[dict[str, Any]] = []
        while True:
            page = {"limit": PAGE, "offset": len(found)}
            answer = self.call("GET", f"{_run(dag_id, run_id)}/taskInstances", params=page)
            found += answer["task_instances"]
            if len(found) >= answer["total_entries"] or not answer["task_instances"]:
                return [_task_instance(item) for item in found]

    def xcom(
        self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", map_index: int = -1
    ) -> Any:
        """
        Return a value that a task pushed, or None if it pushed none.

        :param dag_id: the DAG
        :param run_id: its run
        :param task_id: the task
        :param key: the value's key
        :param map_index: which one of a mapped task
        """
        path = f"{_run(dag_id, run_id)}/taskInstances/{task_id}/xcomEntries/{key}"
        reply = self._send("GET", path, params={"map_index": map_index})
        return reply.json()["value"] if reply.ok else None

    def clear(
        self, dag_id: str, run_id: str, task_ids: Sequence[str | tuple[str, int]], *, downstream: bool = False
    ) -> None:
        """
        Clear tasks of a run, as a user does to run them again.

        :param dag_id: the DAG
        :param run_id: its run
        :param task_ids: the tasks; (task id, map index) for a single one of a mapped task
        :param downstream: whether what follows them is cleared, too
        """
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "task_ids": list(task_ids),
            "only_failed": False,
            "include_downstream": downstream,
        }
        self.call("POST", f"/dags/{dag_id}/clearTaskInstances", json=body)

    def set_state(self, dag_id: str, run_id: str, task_id: str, state: str, *, map_index: int = -1) -> None:
        """
        Mark a task, as a user does in the UI.

        :param dag_id: the DAG
        :param run_id: its run
        :param task_id: the task
        :param state: such as success or failed
        :param map_index: which one of a mapped task
        """
        path = f"{_run(dag_id, run_id)}/taskInstances/{task_id}"
        self.call("PATCH", path if map_index < 0 else f"{path}/{map_index}", json={"new_state": state})

    def state(self, dag_id: str, run_id: str, task_id: str, *, map_index: int = -1) -> dict[str, Any]:
        """
        Return what a task has in its state store, by key; needs Airflow 3.3.

        :param dag_id: the DAG
        :param run_id: its run
        :param task_id: the task
        :param map_index: which one of a mapped task
        """
        where = {"map_index": map_index, "limit": PAGE}
        answer = self.call("GET", _state_store(dag_id, run_id, task_id), params=where)
        return {entry["key"]: entry["value"] for entry in answer["task_state_store"]}

    def put_state(
        self, dag_id: str, run_id: str, task_id: str, key: str, value: Any, *, map_index: int = -1
    ) -> None:
        """
        Write into a task's state store, as a person may in the UI; what is written does not expire.

        :param dag_id: the DAG
        :param run_id: its run
        :param task_id: the task
        :param key: the entry, which may be new
        :param value: its JSON value
        :param map_index: which one of a mapped task
        """
        path = f"{_state_store(dag_id, run_id, task_id)}/{quote(key)}"
        self.call("PUT", path, params={"map_index": map_index}, json={"value": value, "expires_at": None})

    def delete_state(self, dag_id: str, run_id: str, task_id: str, key: str, *, map_index: int = -1) -> None:
        """
        Delete an entry of a task's state store; without effect if there is none.

        :param dag_id: the DAG
        :param run_id: its run
        :param task_id: the task
        :param key: the entry
        :param map_index: which one of a mapped task
        """
        path = f"{_state_store(dag_id, run_id, task_id)}/{quote(key)}"
        self.call("DELETE", path, params={"map_index": map_index})

    def logs(
        self, dag_id: str, run_id: str, task_id: str, *, try_number: int = 1, map_index: int = -1
    ) -> str:
        """
        Return what a task logged, a line for each event.

        :param dag_id: the DAG
        :param run_id: its run
        :param task_id: the task
        :param try_number: which attempt, from 1
        :param map_index: which one of a mapped task
        """
        path = f"{_run(dag_id, run_id)}/taskInstances/{task_id}/logs/{try_number}"
        answer = self.call("GET", path, params={"map_index": map_index, "full_content": True})
        return "\n".join(_log_line(event) for event in answer["content"])


def _connection(conn_id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {**fields, "connection_id": conn_id, "extra": json.dumps(fields.get("extra", {}))}


def _run(dag_id: str, run_id: str) -> str:
    return f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"


def _state_store(dag_id: str, run_id: str, task_id: str) -> str:
    return f"{_run(dag_id, run_id)}/taskInstances/{task_id}/state-store"


def _task_instance(item: Mapping[str, Any]) -> TaskInstance:
    return TaskInstance(**{name: item[name] for name in TaskInstance.__dataclass_fields__})


def _log_line(event: str | Mapping[str, Any]) -> str:
    if isinstance(event, str):
        return event
    known = {"timestamp", "event", "level"}
    details = " ".join(f"{name}={value}" for name, value in event.items() if name not in known)
    return f"{event.get('timestamp') or ''} {event.get('level') or ''} {event['event']} {details}".strip()
