"""What a 4xx means when the vendor says nothing better."""

from __future__ import annotations

import pytest

from airflow_provider_workflows.core.protocol.message import refusal
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    NotFound,
    PermanentError,
    PermissionDenied,
    Rejected,
)
from tests.core.protocol.samples import make_reply, make_request


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected),
        (401, AuthenticationFailed),
        (403, PermissionDenied),
        (404, NotFound),
        (407, AuthenticationFailed),
        (409, Rejected),
        (413, Rejected),
        (422, Rejected),
    ],
)
def test_refusal(status: int, kind: type[PermanentError]) -> None:
    error = refusal(make_request(), make_reply(status, b"because"))
    assert type(error) is kind
    assert isinstance(error, PermanentError)
    assert (error.status, error.excerpt, error.path) == (status, "because", "/do")
