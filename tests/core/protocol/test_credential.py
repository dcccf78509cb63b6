"""A call whose credential is refused: how often it is sent, and what is said of the credential."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.operation import Operation, Renew, Sleep
from airflow_provider_workflows.core.protocol.retry import with_credential


def sending(credential: str) -> Operation[str]:
    """Use the credential; any step will do."""
    yield Sleep(0)
    return credential


def drive(given: list[str], good: set[str]) -> tuple[Any, list[str | None]]:
    """
    Return the result and what was asked for.

    :param given: what each question for a credential is answered with
    :param good: which credentials the vendor takes
    """
    operation = with_credential(sending, lambda credential: credential not in good)
    answers, answer = iter(given), None
    asked: list[str | None] = []
    while True:
        try:
            step = operation.send(answer)
        except StopIteration as end:
            assert next(answers, None) is None, "fewer questions than expected"
            return end.value, asked
        answer = None
        if isinstance(step, Renew):
            asked.append(step.rejected)
            answer = next(answers)


@pytest.mark.parametrize(
    ("given", "good", "last", "still_good"),
    [
        (["a"], {"a"}, "a", False),
        (["a", "b"], {"b"}, "b", False),
        (["a", "a"], set(), "a", True),
        (["a", "b", "c"], {"c"}, "c", False),  # b was a sibling's, and void already
        (["a", "b", "b"], set(), "b", True),
        (["a", "b", "c"], set(), "c", False),
    ],
    ids=["good", "expired", "not its fault", "renewed twice", "not its fault after all", "all refused"],
)
def test_each_refused_credential_is_handed_back_until_enough_were_tried(
    given: list[str], good: set[str], last: str, still_good: bool
) -> None:
    result, asked = drive(given, good)
    assert result == (last, still_good)
    assert asked == [None, *given[:-1]]
