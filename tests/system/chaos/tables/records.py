"""A table, the results that its task wrote, and what follows from both; no Airflow is asked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.system.chaos.tally import Effect, TaskOutcome, bare
from tests.system.chaos.vendor import Table, Variant

#: Each record of this number is one that the vendor refuses.
BAD = 10
#: A line of the results, as JSON.
Result = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class TableRecord:
    """
    One record of a table.

    :param line: its number, from 1
    :param tag: of its submission
    :param target: what it moves; empty if it starts something
    :param bad: the vendor refuses it
    """

    line: int
    tag: str
    target: str
    bad: bool


def make_records(run_id: str, *, size: int, targets: Sequence[str], bad: bool = True) -> list[TableRecord]:
    """
    Return the records of a table to come.

    :param run_id: of the run that sends them
    :param size: how many
    :param targets: what they move, or nothing
    :param bad: whether the vendor refuses some
    """
    return [
        TableRecord(
            line=line,
            tag=f"{run_id}.{line}",
            target=targets[line - 1] if targets else "",
            bad=bad and line % BAD == 0,
        )
        for line in range(1, size + 1)
    ]


def write_table(path: Path, table: Table, records: Iterable[TableRecord]) -> None:
    """Write the records as JSON Lines, for a task to read."""
    rows = (
        {
            "tag": record.tag,
            "target": record.target,
            **table.row,
            **(table.bad if record.bad else {}),
            "key": record.tag,
        }
        for record in records
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def read_results(path: Path) -> list[Result]:
    """
    Return the results of all attempts, as they are in the parts beside a table.

    Of two parts with one number, that of the later attempt counts.

    :param path: of the table
    """
    found = sorted(path.with_suffix(".results").rglob("part-*.jsonl"))
    parts = {part.name.split("-")[1]: part for part in found}
    return [json.loads(line) for part in parts.values() for line in part.read_text().splitlines()]


def outcomes(records: Iterable[TableRecord], results: Iterable[Result]) -> list[TaskOutcome]:
    """
    Return what became of each record, in the words for tasks.

    Done is a success, which names what is at the vendor. Unknown is a failure in doubt, rejected is one
    without. What has no result has no state.
    """
    by_key = {result["key"]: result for result in results}
    return [_outcome(record, by_key.get(record.tag)) for record in records]


def _outcome(record: TableRecord, result: Result | None) -> TaskOutcome:
    if result is None:
        return TaskOutcome(tag=record.tag, state=None)
    # The id of a move may be another thing's: that of an OMFlow push is the row's, not the order's.
    id = record.target or result.get("id")
    named = {bare(str(id))} if result["outcome"] == "done" and id is not None else ()
    message = str(result.get("message", ""))
    return TaskOutcome(
        tag=record.tag,
        state="success" if result["outcome"] == "done" else "failed",
        named=frozenset(named),
        doubt=message if result["outcome"] == "unknown" else "",
        error=message,
    )


def with_ids(tasks: Sequence[TaskOutcome], effects: Sequence[Effect]) -> list[TaskOutcome]:
    """
    Return the outcomes, where those done without an id name what they have at the vendor.

    An effect without a tag is that of any of them.
    """
    named = {name for task in tasks for name in task.named}
    tagged = {effect.tag: effect.id for effect in effects if effect.tag is not None}
    free = iter([effect.id for effect in effects if effect.tag is None and effect.id not in named])
    found = []
    for task in tasks:
        if task.state == "success" and not task.named:
            id = tagged.get(task.tag) or next(free, None)
            task = replace(task, named=frozenset(() if id is None else (id,)))
        found.append(task)
    return found


def faults_of(
    records: Sequence[TableRecord],
    results: Sequence[Result],
    summary: Mapping[str, Any] | None,
    *,
    unknown: Collection[int],
) -> list[str]:
    """
    Say in what the results are not as they must be, a phrase each.

    :param records: the table
    :param results: of all attempts
    :param summary: what the task told of them in XCom
    :param unknown: how many records may be in doubt
    """
    found = []
    lines = Counter(result["line"] for result in results)
    missing = {record.line for record in records} - lines.keys()
    twice = [line for line, number in lines.items() if number > 1]
    for what, which in (("no result", sorted(missing)), ("two results", sorted(twice))):
        found += [f"{len(which)} records have {what}, e.g. {which[0]}"] if which else []
    counts = Counter(str(result["outcome"]) for result in results)
    told = {name: number for name, number in (summary or {}).items() if name != "results" and number}
    if told != {"records": len(results), **counts}:
        found.append(f"XCom says {told}, the results {dict(counts)}")
    bad = {record.line for record in records if record.bad}
    good = [one for one in results if one["line"] not in bad and one["outcome"] in ("rejected", "skipped")]
    found += (
        [f"{len(good)} records were {good[0]['outcome']}: {good[0].get('message')}"[:200]] if good else []
    )
    done = [one["line"] for one in results if one["line"] in bad and one["outcome"] == "done"]
    found += [f"{len(done)} records that the vendor refuses are done"] if done else []
    if counts["unknown"] not in unknown:
        example = next((one["message"] for one in results if one["outcome"] == "unknown"), "none")
        found.append(f"{counts['unknown']} records are unknown, e.g. {example}"[:200])
    return found


def targets_of(variant: Variant, records: Iterable[TableRecord]) -> dict[str, str]:
    """What the records of a move are to move: its bare id -> the record's tag."""
    return {bare(record.target): record.tag for record in records} if variant.make else {}
