"""A vendor more has a notifier for a few lines."""

from __future__ import annotations

import pytest

from airflow_provider_workflows.exceptions import OutcomeUnknown
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.core.calling import Call, failure
from tests.core.calling import call as call
from tests.sixth_vendor.pigeon_post.hooks import PigeonHook
from tests.sixth_vendor.pigeon_post.notifications import PigeonSendNotifier


def test_it_sends(loft: SandboxServer, call: Call) -> None:
    call(PigeonSendNotifier, failure(), to="Ada", text="{{ exception }}")
    (letter,) = PigeonHook().iterate_letters()
    assert letter.text == "no money (try 1 of pay in run monday of loans)"


def test_a_lost_answer_is_a_doubt_and_no_second_letter(loft: SandboxServer, call: Call) -> None:
    loft.control.fault("pigeon", "send", "lost_answer")
    why = r"(?s)may or may not have sent a letter to Ada.*the vendor has no call that finds it"
    with pytest.raises(OutcomeUnknown, match=why):
        call(PigeonSendNotifier, failure(), to="Ada", text="help")
    assert loft.control.effects("pigeon")["sent"] == 1
