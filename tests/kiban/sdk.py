"""
Kiban's own Python SDK, unmodified: every answer that it gets is held against its strict models.

Importing this skips the test module where the SDK is not installed.
"""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

pytest.importorskip(
    "kiban.workfloo", reason="kiban-workfloo needs a newer urllib3 than the oldest environment has"
)

from kiban.workfloo import ApiClient, Configuration, PoolApi, WorkflooApi
from kiban.workfloo import models as sdk_models
from kiban.workfloo.exceptions import ApiException as ApiException
from kiban.workfloo.exceptions import BadRequestException

from airflow_provider_workflows.sandbox.control import Control
from tests.kiban.server import KEY, PDF

#: Seconds between two looks in the vendor's examples.
POLL = 3
#: Looks after which a drive counts as stuck.
MOST_LOOKS = 100
#: Statuses at which the vendor's examples stop.
ENDS = ("SUCCESS", "ERROR", "ABANDONED")


def model(name: str, **values: Any) -> Any:
    """Return one of the SDK's models with values by the vendor's names; ``Pool.`` before those of pools."""
    pool, _, short = name.rpartition(".")
    made: Callable[..., Any] = getattr(sdk_models, f"Controller{pool or 'Workfloo'}Model{short}")
    return made(**values)


class Strict:
    """
    The SDK's calls by name, with a check of each answer.

    An answer must be what the SDK makes of it and back again: so it has no member that the SDK does not know,
    none of another type, and none that is null where the vendor's description has no null.
    """

    def __init__(self, client: ApiClient, *, checked: bool) -> None:
        self._apis = (WorkflooApi(client), PoolApi(client))
        self._checked = checked

    def __getattr__(self, name: str) -> Callable[..., Any]:
        api = next(one for one in self._apis if hasattr(one, name))

        def call(*args: Any, sandbox: bool | None = True, **kwargs: Any) -> Any:
            answer = getattr(api, f"{name}_with_http_info")(*args, sandbox=sandbox, **kwargs)
            if not self._checked:
                return answer.data
            if answer.data is None:
                assert answer.raw_data == b"", name
            else:
                check(json.loads(answer.raw_data), answer.data, name)
            return answer.data

        return call

    def csv(self, **filters: Any) -> list[list[str]]:
        """Return the second history as CSV, which the SDK hands over unread."""
        answer = self._apis[0].list_workfloos_v2_without_preload_content(
            sandbox=True, format="CSV", **filters
        )
        return list(csv.reader(answer.data.decode().splitlines()))


def check(told: Any, understood: Any, where: str) -> None:
    """Hold an answer against what the SDK made of it."""
    again = [one.to_dict() for one in understood] if isinstance(understood, list) else understood.to_dict()
    found = list(lost(told, again))
    assert not found, f"{where}: {found}"


def lost(told: Any, again: Any, path: str = "") -> Iterator[str]:
    """Yield the places of an answer that the SDK does not tell in the same way."""
    if isinstance(told, Mapping) and isinstance(again, Mapping):
        for name, value in told.items():
            if name not in again:
                yield f"{path}.{name} {'must not be null' if value is None else 'is not known'}"
            else:
                yield from lost(value, again[name], f"{path}.{name}")
    elif isinstance(told, list) and isinstance(again, list) and len(told) == len(again):
        for number, (value, other) in enumerate(zip(told, again, strict=True)):
            yield from lost(value, other, f"{path}[{number}]")
    elif told != again:
        yield f"{path} is {told!r}, understood as {again!r}"


@contextlib.contextmanager
def connected(url: str, key: str = KEY, *, checked: bool = True) -> Iterator[Strict]:
    """
    Connect the SDK to a Kiban.

    :param checked: whether answers are held against the models
    """
    # An empty proxy keeps it from the environment's.
    configuration = Configuration(host=url, api_key={"ApiKeyAuth": key}, proxy="", no_proxy="")
    with ApiClient(configuration) as client:
        yield Strict(client, checked=checked)


@dataclass
class Integrator:
    """
    Drives an execution as the table in the README of the vendor's examples says.

    Where the examples sleep for three seconds, this moves the sandbox's clock.

    :param values: what it answers, by field
    :param sets: documents that are sets, by id; any other is a small PDF
    :param codes: what the person reads out, in turn; ``None`` asks for another code first
    :param finish: finishes the widget of a person
    :param decisions: of the reviewer, in turn; without one left it waits
    :param steps: what it has handled: names of nodes, with phase or state
    """

    api: Strict
    control: Control
    values: Mapping[str, Any] = field(default_factory=dict)
    sets: Mapping[str, Any] = field(default_factory=dict)
    codes: list[str | None] = field(default_factory=list)
    decisions: list[Mapping[str, Any]] = field(default_factory=list)
    finish: Callable[[str], None] = lambda execution_id: None
    steps: list[str] = field(default_factory=list)

    def start(self, definition: str, **body: Any) -> str:
        made = model("Execute", idWorkflooDefinition=definition, **body)
        return str(self.api.execute_workfloo(made).id)

    def drive(self, execution_id: str) -> Any:
        """Handle step after step, and return the last status."""
        last = None
        for _ in range(MOST_LOOKS):
            status = self.api.get_workfloo_status(execution_id)
            if status.status in ENDS:
                return status
            kind = status.current_node_type or ""
            if kind and not kind.endswith(("_PROGRESS", "_PROCESSING")):
                phase = status.link.phase if status.link else ""
                state = status.validation.state if status.validation else ""
                step = (status.current_node_id, kind, phase, state)
                # An answered step may be shown for a moment longer.
                if step != last:
                    last = step
                    self.steps.append(" ".join(filter(None, (status.current_node_name, phase, state))))
                    self._handle(execution_id, status, kind, phase, state)
            self.control.advance(POLL)
        raise AssertionError(f"stuck after {self.steps}")

    def _handle(self, execution_id: str, status: Any, kind: str, phase: str, state: str) -> None:
        match kind:
            case "FORM":
                self.api.execute_workfloo_form(execution_id, self._form(status.form))
            case "DOCUMENT":
                self.api.execute_workfloo_document(execution_id, self._documents(status.document))
            case "LINK" if status.verification is not None:
                self._enter_otp(execution_id)
            case "LINK" if phase == "CREATE_ACCOUNT":
                self.api.send_workfloo_nip(execution_id)
            case "LINK" if phase in ("VALIDATE", "VALIDATE_2"):
                self._enter_nip(execution_id)
            case "LINK":
                assert status.link.widget
                self.finish(execution_id)
            case "VALIDATION" if state == "CORRECTION":
                fixed = {one.field_id: f"fixed {one.value}" for one in status.validation.fields}
                self.api.submit_workfloo_correction(execution_id, fixed)
            case "VALIDATION":
                if self.decisions:
                    decision = model("ReviewRequest", **self.decisions.pop(0))
                    self.api.review_workfloo_validation(execution_id, decision)
            case "TIMER":
                assert status.timer.end_wait_date
            case _:
                raise AssertionError(f"the table has no {kind}")

    def _form(self, form: Any) -> dict[str, Any]:
        fields = [one for section in form.form_field_section for one in section.fields]
        assert all(one.id in self.values for one in fields if one.required and not one.show_if)
        return {one.id: self.values[one.id] for one in fields if one.id in self.values}

    def _documents(self, document: Any) -> dict[str, Any]:
        asked = [one for one in document.document_field if not one.source_pdf_node_id]
        assert {one.id for one in asked if one.set} <= set(self.sets)
        return {one.id: self.sets.get(one.id, PDF) for one in asked}

    def _enter_nip(self, execution_id: str) -> None:
        while True:
            if (code := self.codes.pop(0)) is None:
                assert self.api.resend_workfloo_nip(execution_id).phase
                continue
            with contextlib.suppress(BadRequestException):
                self.api.validate_workfloo_nip(execution_id, model("NipValidateRequest", nip=code))
                return

    def _enter_otp(self, execution_id: str) -> None:
        while True:
            if (code := self.codes.pop(0)) is None:
                self.api.fallback_workfloo_otp(execution_id)
                continue
            # 400 is a wrong code with tries left; after the last one comes 403.
            with contextlib.suppress(BadRequestException):
                self.api.validate_workfloo_otp(execution_id, model("OtpValidateRequest", token=code))
                return
