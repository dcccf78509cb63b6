"""Pigeon Post's own tests, against its double in the sandbox."""

from __future__ import annotations

import asyncio

import pytest
from pigeon_post import PigeonHook

from airflow_provider_workflows.exceptions import AuthenticationFailed, OutcomeUnknown
from airflow_provider_workflows.testing import WorkflowSandbox


def test_the_connection_leads_to_the_loft(workflow_sandbox: WorkflowSandbox) -> None:
    reached, message = PigeonHook().test_connection()
    assert reached
    assert message.startswith("Reached the loft")
    workflow_sandbox.connect("pigeon", password="another ring")
    with pytest.raises(AuthenticationFailed):
        PigeonHook().list_letters()


def test_a_letter_arrives(workflow_sandbox: WorkflowSandbox) -> None:
    letter = PigeonHook().send("Ada", "hello")
    workflow_sandbox.advance(30)
    assert asyncio.run(PigeonHook().alook_at(letter)) == {"state": "arrived", "signed_by": "Ada"}


def test_the_book_has_more_than_one_page(workflow_sandbox: WorkflowSandbox) -> None:
    sent = [PigeonHook().send("Ada", text) for text in ("one", "two", "three")]
    assert [letter.number for letter in PigeonHook().iterate_letters()] == sent


def test_a_lost_answer_is_no_reason_to_send_again(workflow_sandbox: WorkflowSandbox) -> None:
    fault = workflow_sandbox.lose_answer("pigeon", "send")
    with pytest.raises(OutcomeUnknown):
        PigeonHook().send("Ada", "hello")
    assert workflow_sandbox.struck(fault) == 1
    assert workflow_sandbox.effects("pigeon")["sent"] == 1
