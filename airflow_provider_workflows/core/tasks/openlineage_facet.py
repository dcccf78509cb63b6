"""The package's own OpenLineage facet; imported only where Airflow's provider for OpenLineage asks for it."""

from __future__ import annotations

from typing import ClassVar

from attrs import define
from openlineage.client.facet_v2 import RunFacet


@define
class RemoteRunFacet(RunFacet):
    """
    What a task has to do with at the vendor.

    :param vendor: the vendor system's name
    :param remoteId: what the vendor calls it; None as long as that is not known
    :param state: ``begun``, ``done``, ``skipped``, ``failed`` or ``in doubt``: it may have happened
    :param waits: whether the task ends only when something has come at the vendor
    """

    vendor: str
    remoteId: str | None  # noqa: N815 - OpenLineage spells keys so
    state: str
    waits: bool

    _additional_skip_redact: ClassVar[list[str]] = ["state", "waits"]
