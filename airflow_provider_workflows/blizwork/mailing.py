"""Sending a mail once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.base.decision import CannotKnow, Trace
from airflow_provider_workflows.blizwork.values import identifier

if TYPE_CHECKING:
    from airflow_provider_workflows.base.record import Record
    from airflow_provider_workflows.blizwork.api import BlizWorkApi
    from airflow_provider_workflows.protocol.operation import Operation


class Mail:
    """
    One mail, as a :class:`~airflow_provider_workflows.base.notice.Sendable`; its words tell no addresses.

    The arguments are those of the hook's ``send_notification``.

    :raises InvalidInput: the template has no name
    """

    #: A mail's parameters belong to its template, which has no place for a mark.
    carries_mark = False

    def __init__(self, template: str, *, to: str | Sequence[str], params: Any) -> None:
        self.subject = f"a mail from BlizWork's template {identifier(template, 'template')}"
        self.hint = f"a mail from the template {template!r} (ask its recipients)"
        self._template = template
        self._to = to
        self._params = params

    def sending(self, api: BlizWorkApi, record: Record) -> Operation[None]:
        """Send it; BlizWork gives it no number."""
        yield from api.send_notification(self._template, to=self._to, params=self._params)

    def searching(self, api: BlizWorkApi, record: Record) -> Operation[Trace]:
        """Nothing lists the mails that were sent (vendor documentation)."""
        yield from ()
        return CannotKnow("BlizWork cannot be asked which mails it has sent")
