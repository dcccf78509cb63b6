"""Many records in one task, which is struck where it hurts: killed, overtaken, out of time, out of disk."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from airflow_provider_workflows.core.bulk import record_store
from airflow_provider_workflows.core.bulk.progress import Progress
from airflow_provider_workflows.core.bulk.table.results import ResultsFolder
from airflow_provider_workflows.core.runtime.storage import storage_path
from airflow_provider_workflows.core.runtime.task_state import TaskState
from airflow_provider_workflows.core.submission.record import StoreFailed
from airflow_provider_workflows.core.submission.terms import current, options
from airflow_provider_workflows.exceptions import InvalidInput, OutcomeUnknown, TemporaryError
from tests.core.bulk import crowd as crowd_module
from tests.core.bulk.crowd import Crowd, Entry, Killed, MortalStore, SwiftClock, Table, TimedOut, check, rows
from tests.core.harness import TaskInstance

KINDS = ["marked", "blind", "upsert"]
NAMES = [f"r{number}" for number in range(40)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", ["r3", "r30"])
def test_a_killed_task_does_not_end_as_if_all_were_done(tmp_path: Path, kind: str, at: str) -> None:
    crowd = Crowd()
    table = Table(crowd, tmp_path, kind=kind, concurrency=2)
    crowd.at[at] = lambda: table.task.on_kill()
    with pytest.raises(TemporaryError, match="killed before"):
        table.run(rows(*NAMES))
    assert len(crowd.sent) < 40
    assert table.run(rows(*NAMES))["done"] == 40
    assert {len(ids) for ids in crowd.effects.values()} == {1}
    assert len(crowd.sent) == 40


def test_a_lead_of_records_that_ended_before_a_kill_does_not_stop_the_next_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_store, "LEAD", 4)
    monkeypatch.setattr(record_store, "HEARTBEAT", 0.1)
    crowd = Crowd()
    table = Table(crowd, tmp_path, kind="marked")
    at_first: dict[str, str] = {}
    crowd.at["r0"] = lambda: at_first.update(table.store.values)
    table.run(rows(*NAMES[:4]))
    table.store.values |= at_first  # as if killed after the part was written and before that was noted
    assert table.run(rows(*NAMES[:6]))["done"] == 6
    assert len(crowd.sent) == 6


def test_a_part_that_an_overtaken_attempt_wrote_late_does_not_count(tmp_path: Path) -> None:
    crowd = Crowd()
    table = Table(crowd, tmp_path, kind="marked")
    table.store.dies_if = lambda numbers: numbers["part"] == 1
    with pytest.raises(ConnectionError):
        table.run(rows(*NAMES))
    table.store.dies_if = None
    (late,) = tmp_path.rglob("part-*")
    text = late.read_text()
    late.unlink()  # as if it was still being uploaded when the next attempt listed the folder
    assert table.run(rows(*NAMES))["done"] == 40
    late.write_text(text)
    assert [table.results[line]["id"] for line in range(1, 41)] == [crowd.effects[n][0] for n in NAMES]
    assert table.run(rows(*NAMES))["records"] == 40
    assert len(crowd.sent) == 40


class TestNewest:
    """An attempt counts as the newest only for a while after a save that proves it."""

    @pytest.fixture
    def clock(self) -> Iterator[SwiftClock]:
        with options(clock=SwiftClock(), settle=60.0):
            assert isinstance(current.clock, SwiftClock)
            yield current.clock

    @pytest.fixture
    def state(self) -> MortalStore:
        return MortalStore()

    @pytest.fixture
    def records(self, clock: SwiftClock, state: MortalStore, tmp_path: Path) -> record_store.RecordStore:
        folder = ResultsFolder(storage_path(str(tmp_path / "results"), "results"))
        task_state = TaskState({"ti": TaskInstance(), "task_state_store": state})
        return record_store.RecordStore(task_state, folder, target="x")

    def test_not_after_it_has_stood_still(self, records: record_store.RecordStore, clock: SwiftClock) -> None:
        records.open()
        records.check_recent()
        clock.now += 60
        with pytest.raises(TemporaryError, match="not certain"):
            records.check_recent()

    def test_not_by_an_answer_that_came_late(
        self, records: record_store.RecordStore, clock: SwiftClock, state: MortalStore
    ) -> None:
        def late(numbers: object) -> bool:
            clock.now += 60
            return False

        state.dies_if = late
        records.open()
        with pytest.raises(TemporaryError, match="not certain"):
            records.check_recent()

    def test_nor_for_what_may_be_repeated(
        self, records: record_store.RecordStore, clock: SwiftClock, state: MortalStore
    ) -> None:
        async def go_on() -> None:
            records.open()
            records.begin(1, "")
            writing = asyncio.create_task(records.keep_writing())
            await records.reach(1)
            await records.reach(2)
            clock.now += 60
            state.dead = True  # as a store is for an attempt that another has followed
            with pytest.raises(StoreFailed):
                await records.reach(2)
            await writing

        asyncio.run(go_on())


@pytest.mark.parametrize(
    "changed", [{"fields": {"name": "other"}}, {"columns": {"form": "other"}}, {"key": "other"}]
)
def test_another_request_for_the_same_rows_is_noticed(tmp_path: Path, changed: dict[str, Any]) -> None:
    crowd = Crowd({"r1": ["killed after"]})
    table = Table(crowd, tmp_path, kind="upsert", fields={"name": "name"}, columns={"form": "name"})
    table_rows = [{"name": name, "other": f"x{name}"} for name in NAMES]
    with pytest.raises(Killed):
        table.run(table_rows)
    table.fields |= changed
    sent = len(crowd.sent)
    with pytest.raises(InvalidInput, match="what is sent has changed"):
        table.run(table_rows)
    assert len(crowd.sent) == sent


def test_an_effect_that_fails_in_an_unexpected_way_stops_no_other_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fussy(Entry):
        def __init__(self, name: str, kind: str) -> None:
            super().__init__(name, kind)
            if name == "r3":
                raise KeyError(name)

    monkeypatch.setattr(crowd_module, "Entry", Fussy)
    crowd = Crowd()
    table = Table(crowd, tmp_path, kind="marked", max_rejects=1)
    summary = table.run(rows(*NAMES))
    assert (summary["done"], summary["rejected"]) == (39, 1)
    assert table.results[4]["message"] == "Nothing was sent: the row cannot be used (KeyError: 'r3')"


def test_a_timeout_that_strikes_the_progress_ends_the_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def struck(self: Progress) -> None:
        raise TimedOut

    monkeypatch.setattr(Progress, "keep_telling", struck)
    crowd = Crowd()
    with pytest.raises(TimedOut):
        Table(crowd, tmp_path, kind="marked").run(rows(*NAMES))


class FullStorage(MemoryFileSystem):  # type: ignore[misc]
    """
    An object storage that fails now and then.

    :param fails_at: numbers of writes that fail: before the object is there, or after it
    """

    cachable = False

    def __init__(self, fails_at: Mapping[int, str]) -> None:
        super().__init__()
        self.fails_at = fails_at
        self.writes = 0

    def open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        if mode != "wb":
            return super().open(path, mode, **kwargs)
        self.writes += 1
        return Upload(self, path, self.fails_at.get(self.writes))


class Upload(BytesIO):
    """An object that appears when it is closed."""

    def __init__(self, storage: FullStorage, path: str, fails: str | None) -> None:
        super().__init__()
        self._storage, self._path, self._fails = storage, path, fails

    def close(self) -> None:
        if self.closed:
            return
        data = self.getvalue()
        super().close()
        if self._fails != "before":
            with MemoryFileSystem.open(self._storage, self._path, "wb") as file:
                file.write(data)
        if self._fails:
            raise OSError("the storage is full")


FATE = st.lists(
    st.sampled_from(["rejected", "away", "lost after", "lost before", "killed after", "killed before"]),
    max_size=2,
)
SOME = st.sets(st.integers(1, 30), max_size=2)


def strike(number: int, frame: object) -> None:
    raise TimedOut


@settings(max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    kind=st.sampled_from(KINDS),
    fates=st.dictionaries(st.sampled_from(NAMES[:8]), FATE, max_size=4),
    concurrency=st.integers(1, 5),
    part=st.integers(1, 6),
    dies_at=SOME,
    strikes_at=SOME,
    overtaken_at=SOME,
    fails_at=st.dictionaries(st.integers(1, 30), st.sampled_from(["before", "after"]), max_size=2),
)
def test_whatever_strikes_no_record_is_lost_and_none_sent_twice(
    kind: str,
    fates: dict[str, list[str]],
    concurrency: int,
    part: int,
    dies_at: set[int],
    strikes_at: set[int],
    overtaken_at: set[int],
    fails_at: dict[int, str],
) -> None:
    names = NAMES[:8]
    crowd = Crowd({name: list(many) for name, many in fates.items()})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_store, "PART", part)
        attach("memory", fs=FullStorage(fails_at))
        before = signal.signal(signal.SIGALRM, strike)
        table = Table(crowd, "memory://results", kind=kind, concurrency=concurrency, max_rejects=8)
        table.store.dies_at = dies_at
        # While one attempt overtakes another, a signal would not strike the one that works.
        table.store.strikes_at = set() if overtaken_at else strikes_at
        crowd.before = {number: lambda: table.overtake(rows(*names)) for number in overtaken_at}
        try:
            for _ in range(60):
                try:
                    table.run(rows(*names))
                    break
                except (Killed, ConnectionError, TimedOut, TemporaryError):
                    continue
                except OutcomeUnknown:
                    break
            results = table.results
            assert sorted(results) == list(range(1, 9))
            for line, name in enumerate(names, 1):
                check(kind, results[line], crowd.effects.get(name, []))
        finally:
            signal.signal(signal.SIGALRM, before)
            MemoryFileSystem.store.clear()
            MemoryFileSystem.pseudo_dirs[:] = [""]
