"""A worker's process that is killed right before or right after its once-only request."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from airflow_provider_workflows.core.submission.record import KEY
from tests.core.harness import Runner


def killed(runner: Runner, when: Literal["before sending", "after sending"]) -> None:
    """Run an attempt whose process dies between two writes: the intent's and the id's."""
    store = runner.store
    assert store is not None
    write = store.set

    def die(key: str, value: Any, **how: Any) -> None:
        if key == KEY and "id" in value:
            raise KeyboardInterrupt
        write(key, value, **how)
        if key == KEY and when == "before sending":
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "set", die)
        with pytest.raises(KeyboardInterrupt):
            runner.run()
    assert "id" not in store.get(KEY)


def hand_over(runner: Runner, id: Any) -> None:
    """Write an id into the record as a person does in Airflow's pages."""
    assert runner.store is not None
    runner.store.set(KEY, {**(runner.store.get(KEY) or {}), "id": id})
