"""
No credential is in a local variable of an error's frames, as Sentry, rich and debuggers show them.

Each request of each vendor's calls fails in turn, the login too, in both adapters: by an answer, by a lost
one, or by an exception that strikes while the request is under way, as Airflow's ``execution_timeout`` does.
"""

from __future__ import annotations

import asyncio
import base64
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from airflow_provider_workflows.blizwork.hooks import BlizWorkHook
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.exceptions import InvalidConnection, WorkflowError
from airflow_provider_workflows.kiban.hooks import KibanHook
from airflow_provider_workflows.mybpm.hooks import MyBPMHook
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from airflow_provider_workflows.robusta.hooks import RobustaHook
from tests.conftest import OMFlowServer
from tests.kiban.server import FORM, LOAN

OURS, TESTS = "airflow_provider_workflows", str(Path(__file__).parents[1])
CALLBACK_KEY = "callback-key-hunter3"
#: Seconds after which an exception strikes a call.
STRIKE = 0.4


class Struck(BaseException):
    """Strikes while a request is under way."""


@dataclass(frozen=True)
class Case:
    """
    A vendor.

    :param fixture: leads the default connection to it
    :param call: a method of the hook, with its arguments; it is also there with the prefix ``a``
    :param requests: how many requests it makes at least, the login too
    :param mount: of the vendor's double
    :param secrets: of the connection
    :param issues: whether the double tells what codes or tokens it has issued
    """

    fixture: str
    hook: Callable[..., Any]
    call: tuple[str, tuple[Any, ...], dict[str, Any]]
    requests: int
    mount: str
    secrets: tuple[str, ...]
    issues: bool = False
    connect: tuple[tuple[str, Any], ...] = ()


CASES = [
    Case(
        "omflow",
        OMFlowHook,
        ("open_order", ("two-step", {"FORMITM_1": "a title"}), {}),
        2,
        "omflow-1.2",
        ("sesame-hunter2",),
        issues=True,
        connect=(("login", "hunter"), ("password", "sesame-hunter2")),
    ),
    Case(
        "mybpm",
        MyBPMHook,
        ("upsert", ("NOTE", {"TEXT": "a"}), {}),
        2,
        "mybpm",
        ("sesame-hunter2",),
        issues=True,
        connect=(("login", "hunter@example.com"), ("password", "sesame-hunter2")),
    ),
    Case(
        "mybpm",
        MyBPMHook,
        ("upsert", ("NOTE", {"TEXT": "a"}), {}),
        1,
        "mybpm",
        ("sandbox-api-token",),
        connect=(("login", ""), ("password", "sandbox-api-token")),
    ),
    Case(
        "kiban",
        KibanHook,
        ("start", (LOAN,), {"form": FORM, "callback_url": "https://x.example/cb"}),
        1,
        "kiban",
        ("kiban-hunter2", CALLBACK_KEY),
        connect=(("password", "kiban-hunter2"), ("extra", {"callback_x_api_key": CALLBACK_KEY})),
    ),
    Case("kiban", KibanHook, ("detail", ("0" * 24,), {}), 1, "kiban", ("kiban-sandbox-key",)),
    Case("blizwork", BlizWorkHook, ("init_case", ("a" * 24,), {}), 1, "blizwork", ("sandbox-token",)),
    Case(
        "robusta",
        RobustaHook,
        ("start_process", ("report",), {"worker": "1"}),
        1,
        "robusta",
        ("sesame-hunter2",),
        connect=(("password", "sesame-hunter2"),),
    ),
]
WAYS: list[tuple[str, dict[str, Any]]] = [
    ("hang", {}),
    ("lost_answer", {}),
    ("not_json", {}),
    ("redirect", {}),
    ("status", {"status": 401}),
    ("status", {"status": 500}),
]


@contextmanager
def striking() -> Iterator[None]:
    """Raise an exception in the main thread after a while."""

    def strike(*_: object) -> None:
        raise Struck

    before = signal.signal(signal.SIGALRM, strike)
    signal.setitimer(signal.ITIMER_REAL, STRIKE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fail(case: Case, *, on_loop: bool) -> BaseException | None:
    """Make the call; return its error."""
    name, arguments, named = case.call
    hook = case.hook(retry=Retry(attempts=1))

    async def awaited() -> None:
        await hook.anamespace()  # Airflow reads the connection, which is not what is struck
        async with asyncio.timeout(STRIKE):
            await getattr(hook, f"a{name}")(*arguments, **named)

    try:
        if on_loop:
            asyncio.run(awaited())
        else:
            hook.get_conn()
            with striking():
                getattr(hook, name)(*arguments, **named)
    except (WorkflowError, Struck, TimeoutError) as error:
        return error
    return None


def variables(error: BaseException) -> Iterator[tuple[str, str]]:
    """Yield where each local variable of an error's frames is, and how it shows itself; causes included."""
    one: BaseException | None = error
    while one is not None:
        for frame in traceback.TracebackException.from_exception(one, capture_locals=True).stack:
            for name, shown in (frame.locals or {}).items():
                yield f"{frame.filename}:{frame.lineno} {frame.name} {name}", shown
        one = one.__cause__ or one.__context__


def spelled(secrets: tuple[str, ...], login: str) -> set[str]:
    basics = (base64.b64encode(f"{login}:{one}".encode()).decode() for one in secrets)
    return {*secrets, *basics, *(quote(one, safe="") for one in secrets)}


@pytest.mark.parametrize("on_loop", [False, True])
@pytest.mark.parametrize(("kind", "details"), WAYS, ids=lambda one: str(one))
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.mount} {case.call[0]}")
def test_no_credential_is_in_a_local_variable(
    case: Case, kind: str, details: dict[str, Any], request: pytest.FixtureRequest, *, on_loop: bool
) -> None:
    server = request.getfixturevalue(case.fixture)
    changes = dict(case.connect)
    server.connect(**changes)
    failed = 0
    for number in range(case.requests):
        server.control.clear_faults()
        server.connect(**changes)
        server.control.fault(case.mount, "any", kind, skip=number, times=9, **details)
        error = fail(case, on_loop=on_loop)
        if error is None:
            continue
        failed += 1
        secrets = (*case.secrets, *(server.control.issued(case.mount) if case.issues else ()))
        wanted = spelled(secrets, str(changes.get("login", "airflow")))
        shown = {where: value for where, value in variables(error) if TESTS not in where}
        assert any(OURS in where for where in shown)
        leaks = {where for where, value in shown.items() if any(one in value for one in wanted)}
        assert leaks == set()
    assert failed >= case.requests


@pytest.mark.parametrize(
    "changes",
    [
        {"extra": {"timeout": "-1"}},
        {"extra": {"proxeis": 5, "secret": "sesame-hunter2"}},
        {"extra": {"proxies": {"http": "socks5://airflow:sesame-hunter2@proxy.example"}}},
        {"extra": {"proxies": "{http: sesame-hunter2"}},
        {"host": "not a host"},
        {"login": "a\nb"},
    ],
    ids=str,
)
@pytest.mark.parametrize("on_loop", [False, True])
def test_nor_is_one_of_a_connection_that_cannot_be_used(
    omflow: OMFlowServer, changes: dict[str, Any], *, on_loop: bool
) -> None:
    omflow.connect(password="sesame-hunter2", **changes)
    case = Case("omflow", OMFlowHook, ("query", ("two-step", 1), {}), 1, "omflow-1.2", ())
    error = fail(case, on_loop=on_loop)
    assert isinstance(error, InvalidConnection)
    shown = {where: value for where, value in variables(error) if TESTS not in where}
    assert any(OURS in where for where in shown)
    assert {where for where, value in shown.items() if "hunter2" in value} == set()
