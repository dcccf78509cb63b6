"""
Records in doubt about which a person is asked: the list for the person, the question, and the answer.

The answer holds for all of them. It changes the parts in the results folder, so that the attempt that follows
finds each record done or unsent, and goes on as any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.core.bulk.earlier import read_numbers, save_numbers, stored_numbers
from airflow_provider_workflows.core.bulk.table.results import Counts, Outcome, RecordResult, ResultsFolder
from airflow_provider_workflows.core.tasks.question import GIVE_UP, NOT_THERE, THERE, Question

if TYPE_CHECKING:
    from airflow_provider_workflows.core.runtime.task_state import TaskState
    from airflow_provider_workflows.core.submission.record import Answer

#: The list's name in the results folder, without ``.json``.
LIST = "in-doubt"


def write_list(folder: ResultsFolder) -> str:
    """Write the records in doubt into the results folder, and return the list's address."""
    doubts = [one.to_json() for one in folder.read() if one.outcome is Outcome.UNKNOWN]
    folder.write_note(LIST, {"records": doubts})
    return f"{folder.url}/{LIST}.json"


def question_about_all(vendor: str, address: str, *, which: str) -> Question:
    """
    Return the question about all records in doubt.

    :param address: of the list
    :param which: of which task
    """
    return Question(
        subject=f"Has {vendor} done what the records in doubt say? ({which})",
        body=(
            f"The answers of {vendor} to some requests were lost. They may or may not have taken effect.\n\n"
            f"**What to do:** the file `{address}` lists the records. Each says what to look for.\n\n"
            f"- **{THERE}**: all of them took effect. They count as done, without an id.\n"
            f"- **{NOT_THERE}**: none of them took effect. Airflow sends them all again.\n"
            f"- **{GIVE_UP}**: the task fails. Clear it to be asked again.\n\n"
            "If some took effect and others did not, give up, and send those in a table of their own. "
            "The last lines of the task's log say how many there are, and why an answer was not accepted."
        ),
    )


def act_on_answer(state: TaskState, folder: ResultsFolder, answer: Answer, *, target: str) -> None:
    """
    Change the results in doubt as a person has answered, before an attempt begins.

    First the numbers are set back, so that every attempt counts the parts anew, and begins again with the
    first record in doubt. So each part may be written before or after the process dies.

    :param target: as for :class:`~.record_store.RecordStore`
    :raises InvalidInput: the numbers cannot be read, or do not fit to the task
    """
    stored = stored_numbers(state, folder)
    parts = {name: list(folder.read([name])) for name in folder.parts() if _in_doubt(folder.read([name]))}
    if stored is None or not parts or answer.verdict not in ("there", "not there"):
        return
    numbers = read_numbers(stored, folder, target=target)
    first = min(one.line for results in parts.values() for one in results if one.outcome is Outcome.UNKNOWN)
    set_back = replace(numbers, low=min(numbers.low, first - 1), first=1, part=0, counts=Counts())
    save_numbers(state, folder, set_back)
    for name, results in parts.items():
        folder.rewrite(name, _answered(results, answer))
    folder.write_note(LIST, {**(folder.read_note(LIST) or {}), "answer": answer.to_json()})


def _in_doubt(results: Iterable[RecordResult]) -> bool:
    return any(one.outcome is Outcome.UNKNOWN for one in results)


def _answered(results: Iterable[RecordResult], answer: Answer) -> list[RecordResult]:
    """Return the results with those in doubt done, or without them."""
    message = f"{answer.by or 'ask_timeout'}: it is there"
    done: dict[str, Any] = {"outcome": Outcome.DONE, "code": None, "message": message}
    return [
        replace(one, **done) if one.outcome is Outcome.UNKNOWN else one
        for one in results
        if one.outcome is not Outcome.UNKNOWN or answer.verdict == "there"
    ]
