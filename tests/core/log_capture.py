"""Captures everything that a call or a task logs, prints, raises and stores, and searches it for secrets."""

from __future__ import annotations

import contextlib
import json
import logging
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.exceptions import WorkflowError
from tests.core.harness import Runner
from tests.system.search import forms

_TESTS = str(Path(__file__).parents[1])


class Capture:
    """
    Everything that was logged, printed, raised or stored, as text.

    :param secrets: values that must not occur in it
    :param arguments: those of them that a DAG's author gives to a call, and that its frames therefore hold
    """

    def __init__(self, *secrets: str, arguments: Iterable[str] = ()) -> None:
        self.texts: list[str] = []
        #: The local variables of the errors' frames, as Sentry or rich show them; those of tests apart.
        self.variables: list[str] = []
        self.secrets = set(secrets)
        self._arguments = set(arguments)

    def found(self) -> set[str]:
        """Return the secrets that occur in the texts, however they are encoded."""
        # As plain text; what hides itself would be searched for as that.
        secrets = {str(secret) for secret in self.secrets}
        inside = {
            f"{secret} in {one.partition(' = ')[0]}"
            for secret in secrets - self._arguments
            for one in self.variables
            if _found([one], [secret])
        }
        return _found(self.texts, secrets) | inside

    def add_error(self, error: BaseException) -> None:
        """Add an error and its causes, as a log or a debugger would show them."""
        self.texts += traceback.format_exception(error)
        seen: BaseException | None = error
        while seen is not None:
            self.texts += [str(seen), repr(seen), repr(vars(seen)), repr(seen.args)]
            told = traceback.TracebackException.from_exception(seen, capture_locals=True)
            self.variables += [
                f"{frame.filename}:{frame.lineno} {frame.name} {name} = {value}"
                for frame in told.stack
                if _TESTS not in frame.filename
                for name, value in (frame.locals or {}).items()
            ]
            seen = seen.__cause__ or seen.__context__

    def attempt(self, action: Callable[[], Any]) -> Any:
        """Call a function that may fail; return its result, or None after an error."""
        try:
            result = action()
        except Exception as error:
            self.add_error(error)
            if isinstance(error, WorkflowError):
                self.texts.append(json.dumps(error.to_json()))
            return None
        self.texts.append(repr(result))
        return result

    def run(self, runner: Runner, *, again: bool = False) -> Any:
        """
        Run a task, add what it stored (task state, trigger rows, events, XCom), and return its result.

        :param again: run a second attempt too
        """
        result = self.attempt(runner.run)
        if again:
            result = self.attempt(runner.retry)
        assert runner.store is not None
        self.texts += [*runner.store.values.values(), *runner.triggers, json.dumps(runner.ti.xcoms)]
        self.texts += [json.dumps(event) for event in runner.events]
        return result

    def add_template_fields(self, task: Any) -> None:
        """Add a task's template fields as Airflow shows them once they are rendered."""
        self.texts += [repr(getattr(task, name)) for name in task.template_fields]


def _found(texts: Iterable[str], secrets: Iterable[str]) -> set[str]:
    text = "\n".join(texts).encode()
    escaped = text.decode("unicode_escape", errors="replace").encode()
    return {secret for secret in secrets if any(form in text or form in escaped for form in forms(secret))}


class CaptureHandler(logging.Handler):
    """Collects raw log records, before Airflow formats or masks them."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._texts = texts

    def emit(self, record: logging.LogRecord) -> None:
        self._texts += [record.name, record.getMessage(), repr(record.args), repr(record.exc_info)]
        if record.exc_info and record.exc_info[1]:
            self._texts += traceback.format_exception(record.exc_info[1])


@contextlib.contextmanager
def capturing(
    capture: Capture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    loggers: Iterable[str] = ("urllib3", "aiohttp.client", "asyncio"),
) -> Iterator[None]:
    """Capture everything that is logged (at DEBUG) and printed inside the block."""
    root, handler = logging.getLogger(), CaptureHandler(capture.texts)
    monkeypatch.setattr(root, "level", logging.DEBUG)
    root.addHandler(handler)
    for name in loggers:
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)
    # Loggers cache the level, and only setLevel clears that cache.
    logging.Logger.manager._clear_cache()  # type: ignore[attr-defined]
    yield
    root.removeHandler(handler)
    capture.texts += capfd.readouterr()
