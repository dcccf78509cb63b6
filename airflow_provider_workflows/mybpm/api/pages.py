"""What a call says of the page and the languages that it wants, and the page that it returns."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_workflows.core.protocol.operation import Page
from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.mybpm.api.boi import Boi


def page(items: Sequence[Boi], start: int) -> Page[Boi]:
    """Return a page of instances; the one after an empty page is not asked for."""
    return Page(tuple(items), start + len(items) if items else None)


def paging(start: int, size: int) -> dict[str, int]:
    """
    Return the part of a body that asks for a page.

    :raises InvalidInput: there is no such page
    """
    if start < 0 or size < 1:
        raise InvalidInput(f"start must be 0 or more and size 1 or more, got {start} and {size}")
    return {"offset": start, "limit": size}


def languages(wanted: bool) -> dict[str, bool]:
    """Return the part of a body that requests all languages; absent by default."""
    return {"multiLanguage": True} if wanted else {}
