"""All that a call or a task says and leaves behind, and the search for what must not be in it."""

from __future__ import annotations

import contextlib
import json
import logging
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from airflow_provider_workflows.protocol.errors import WorkflowError
from tests.base.harness import Runner
from tests.system.search import forms


class Everything:
    """
    All that was said and kept, as text.

    :param secrets: what must not be in it
    """

    def __init__(self, *secrets: str) -> None:
        self.said: list[str] = []
        self.secrets = set(secrets)

    def found(self) -> set[str]:
        """Return the secrets that were said, in whatever form."""
        text = "\n".join(self.said).encode()
        escaped = text.decode("unicode_escape", errors="replace").encode()
        return {
            secret
            for secret in self.secrets
            if any(form in text or form in escaped for form in forms(secret))
        }

    def keep(self, error: BaseException) -> None:
        """Keep an error as a log, a debugger or a person would show it, with all that it came from."""
        self.said += traceback.format_exception(error)
        seen: BaseException | None = error
        while seen is not None:
            self.said += [str(seen), repr(seen), repr(vars(seen)), repr(seen.args)]
            seen = seen.__cause__ or seen.__context__

    def attempt(self, action: Callable[[], Any]) -> Any:
        """Do something that may fail, and return its result."""
        try:
            result = action()
        except Exception as error:
            self.keep(error)
            if isinstance(error, WorkflowError):
                self.said.append(json.dumps(error.to_json()))
            return None
        self.said.append(repr(result))
        return result

    def run(self, runner: Runner, *, again: bool = False) -> Any:
        """
        Run a task, keep what it left behind (state, rows of triggers, events, XCom), and return its result.

        :param again: run another attempt of it as well
        """
        result = self.attempt(runner.run)
        if again:
            result = self.attempt(runner.retry)
        assert runner.store is not None
        self.said += [*runner.store.values.values(), *runner.triggers, json.dumps(runner.ti.xcoms)]
        self.said += [json.dumps(event) for event in runner.events]
        return result

    def rendered(self, task: Any) -> None:
        """Keep a task's fields as Airflow shows them when they are rendered."""
        self.said += [repr(getattr(task, name)) for name in task.template_fields]


class Keeper(logging.Handler):
    """Keeps raw records, before any formatter or mask of Airflow's."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said += [record.name, record.getMessage(), repr(record.args), repr(record.exc_info)]
        if record.exc_info and record.exc_info[1]:
            self._said += traceback.format_exception(record.exc_info[1])


@contextlib.contextmanager
def recorded(
    everything: Everything,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    loggers: Iterable[str] = ("urllib3", "aiohttp.client", "asyncio"),
) -> Iterator[None]:
    """Keep all that is logged and printed in the meantime, at DEBUG."""
    root, keeper = logging.getLogger(), Keeper(everything.said)
    monkeypatch.setattr(root, "level", logging.DEBUG)
    root.addHandler(keeper)
    for name in loggers:
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)
    # A level that is set past setLevel is not seen by loggers that have looked before.
    logging.Logger.manager._clear_cache()  # type: ignore[attr-defined]
    yield
    root.removeHandler(keeper)
    everything.said += capfd.readouterr()
