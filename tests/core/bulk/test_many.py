"""Many records in one task: each exactly once, whatever becomes of answers and processes."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_workflows.core.bulk import record_store
from airflow_provider_workflows.exceptions import (
    InvalidInput,
    LostTrack,
    OutcomeUnknown,
    RecordsRejected,
)
from tests.core.bulk.crowd import Crowd, Killed, Table, check, rows

KINDS = ["marked", "blind", "upsert"]
NAMES = [f"r{number}" for number in range(40)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lasting", [True, False])
def test_each_record_is_sent_once(tmp_path: Path, kind: str, lasting: bool) -> None:
    crowd = Crowd()
    table = Table(crowd, tmp_path, kind=kind, lasting=lasting, concurrency=4)
    summary = table.run(rows(*NAMES))
    assert {name: len(ids) for name, ids in crowd.effects.items()} == dict.fromkeys(NAMES, 1)
    assert summary["done"] == summary["records"] == len(NAMES)
    assert [table.results[line]["id"] for line in range(1, 41)] == [crowd.effects[n][0] for n in NAMES]
    assert crowd.most_under_way <= 4


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_that_ended_well_sends_nothing_when_it_is_cleared(tmp_path: Path, kind: str) -> None:
    crowd = Crowd()
    table = Table(crowd, tmp_path, kind=kind)
    first = table.run(rows(*NAMES))
    crowd.sent.clear()
    assert table.run(rows(*NAMES)) == first
    assert crowd.sent == []


def test_a_rejected_record_stops_no_other_and_fails_the_task(tmp_path: Path) -> None:
    crowd = Crowd({"r3": ["rejected"]})
    table = Table(crowd, tmp_path, kind="marked", key="name", keep=["name"], fields={"name": "name"})
    with pytest.raises(RecordsRejected, match="1 of 40 records were rejected; 39 are done"):
        table.run(rows(*NAMES))
    assert table.results[4] == {
        "line": 4,
        "key": "r3",
        "outcome": "rejected",
        "code": 7,
        "message": "no such customer",
        "kept": {"name": "r3"},
    }
    assert table.ti.xcoms["return_value"]["rejected"] == 1


@pytest.mark.parametrize("most", [1, 0.05])
def test_some_may_be_rejected(tmp_path: Path, most: float) -> None:
    table = Table(Crowd({"r3": ["rejected"]}), tmp_path, kind="marked", max_rejects=most)
    assert table.run(rows(*NAMES))["rejected"] == 1


def test_a_lost_answer_is_looked_up_for_many_at_once(tmp_path: Path) -> None:
    crowd = Crowd({name: ["lost after" if name < "r2" else "lost before"] for name in NAMES})
    table = Table(crowd, tmp_path, kind="marked", concurrency=40)
    assert table.run(rows(*NAMES))["done"] == 40
    assert {len(ids) for ids in crowd.effects.values()} == {1}
    assert max(crowd.looks) > 10


def test_what_cannot_be_found_is_unknown_and_the_others_go_on(tmp_path: Path) -> None:
    crowd = Crowd({"r3": ["lost after"], "r5": ["lost before"]})
    table = Table(crowd, tmp_path, kind="blind")
    with pytest.raises(OutcomeUnknown, match="2 of 40 records may or may not"):
        table.run(rows(*NAMES))
    assert [table.results[line]["outcome"] for line in (4, 5, 6)] == ["unknown", "done", "unknown"]
    assert "Check the list for an entry written" in table.results[4]["message"]
    assert crowd.sent.count("r3") == crowd.sent.count("r5") == 1
    with pytest.raises(OutcomeUnknown):  # a retry does not send them either
        table.run(rows(*NAMES))
    assert len(crowd.sent) == 40


def test_resubmit_sends_again_what_cannot_be_found(tmp_path: Path) -> None:
    crowd = Crowd({"r5": ["lost before"]})
    table = Table(crowd, tmp_path, kind="blind", on_lost_answer="resubmit")
    assert table.run(rows(*NAMES))["done"] == 40
    assert len(crowd.effects["r5"]) == 1


def test_a_refusal_after_a_lost_answer_leaves_the_doubt(tmp_path: Path) -> None:
    crowd = Crowd({"r5": ["lost after", "rejected"]})
    table = Table(crowd, tmp_path, kind="blind", on_lost_answer="resubmit", max_rejects=40)
    with pytest.raises(OutcomeUnknown, match="1 of 40 records"):
        table.run(rows(*NAMES))
    assert table.results[6]["outcome"] == "unknown"
    assert len(crowd.effects["r5"]) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_vendor_that_is_away_for_a_while_costs_nothing(tmp_path: Path, kind: str) -> None:
    crowd = Crowd({name: ["away", "away"] for name in NAMES})
    table = Table(crowd, tmp_path, kind=kind)
    assert table.run(rows(*NAMES))["done"] == 40
    assert {len(ids) for ids in crowd.effects.values()} == {1}


def test_a_vendor_that_stays_away_fails_the_task_for_a_retry(tmp_path: Path) -> None:
    crowd = Crowd({name: ["away"] * 500 for name in NAMES})
    table = Table(crowd, tmp_path, kind="marked", tolerance=100)
    with pytest.raises(LostTrack, match="more than the tolerance"):
        table.run(rows(*NAMES))
    crowd.fates.clear()
    assert table.run(rows(*NAMES))["done"] == 40
    assert {len(ids) for ids in crowd.effects.values()} == {1}


def test_a_record_that_never_gets_an_answer_does_not_hold_up_the_others(tmp_path: Path) -> None:
    crowd = Crowd({"r3": ["away"] * 500})
    table = Table(crowd, tmp_path, kind="marked", tolerance=100, max_rejects=1, concurrency=1)
    assert table.run(rows(*NAMES))["done"] == 39
    assert table.results[4]["message"].startswith("the vendor is down")


def test_rows_with_the_same_upsert_go_one_after_the_other(tmp_path: Path) -> None:
    crowd = Crowd({"same": ["lost before"]})
    table = Table(crowd, tmp_path, kind="upsert")
    assert table.run(rows("same", "other", "same", "same"))["done"] == 4
    assert crowd.sent.count("same") == 4


def test_a_bad_row_is_rejected_by_name(tmp_path: Path) -> None:
    table = Table(
        Crowd(), tmp_path, kind="marked", fields={"name": {"column": "name", "type": "int"}}, max_rejects=1
    )
    assert table.run([{"name": 1}, {"name": "x"}])["rejected"] == 1
    assert "column 'name'" in table.results[2]["message"]


def test_validate_names_the_bad_rows_and_sends_nothing(tmp_path: Path) -> None:
    crowd = Crowd()
    fields = {"name": {"column": "name", "type": "int"}}
    table = Table(crowd, tmp_path, kind="marked", fields=fields, validate=True)
    with pytest.raises(InvalidInput, match="record 2, column 'name'"):
        table.run([{"name": 1}, {"name": "x"}])
    assert crowd.sent == []


def test_changed_input_is_noticed_and_nothing_more_is_sent(tmp_path: Path) -> None:
    crowd = Crowd({"r30": ["killed after"]})
    table = Table(crowd, tmp_path, kind="marked", concurrency=1)
    with pytest.raises(Killed):
        table.run(rows(*NAMES))
    sent = len(crowd.sent)
    with pytest.raises(InvalidInput, match="The input has changed"):
        table.run(rows("new", *NAMES))
    with pytest.raises(InvalidInput, match="The input has changed"):
        table.run(rows(*NAMES[:5]))
    assert len(crowd.sent) == sent
    assert table.run(rows(*NAMES))["done"] == 40


def test_results_of_a_task_that_nobody_knows_are_no_reason_to_send(tmp_path: Path) -> None:
    crowd = Crowd()
    table = Table(crowd, tmp_path, kind="marked")
    table.run(rows(*NAMES))
    table.store.values.clear()
    with pytest.raises(InvalidInput, match="has results of this task already"):
        table.run(rows(*NAMES))
    assert len(crowd.sent) == 40


def test_another_folder_is_noticed(tmp_path: Path) -> None:
    table = Table(Crowd(), tmp_path, kind="marked")
    table.run(rows(*NAMES))
    table.fields["results"] = str(tmp_path / "other")
    with pytest.raises(InvalidInput, match="the results folder has changed"):
        table.run(rows(*NAMES))


def test_a_store_that_fails_ends_the_attempt_and_a_retry_goes_on(tmp_path: Path) -> None:
    crowd = Crowd()
    table = Table(crowd, tmp_path, kind="marked", concurrency=2)
    table.store.dies_at = {3}
    with pytest.raises(ConnectionError):
        table.run(rows(*NAMES))
    assert table.run(rows(*NAMES))["done"] == 40
    assert {len(ids) for ids in crowd.effects.values()} == {1}


@pytest.mark.parametrize("max_rejects", [-1, "x"])
def test_a_bad_parameter_is_named(tmp_path: Path, max_rejects: Any) -> None:
    with pytest.raises(InvalidInput, match="max_rejects must be"):
        Table(Crowd(), tmp_path, kind="marked", max_rejects=max_rejects).run(rows("a"))


def test_a_column_for_what_is_no_argument_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="columns names boi"):
        Table(Crowd(), tmp_path, kind="marked", columns={"boi": "x"}).run(rows("a"))


FATE = st.lists(
    st.sampled_from(["rejected", "away", "lost after", "lost before", "killed after", "killed before"]),
    max_size=3,
)


@settings(max_examples=60)
@given(
    kind=st.sampled_from(KINDS),
    fates=st.dictionaries(st.sampled_from(NAMES[:12]), FATE, max_size=8),
    concurrency=st.integers(1, 6),
    part=st.integers(1, 8),
    lasting=st.booleans(),
    dies_at=st.lists(st.integers(1, 40), max_size=4),
)
def test_whatever_happens_no_record_is_lost_and_none_sent_twice(
    kind: str, fates: dict[str, list[str]], concurrency: int, part: int, lasting: bool, dies_at: list[int]
) -> None:
    crowd = Crowd({name: list(many) for name, many in fates.items()})
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_store, "PART", part)
        table = Table(
            crowd, Path(folder), kind=kind, lasting=lasting, concurrency=concurrency, max_rejects=40
        )
        table.store.dies_at = set(dies_at)
        for _ in range(60):
            try:
                table.run(rows(*NAMES[:12]))
                break
            except (Killed, ConnectionError):
                continue
            except OutcomeUnknown:
                break
        results = table.results
        assert sorted(results) == list(range(1, 13))
        for line, name in enumerate(NAMES[:12], 1):
            check(kind, results[line], crowd.effects.get(name, []))
