"""
The question about a request in doubt, for one of Airflow's Required Actions, and the answer to it.

Airflow keeps the first text of a question for the task in its DAG run, through retries and Clears. So the
text fits every doubt of the task. What is particular goes into the log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.exceptions import InvalidInput, one_line

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.core.submission.effect import Words
    from airflow_provider_workflows.core.submission.record import Answer, Verdict
    from airflow_provider_workflows.core.submission.terms import OnAskTimeout

THERE = "It is there"
NOT_THERE = "It is not there, send it"
GIVE_UP = "Give up"
VERDICTS: Mapping[str, Verdict] = {THERE: "there", NOT_THERE: "not there", GIVE_UP: "give up"}
#: What an answer is taken to be when nobody has given one in time.
AT_TIMEOUT: Mapping[str, Verdict] = {"fail": "give up", "accept": "there", "resubmit": "not there"}
#: The field for the id.
FIELD = "id"
#: Characters of an id, and of a name.
LONGEST = 500
#: What has a meaning in Markdown.
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~])")


@dataclass(frozen=True, kw_only=True)
class Question:
    """
    A question about a doubt.

    :param subject: its headline
    :param body: its text, in Markdown
    :param id: what the person may enter, such as ``its number``; empty if nothing
    """

    subject: str
    body: str
    id: str = ""

    @property
    def params(self) -> dict[str, dict[str, Any]]:
        """The form's field. One that must be filled would lock every answer, so it may be left empty."""
        from airflow.sdk import Param

        if not self.id:
            return {}
        about = f"{self.id[:1].upper()}{self.id[1:]}, if it is there"
        field = Param(None, type=["null", "string"], title="Id", description=about, maxLength=LONGEST)
        return {FIELD: field.serialize()}


def question_about(words: Words, *, asks_id: bool, which: str) -> Question:
    """
    Return the question about one request.

    :param asks_id: whether the task cannot go on with a run without its id
    :param which: of which task: its run and, if mapped, its label
    """
    noun, vendor = _plain(words.noun), _plain(words.vendor)
    look_in, look_for = _plain(words.look_in), _plain(words.look_for)
    mark = f", with the mark that the log names in {_plain(words.mark_in)}" if words.mark_in else ""
    entered = f"Enter {words.id}; without it, you are asked again. " if asks_id else ""
    return Question(
        subject=f"Did {words.vendor} {words.verb} {one_line(words.noun, LONGEST)}? ({which})",
        body=(
            f"{vendor} was asked to {words.verb} {noun}, and the answer was lost. "
            f"{vendor} may or may not have {words.participle} it.\n\n"
            f"**What to do:** check {look_in} for {look_for} around the time that the log names{mark}.\n\n"
            f"- **{THERE}**: {entered}Airflow checks it with {vendor}, and the task goes on with it.\n"
            f"- **{NOT_THERE}**: Airflow looks once more, and sends the request again.\n"
            f"- **{GIVE_UP}**: the task fails. Clear it to be asked again.\n\n"
            "The last lines of the task's log name the time, the mark and the link, and say why an answer "
            "was not accepted. Airflow keeps this text when you are asked again; if the log says something "
            "else, the log is right."
        ),
        id=words.id if asks_id else "",
    )


def _plain(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return _MARKUP.sub(r"\\\1", one_line(text, LONGEST))


def which_task(context: Context) -> str:
    """Return what tells a task instance from others: its run and, if it is mapped, its label."""
    ti: Any = context["ti"]
    if ti.map_index is None or ti.map_index < 0:
        return f"run {ti.run_id}"
    label = getattr(ti, "rendered_map_index", None) or _rendered_label(context) or ti.map_index
    return f"run {ti.run_id}, {one_line(str(label), LONGEST)}"


def _rendered_label(context: Context) -> str | None:
    """Return the task's ``map_index_template``, rendered; Airflow itself does that only at the task's end."""
    task: Any = context["ti"].task if hasattr(context["ti"], "task") else None
    try:
        return (
            str(task.render_template(task.map_index_template, context)) if task.map_index_template else None
        )
    except Exception:
        return None


def read_answer(event: object, *, at_timeout: OnAskTimeout) -> Answer:
    """
    Return the answer that Airflow hands over, checked: its API accepts any input.

    :param at_timeout: what to do if nobody has answered in time
    """
    from airflow_provider_workflows.core.submission.record import Answer

    if not isinstance(event, Mapping):
        return Answer(verdict=None, problem="Airflow handed over no answer")
    if "error" in event:
        if event.get("error_type") == "timeout":
            return Answer(verdict=AT_TIMEOUT[at_timeout])
        return Answer(
            verdict=None, problem=f"Airflow refused the answer: {one_line(str(event['error']), LONGEST)}"
        )
    user = event.get("responded_by_user")
    by, at = _name(user), event.get("responded_at")
    try:
        verdict = _verdict(event.get("chosen_options"))
        id = _id(event.get("params_input"), verdict)
    except InvalidInput as error:
        return Answer(verdict=None, by=by, at=_date(at), problem=error.message)
    return Answer(verdict=verdict, id=id, by=by, at=_date(at))


def _verdict(chosen: object) -> Verdict:
    known = ", ".join(map(repr, VERDICTS))
    if not isinstance(chosen, Sequence) or isinstance(chosen, str) or len(chosen) != 1:
        raise InvalidInput(f"The answer must be one of {known}, got {chosen!r:.200}")
    if (verdict := VERDICTS.get(str(chosen[0]))) is None:
        raise InvalidInput(f"The answer must be one of {known}, got {chosen[0]!r:.200}")
    return verdict


def _id(given: object, verdict: Verdict) -> str | None:
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        raise InvalidInput(f"The answer's fields must be a mapping, got {given!r:.200}")
    value = given.get(FIELD)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str) or len(value) > LONGEST or not value.strip().isprintable():
        raise InvalidInput(f"The id in the answer must be a short text, got {value!r:.200}")
    if verdict != "there":
        raise InvalidInput(f"The answer has the id {value.strip()!r}, but it is not {THERE!r}")
    return value.strip()


def _name(user: object) -> str:
    """Return who answered, by the name and id that Airflow knows."""
    known = user if isinstance(user, Mapping) else {}
    name, id = (
        one_line(str(known.get(key) or getattr(user, key, None) or ""), LONGEST) for key in ("name", "id")
    )
    return name if name == id or not id else f"{name} ({id})".strip()


def _date(at: object) -> str:
    return at.isoformat() if isinstance(at, datetime) else one_line(str(at or ""), LONGEST)
