"""What operations yield and return."""

from __future__ import annotations

from airflow_provider_workflows.core.protocol.operation import Page, Renew


def test_a_rejected_credential_is_not_shown() -> None:
    assert repr(Renew("s3cret")) == "Renew(rejected=***)"
    assert repr(Renew()) == "Renew(rejected=None)"


def test_the_last_page_has_no_next() -> None:
    assert Page((1, 2)).next is None
