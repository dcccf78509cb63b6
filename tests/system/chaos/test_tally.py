"""The figures of the matrix, from what both sides say."""

from __future__ import annotations

import pytest

from tests.system.chaos.bulk_cells import doubts_in
from tests.system.chaos.cell import CellResult
from tests.system.chaos.faults import FAULTS, LOST_ANSWER, THROTTLED, RequestFault
from tests.system.chaos.report import summary, verdict
from tests.system.chaos.request_cells import pause, unexpected
from tests.system.chaos.tally import Effect, Send, Tally, TaskOutcome, bare, tally, tally_untold
from tests.system.chaos.variants import STARTS, VARIANTS
from tests.system.chaos.vendor import Variant


def succeeded(tag: str, *names: str) -> TaskOutcome:
    return TaskOutcome(tag=tag, state="success", named=frozenset(names))


def doubting(tag: str) -> TaskOutcome:
    return TaskOutcome(tag=tag, state="failed", doubt="The request was sent, but no answer arrived")


WELL = ([succeeded("r.0", "7")], [Effect("r.0", "7")], [Send("r.0", 100.0)])


def test_one_task_one_effect_one_request() -> None:
    figures = tally(*WELL, settle=25)
    assert figures == Tally(
        submissions=1,
        effects=1,
        duplicates=0,
        lost=0,
        resubmissions=0,
        silent=0,
        succeeded=1,
        doubting=0,
        strangers=0,
    )


def test_second_effect_is_a_duplicate_and_nobodys() -> None:
    tasks, effects, sends = WELL
    figures = tally(tasks, [*effects, Effect("r.0", "8")], sends, settle=25)
    assert (figures.effects, figures.duplicates, figures.lost) == (2, 1, 1)


def test_success_without_effect_is_lost() -> None:
    assert tally([succeeded("r.0", "7")], [], [], settle=25).lost == 1


@pytest.mark.parametrize(
    ("task", "lost"),
    [
        (doubting("r.0"), 0),
        (TaskOutcome(tag="r.0", state="failed", error="ConnectionFailed: no"), 1),
        (TaskOutcome(tag="r.0", state="failed", named=frozenset({"7"})), 0),
        (doubting("r.1"), 1),
    ],
)
def test_an_effect_needs_a_task_or_a_message_that_names_it(task: TaskOutcome, lost: int) -> None:
    assert tally([task], [Effect("r.0", "7")], [], settle=None).lost == lost


@pytest.mark.parametrize(
    ("times", "settle", "resubmissions", "silent"),
    [
        ([0.0], None, 0, 0),
        ([0.0, 30.0], None, 1, 1),
        ([0.0, 30.0], 25, 1, 0),
        ([0.0, 24.0], 25, 1, 1),
        ([0.0, 30.0, 40.0], 25, 2, 1),
        ([0.0, 1.0], 0, 1, 0),
    ],
)
def test_a_request_may_follow_once_the_one_before_has_settled(
    times: list[float], settle: float | None, resubmissions: int, silent: int
) -> None:
    tasks, effects, _ = WELL
    figures = tally(tasks, effects, [Send("r.0", at) for at in times], settle=settle)
    assert (figures.resubmissions, figures.silent) == (resubmissions, silent)


def test_requests_of_different_submissions_have_nothing_to_do_with_one_another() -> None:
    sends = [Send("r.0", 0.0), Send("r.1", 1.0)]
    assert tally([], [], sends, settle=25).resubmissions == 0


def test_task_that_holds_a_siblings_run_is_a_stranger_there() -> None:
    tasks = [succeeded("r.0", "7"), succeeded("r.1", "7")]
    figures = tally(tasks, [Effect("r.0", "7"), Effect("r.1", "8")], [], settle=25)
    assert (figures.strangers, figures.lost) == (1, 1)


def test_untold_effects_are_counted_for_the_cell() -> None:
    tasks = [succeeded("r.0", "1"), doubting("r.1")]
    effects = [Effect(None, "1"), Effect(None, "2")]
    assert tally_untold(tasks, effects, sends=2).lost == 0
    more = tally_untold(tasks, [*effects, Effect(None, "3")], sends=3)
    assert (more.duplicates, more.lost, more.resubmissions, more.silent) == (1, 1, 1, 1)
    assert tally_untold(tasks, effects, sends=3, excused=1).silent == 0
    assert tally_untold([succeeded("r.0", "9")], [Effect(None, "1")], sends=1).lost == 2
    assert tally_untold([succeeded("r.0", "1"), succeeded("r.1", "1")], effects, sends=2).strangers == 1


def test_bare_ids() -> None:
    assert [bare(name) for name in ("short/7", "7", "a/b/c")] == ["7", "7", "c"]


def test_effects_of_moves_are_the_passes_of_the_step() -> None:
    records = [
        {"id": "signing/1", "stops": ["Sign", "Sign"], "fields": {}},
        {"id": "signing/2", "stops": ["Other"], "fields": {}},
    ]
    effects = VARIANTS["omflow_push"].effects(records, {"1": "r.0", "2": "r.1"})
    assert effects == [Effect("r.0", "1"), Effect("r.0", "1")]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("times", [1, 5, 20])
def test_strikes_share_the_submissions(fault: RequestFault, times: int) -> None:
    assert sum(share for _, share in fault.shares(times)) == times


@pytest.mark.parametrize("variant", STARTS, ids=lambda variant: variant.name)
def test_what_cannot_be_found_may_not_be_sent_again_unless_refused(variant: Variant) -> None:
    assert (pause(variant, LOST_ANSWER) is None) == (variant.found == "never")
    assert pause(variant, THROTTLED) == 0


def test_expectations_follow_what_can_be_found() -> None:
    tasks, effects, sends = WELL
    well = tally(tasks, effects, sends, settle=25)
    in_doubt = tally([doubting("r.0")], effects, sends, settle=None)
    keyed, plain = VARIANTS["omflow_keyed"], VARIANTS["omflow_plain"]
    assert unexpected(keyed, LOST_ANSWER, well, tasks, struck=1) == []
    assert unexpected(plain, LOST_ANSWER, in_doubt, [doubting("r.0")], struck=1) == []
    assert unexpected(plain, LOST_ANSWER, well, tasks, struck=1) != []
    assert unexpected(keyed, LOST_ANSWER, in_doubt, [doubting("r.0")], struck=1) != []
    assert unexpected(plain, THROTTLED, in_doubt, [doubting("r.0")], struck=1) != []


def result(figures: Tally | None, *, control: bool = False, confirmed: int = 1) -> CellResult:
    return CellResult(
        fault="lost",
        vendor="OMFlow",
        mode="sync",
        tally=figures,
        ordered=1,
        confirmed=confirmed,
        seconds=1.0,
        control=control,
    )


def test_verdicts() -> None:
    tasks, effects, sends = WELL
    well = tally(tasks, effects, sends, settle=25)
    twice = tally(tasks, [*effects, Effect("r.0", "8")], sends, settle=25)
    assert verdict(result(well)) == "ok"
    assert verdict(result(twice)) == "1 duplicates; 1 lost"
    assert verdict(result(well, confirmed=0)) == "1 faults not confirmed"
    assert verdict(result(twice, control=True)) == "shows duplicates"
    assert not result(well, control=True).passed
    assert not result(None).passed
    lines = summary([result(well), result(twice, control=True)])
    assert lines[0].startswith("1 submissions in 1 cells: 0 duplicates, 0 lost, 0 silent")
    assert lines[-1] == "Every row is as it must be."


def test_doubts_in_the_output_of_dag_test() -> None:
    log = """
2026 [info] [DAG TEST] starting task_id=submit map_index=0 [airflow.sdk]
2026 [info] [DAG TEST] end task task_id=submit map_index=0
2026 [info] [DAG TEST] starting task_id=submit map_index=1 [airflow.sdk]
some.module.OutcomeUnknown: The request was sent, but no answer arrived
"""
    assert doubts_in(log) == {1: "The request was sent, but no answer arrived"}
