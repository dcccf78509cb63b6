"""Accounts for every run: what Airflow says of it, and what is at the vendors."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.system.chaos.airflow_reader import decoded
from tests.system.chaos.tables.records import faults_of, outcomes, targets_of
from tests.system.chaos.tally import Effect, Send, Tally, TaskOutcome, bare, tally, tally_untold
from tests.system.chaos.variants import VENDORS
from tests.system.chaos.vendor import Variant
from tests.system.soak.load import Job
from tests.system.soak.plan import ARRIVALS, ENDS, WAITS
from tests.system.soak.site import PREFIX, Side, Site

ENDED = ("success", "failed")
#: A record's process, where the sandbox tells submissions of tasks by nothing else.
UNTOLD = "short"


@dataclass
class Account:
    """
    What a soak comes to.

    :param figures: counts, by what they count
    :param problems: what is not as it must be, a line each
    """

    figures: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def account(site: Site, jobs: Sequence[Job]) -> Account:
    """
    Count, once all runs have ended and no effect can come any more.

    :param site: where they ran
    :param jobs: all runs
    """
    found = Account()
    held = _Held(site)
    groups: dict[str, list[tuple[Job, list[TaskOutcome]]]] = defaultdict(list)
    for job in jobs:
        state = site.reader.run_state(job.dag_id, job.run_id)
        found.figures["DAG runs"] += 1
        if state not in ENDED:
            found.problems.append(f"{job.dag_id} {job.run_id} has not ended: {state}")
        elif job.variant is None:
            _waited(site, job, str(state), found)
        else:
            tasks = _submitted(site, job, found)
            groups[job.variant.name].append((job, tasks))
    for group in groups.values():
        _settle(held, group, found)
    for variant in (*site.keyed.variants, *site.plain.variants):
        if variant.is_tagged:
            _strangers(held, variant, groups, found)
    _feeds(site, held, found)
    return found


class _Held:
    """What the sandboxes hold, asked once for each vendor."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._records: dict[tuple[int, str], list[dict[str, Any]]] = {}
        self._sent: dict[tuple[int, str], list[dict[str, Any]]] = {}

    def records(self, side: Side, mount: str) -> list[dict[str, Any]]:
        key = (id(side), mount)
        if key not in self._records:
            self._records[key] = self._site.context("", mount, side).control.records(mount)
        return self._records[key]

    def effects(self, variant: Variant, targets: Mapping[str, str]) -> list[Effect]:
        side = self._site.side(variant)
        records = self.records(side, variant.mount)
        if variant.is_tagged:
            return [one for one in variant.effects(records, targets) if one.tag is not None]
        return variant.effects((one for one in records if one["id"].startswith(f"{UNTOLD}/")), targets)

    def sends(self, variant: Variant) -> list[Send]:
        side = self._site.side(variant)
        key = (id(side), variant.mount)
        if key not in self._sent:
            self._sent[key] = self._site.context("", variant.mount, side).control.sent(variant.mount)
        return [Send(one["tag"], one["at"]) for one in self._sent[key] if one["endpoint"] == variant.endpoint]


def _submitted(site: Site, job: Job, found: Account) -> list[TaskOutcome]:
    """How the submissions of a run ended, each in one of the ways in which it may."""
    variant = job.variant
    assert variant is not None
    if job.table is not None:
        found.figures["records of tables"] += len(job.table.records)
        results = job.table.results()
        unknown = range(1 if variant.found == "always" else len(results) + 1)
        wrong = faults_of(job.table.records, results, job.table.summary(), unknown=unknown)
        tasks = outcomes(job.table.records, results)
    else:
        tasks = site.reader.outcomes(job.dag_id, job.run_id)
        found.figures["submissions of tasks"] += len(tasks)
        wrong = [
            f"task {task.tag} is {task.state}: {task.error or task.doubt}"[:300]
            for task in tasks
            if task.state != "success" and (variant.found == "always" or not task.doubt)
        ]
    found.problems += [f"{job.dag_id} {job.run_id}: {text}" for text in wrong]
    return tasks


def _settle(held: _Held, group: Sequence[tuple[Job, list[TaskOutcome]]], found: Account) -> None:
    """Count the submissions of a variant on both sides."""
    variant = group[0][0].variant
    assert variant is not None
    tasks = [task for _, tasks in group for task in tasks]
    targets: dict[str, str] = {}
    for job, _ in group:
        targets |= {bare(one): f"{job.run_id}.{index}" for index, one in enumerate(job.targets)}
        targets |= targets_of(variant, job.table.records) if job.table is not None else {}
    effects = held.effects(variant, targets)
    if variant.is_tagged:
        wanted = {task.tag for task in tasks}
        effects = [one for one in effects if one.tag in wanted]
        sends = [one for one in held.sends(variant) if one.tag in wanted]
        counted = tally(tasks, effects, sends, settle=None)
    else:
        counted = tally_untold(tasks, effects, sends=len(tasks))
    _add(variant, counted, found)


def _add(variant: Variant, counted: Tally, found: Account) -> None:
    for name in ("effects", "succeeded", "duplicates", "lost", "strangers"):
        found.figures[name] += getattr(counted, name)
    found.figures["in doubt"] += counted.doubting
    found.figures["refused"] += counted.submissions - counted.succeeded - counted.doubting
    for name in ("duplicates", "lost", "strangers"):
        if number := getattr(counted, name):
            found.problems.append(f"{variant.title}: {number} {name}")


def _strangers(
    held: _Held,
    variant: Variant,
    groups: Mapping[str, Sequence[tuple[Job, list[TaskOutcome]]]],
    found: Account,
) -> None:
    """Whether something is at the vendor that no run has submitted."""
    known = {task.tag for group in groups.values() for _, tasks in group for task in tasks}
    nobodys = [one for one in held.effects(variant, {}) if one.tag not in known]
    if nobodys:
        found.problems.append(f"{variant.title}: {len(nobodys)} effects of nobody, e.g. {nobodys[0]}")


def _waited(site: Site, job: Job, state: str, found: Account) -> None:
    """Every sensor must have seen the end."""
    tasks = site.reader.outcomes(job.dag_id, job.run_id)
    found.figures["deferred waits"] += len(tasks)
    bad = [task for task in tasks if task.state != "success"]
    if state != "success" or len(tasks) != WAITS:
        example = bad[0].error if bad else ""
        found.problems.append(
            f"{job.dag_id} {job.run_id} is {state}: {len(bad)} of {len(tasks)}: {example}"[:300]
        )


def _feeds(site: Site, held: _Held, found: Account) -> None:
    """Every arrival and every end must have started a run."""
    omflow, kiban = (held.records(site.waits, VENDORS[name].mount) for name in ("omflow", "kiban"))
    _compare(site, ARRIVALS, "data_no", _ids(omflow, "FORMITM_1"), found)
    ended = [one for one in kiban if one["state"] == "finished"]
    _compare(site, ENDS, "execution_id", _ids(ended, "tag"), found)


def _ids(records: Iterable[Mapping[str, Any]], tag_field: str) -> set[str]:
    return {bare(one["id"]) for one in records if one["fields"].get(tag_field, "").startswith(PREFIX)}


def _compare(site: Site, dag_id: str, key: str, wanted: set[str], found: Account) -> None:
    told = [str(one[key]) for one in told_to(site, dag_id)]
    found.figures["occurrences of feeds"] += len(wanted)
    found.figures["occurrences told again"] += len(told) - len(set(told))
    if missing := wanted - set(told):
        found.problems.append(
            f"{dag_id}: {len(missing)} of {len(wanted)} never started a run, e.g. {min(missing)}"
        )


def told_to(site: Site, dag_id: str) -> list[Mapping[str, Any]]:
    """What the successful runs of a feed's DAG were started for."""
    query = (
        "SELECT x.value FROM xcom x JOIN task_instance t ON t.dag_id = x.dag_id AND t.run_id = x.run_id "
        "AND t.task_id = x.task_id "
        "WHERE x.dag_id = :dag_id AND x.key = 'return_value' AND t.state = 'success'"
    )
    return [one for (value,) in site.reader.rows(query, dag_id=dag_id) for one in decoded(value)]
