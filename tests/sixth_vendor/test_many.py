"""A sixth vendor's letters, many in one task, by what says what one letter is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.exceptions import OutcomeUnknown
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.core.bulk.ends import MODES, OfRun, ends_in, result_of, waiting
from tests.core.harness import Clock, Runner
from tests.sixth_vendor.pigeon_post.many import PigeonArrivalManySensor, PigeonSendManyOperator

LETTERS = [{"to": name, "text": "hello"} for name in ("Ada", "Bo", "Cy")]


def sending(folder: Path, **arguments: Any) -> Runner:
    arguments = {"records": LETTERS, "results": str(folder), "key": "to", **arguments}
    runner = Runner(lambda: PigeonSendManyOperator(task_id="send", **arguments))
    runner.ti = OfRun(task_id="send")
    return runner


def sent(loft: SandboxServer) -> int:
    return int(loft.control.effects("pigeon")["sent"])


def test_each_letter_is_sent_once(loft: SandboxServer, tmp_path: Path) -> None:
    runner = sending(tmp_path)
    result = runner.run()
    assert (result["records"], result["done"]) == (3, 3)
    assert set(ends_in(result)) == {"Ada", "Bo", "Cy"}
    assert runner.retry() == result
    assert sent(loft) == 3


def test_a_doubt_about_one_is_left_to_a_person(loft: SandboxServer, tmp_path: Path) -> None:
    loft.control.fault("pigeon", "send", "lost_answer")
    with pytest.raises(OutcomeUnknown, match="1 of 3 records"):
        sending(tmp_path).run()
    assert sent(loft) == 3


@pytest.mark.parametrize("fault", ["lost_answer", "reset_before"])
def test_registered_letters_are_found_by_their_marks(
    loft: SandboxServer, clock: Clock, tmp_path: Path, fault: str
) -> None:
    loft.control.fault("pigeon", "send", fault)
    assert sending(tmp_path, registered=True).run()["done"] == 3
    assert sent(loft) == 3


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_they_arrive(loft: SandboxServer, clock: Clock, tmp_path: Path, mode: dict[str, Any]) -> None:
    started = sending(tmp_path).run()
    result = waiting(PigeonArrivalManySensor, clock, results=started, **mode).run()
    assert (result["runs"], result["succeeded"]) == (3, 3)
    assert result_of(ends_in(result)["Ada"])
