"""What can be waited for at Pigeon Post."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.waiting.condition import Condition, Done, Pending
from airflow_provider_workflows.exceptions import RunFailed

from .api import VENDOR, PigeonApi
from .connection import FORM


@dataclass(frozen=True, kw_only=True)
class LetterArrived(Condition):
    """A letter is where it was to go."""

    letter: str

    hook_class: ClassVar[str] = FORM.hook_class
    of_run: ClassVar[tuple[str, ...]] = ("letter",)

    @property
    def remote_id(self) -> str:
        """The letter's number."""
        return self.letter

    def __str__(self) -> str:
        return f"arrival of letter {self.letter}"

    def check(self, api: PigeonApi) -> Operation[Pending | Done]:
        """
        Look where it is.

        :raises RunFailed: it is lost
        """
        found = yield from api.look(self.letter)
        if found["state"] == "lost":
            raise RunFailed(f"Letter {self.letter} is lost", vendor=VENDOR, operation="look")
        return Done(found["signed_by"]) if found["state"] == "arrived" else Pending(found["state"])
