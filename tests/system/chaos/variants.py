"""The ways in which the matrix submits something: whether it can be found again, and by what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tests.system.chaos.tally import Effect, bare

#: Whether a submission whose answer is lost can be found again: ``always``, ``never``, or ``alone``: only if
#: nothing else was submitted meanwhile.
Found = Literal["always", "never", "alone"]
Mode = Literal["sync", "deferrable", "no-wait"]
WAITING: tuple[Mode, ...] = ("sync", "deferrable", "no-wait")
MOVING: tuple[Mode, ...] = ("no-wait",)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """
    One operator and how it is used.

    :param name: in DAG ids
    :param title: in the table
    :param mount: of the vendor's double
    :param endpoint: of the request that must be sent once
    :param found: whether the vendor can be asked what became of it
    :param tag_field: field of the sandbox's record that holds the submission's tag; None if it takes none
    :param step: of a move: label of the stop that each of its effects passes
    :param modes: in which it waits for an end
    :param repeats: the vendor makes one of two equal requests, so that a second one is no second effect
    :param watches: the task submits nothing: it is a sensor on what the cell has made, see
        :mod:`tests.system.chaos.lifecycle.watched`
    """

    name: str
    title: str
    mount: str
    endpoint: str
    found: Found
    tag_field: str | None = None
    step: tuple[str, ...] = ()
    modes: tuple[Mode, ...] = WAITING
    repeats: bool = False
    watches: bool = False

    @property
    def waits_in(self) -> tuple[Mode, ...]:
        """The modes in which it waits; or that in which it does not, if there is no other."""
        return tuple(mode for mode in self.modes if mode != "no-wait") or self.modes

    @property
    def renews(self) -> bool:
        """Whether a task that is cleared after success has another effect."""
        return not self.repeats and not self.watches

    @property
    def is_tagged(self) -> bool:
        """Whether each request tells which submission it is of."""
        return self.tag_field is not None or bool(self.step)

    def dag_id(self, mode: Mode) -> str:
        return f"{self.name}_{mode.replace('-', '_')}"

    def effects(self, records: Iterable[Mapping[str, Any]], targets: Mapping[str, str]) -> list[Effect]:
        """
        What was done at the vendor, an item for each time that it was.

        :param records: what the sandbox holds
        :param targets: of moves: bare id of what is moved -> tag of the submission that is to move it
        """
        if self.step:
            return [
                Effect(targets.get(bare(record["id"])), bare(record["id"]))
                for record in records
                for stop in record["stops"]
                if stop in self.step
            ]
        return [Effect(self._tag(record["fields"]), bare(record["id"])) for record in records]

    def _tag(self, fields: Mapping[str, str]) -> str | None:
        return None if self.tag_field is None else fields.get(self.tag_field)


OMFLOW, MYBPM, BLIZWORK, ROBUSTA, KIBAN = "omflow-1.2", "mybpm", "blizwork", "robusta", "kiban"

STARTS = (
    Variant(
        name="omflow_keyed",
        title="OMFlow open, run_key_field",
        mount=OMFLOW,
        endpoint="open",
        found="always",
        tag_field="FORMITM_1",
    ),
    Variant(
        name="omflow_plain",
        title="OMFlow open",
        mount=OMFLOW,
        endpoint="open",
        found="never",
        tag_field="FORMITM_1",
    ),
    Variant(
        name="mybpm_unique",
        title="MyBPM upsert, unique_field",
        mount=MYBPM,
        endpoint="upsert",
        found="always",
        tag_field="NUM",
        modes=("no-wait",),
        repeats=True,
    ),
    Variant(
        name="mybpm_once",
        title="MyBPM upsert",
        mount=MYBPM,
        endpoint="upsert",
        found="never",
        tag_field="TEXT",
        modes=("no-wait",),
    ),
    Variant(name="blizwork", title="BlizWork init", mount=BLIZWORK, endpoint="init", found="never"),
    Variant(
        name="robusta", title="Robusta start", mount=ROBUSTA, endpoint="start", found="never", tag_field="tag"
    ),
    Variant(
        name="kiban_keyed",
        title="Kiban start, run_key_field",
        mount=KIBAN,
        endpoint="start",
        found="always",
        tag_field="tag",
    ),
    Variant(
        name="kiban_plain",
        title="Kiban start",
        mount=KIBAN,
        endpoint="start",
        found="alone",
        tag_field="tag",
    ),
)

MOVES = (
    Variant(
        name="omflow_push",
        title="OMFlow push",
        mount=OMFLOW,
        endpoint="push",
        found="always",
        step=("Sign",),
        modes=MOVING,
    ),
    Variant(
        name="blizwork_exec",
        title="BlizWork exec",
        mount=BLIZWORK,
        endpoint="exec",
        found="always",
        step=("sign",),
        modes=MOVING,
    ),
    Variant(
        name="kiban_answer",
        title="Kiban answer",
        mount=KIBAN,
        endpoint="form",
        found="always",
        step=("First", "Second", "Third"),
        modes=MOVING,
    ),
)

#: Of vendors whose operators do not wait: a sensor of theirs, for the cells of those that do. Its endpoint is
#: that of the request that makes what it watches, which no sensor may send.
MYBPM_SENSOR = Variant(
    name="mybpm_watch",
    title="MyBPM field sensor",
    mount=MYBPM,
    endpoint="upsert",
    found="always",
    tag_field="NUM",
    modes=("sync", "deferrable"),
    watches=True,
)
SENSORS = (MYBPM_SENSOR,)

VARIANTS: dict[str, Variant] = {variant.name: variant for variant in (*STARTS, *MOVES)}

#: One way to start something at each vendor, for the cells of many.
MANY = ("omflow_keyed", "mybpm_unique", "blizwork", "robusta", "kiban_keyed")
