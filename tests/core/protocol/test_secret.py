"""Text that does not show itself, and is text like any other all the same."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.core.protocol.body import encode_json
from airflow_provider_workflows.core.protocol.secret import Secret, concealed


@pytest.mark.parametrize(
    "holder",
    [
        Secret("hunter2"),
        Secret("hunter2")[:6],
        {"Authorization": Secret("hunter2")},
        (Secret("hunter2"), [Secret("hunter2")]),
        concealed({"https": "hunter2", "more": ["hunter2", ("hunter2", 1)]}),
    ],
)
def test_it_does_not_show_itself(holder: object) -> None:
    assert "hunter" not in repr(holder)
    assert "***" in repr(holder)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_it_is_text_like_any_other(text: str) -> None:
    secret = Secret(text)
    assert (secret, str(secret), f"{secret}", hash(secret)) == (text, text, text, hash(text))
    assert json.loads(json.dumps({secret: secret})) == {text: text}
    assert json.loads(encode_json(json.loads(json.dumps([secret])))) == [text]
    assert pickle.loads(pickle.dumps(secret)) == copy.deepcopy(secret) == text


def test_what_rich_shows_of_local_variables_hides_it() -> None:
    rich = pytest.importorskip("rich.traceback")

    def fail(key: str, headers: dict[str, Any]) -> None:
        raise ValueError(len(key) + len(headers))

    long = Secret("hunter2" * 30)
    with pytest.raises(ValueError, match="211") as caught:
        fail(long, {"x-api-key": long})
    error = caught.value
    shown = repr(
        rich.Traceback.extract(
            type(error), error, error.__traceback__, show_locals=True, locals_max_string=20
        )
        .stacks[0]
        .frames[-1]
        .locals
    )
    assert "hunter" not in shown
    assert shown.count("***") >= 2
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert "hunter" not in str(told.stack[-1].locals)
