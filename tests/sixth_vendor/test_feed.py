"""A vendor more can tell of what happens with no change in ``core``."""

from __future__ import annotations

import json

from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.core.event_triggerer import Triggerer
from tests.sixth_vendor.conftest import RING
from tests.sixth_vendor.pigeon_post.events import pigeon_letters
from tests.sixth_vendor.pigeon_post.hooks import PigeonHook


def test_letters_are_told_of_also_after_a_crash(loft: SandboxServer) -> None:
    triggerer = Triggerer(pigeon_letters(), "letters")
    PigeonHook().send("Ada", "before")
    triggerer.run_all()
    letter = PigeonHook().send("Ada", "hello")
    triggerer.run(killed=True)
    triggerer.run_all()
    assert triggerer.events == [{"occurrence_id": letter, "letter": letter, "conn_id": "pigeon_default"}]
    kept = triggerer.kwargs + json.dumps(triggerer.stores["letters"].record)
    assert RING not in kept
    assert "hello" not in kept
