"""What a task reports to OpenLineage, if Airflow's provider for it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk.types import RuntimeTaskInstanceProtocol
    from openlineage.client.event_v2 import Dataset
    from openlineage.client.facet_v2 import DatasetFacet, RunFacet

    from airflow_provider_workflows.core.connection.hook import AnyHook

    Lineage: TypeAlias = OperatorLineage[Dataset, RunFacet]

#: XCom key of what a task worked on: ``{"vendor": name, "id": remote id}``, and ``"url"`` if it is known.
REMOTE = "remote"

Role = Literal["begins", "changes", "writes", "reads"]


class ReportsLineage:
    """
    The three methods that Airflow's OpenLineage provider calls on an operator.

    The record at the vendor is a dataset. Its namespace is ``<connection type>://<host>:<port>``, and its
    name is the remote id. The provider calls these methods in a process or thread beside the task's, and only
    logs their errors.
    """

    vendor: ClassVar[str]
    #: A task ``begins`` a run, ``changes`` one that exists, ``writes`` what may have existed, or ``reads``.
    lineage_role: ClassVar[Role] = "changes"
    _remote_id: str | None = None

    def get_openlineage_facets_on_start(self) -> Lineage:
        """Return the vendor and the id, but no dataset, which would need the connection."""
        return self._lineage("begun", self.known_before())

    def get_openlineage_facets_on_complete(self, ti: RuntimeTaskInstanceProtocol) -> Lineage:
        """Return what the task worked on."""
        skipped = str(getattr(ti, "state", None)) == "skipped"
        return self._lineage("skipped" if skipped else "done", self._recall(ti), worked_on=True)

    def get_openlineage_facets_on_failure(self, ti: RuntimeTaskInstanceProtocol) -> Lineage:
        """Return what the task worked on, if it is known; the provider itself reports the failure."""
        return self._lineage("in doubt" if self.in_doubt else "failed", self._recall(ti), worked_on=True)

    def known_before(self) -> str | None:
        """Return the remote id if it is known before the first request."""
        return None

    @property
    def in_doubt(self) -> bool:
        """Whether the outcome of a request is unknown."""
        return False

    def _recall(self, ti: RuntimeTaskInstanceProtocol) -> str | None:
        """Return the remote id; after a deferral, from XCom."""
        if self._remote_id is not None:
            return self._remote_id
        remote = ti.xcom_pull(task_ids=ti.task_id, key=REMOTE, map_indexes=ti.map_index)
        return str(remote["id"]) if isinstance(remote, dict) and "id" in remote else None

    def _lineage(self, state: str, remote_id: str | None, *, worked_on: bool = False) -> Lineage:
        from airflow.providers.openlineage.extractors import OperatorLineage
        from openlineage.client.facet_v2 import external_query_run

        from airflow_provider_workflows.core.tasks.openlineage_facet import RemoteRunFacet

        facets: dict[str, RunFacet] = {
            "workflows_remote": RemoteRunFacet(
                vendor=self.vendor, remoteId=remote_id, state=state, waits=self._waits
            )
        }
        if remote_id is None:
            return OperatorLineage(run_facets=facets)
        facets["externalQuery"] = external_query_run.ExternalQueryRunFacet(
            externalQueryId=remote_id, source=self.vendor
        )
        if not worked_on:
            return OperatorLineage(run_facets=facets)
        inputs, outputs = self._datasets(remote_id, finished=state == "done")
        return OperatorLineage(inputs=inputs, outputs=outputs, run_facets=facets)

    def _datasets(self, remote_id: str, *, finished: bool) -> tuple[list[Dataset], list[Dataset]]:
        from openlineage.client.event_v2 import InputDataset, OutputDataset
        from openlineage.client.facet_v2 import lifecycle_state_change_dataset as lifecycle

        hook: AnyHook = self.hook  # type: ignore[attr-defined]
        namespace = f"{hook.conn_type}://{hook.server}"
        changes = {
            "begins": lifecycle.LifecycleStateChange.CREATE,
            "changes": lifecycle.LifecycleStateChange.ALTER,
        }
        facets: dict[str, DatasetFacet] = {}
        if finished and (change := changes.get(self.lineage_role)) is not None:
            facets["lifecycleStateChange"] = lifecycle.LifecycleStateChangeDatasetFacet(change)
        read, written = self.lineage_role in ("reads", "changes"), self.lineage_role != "reads"
        return (
            [InputDataset(namespace, remote_id)] if read else [],
            [OutputDataset(namespace, remote_id, facets=facets)] if written else [],
        )

    @property
    def _waits(self) -> bool:
        """Whether the task waits for something at the vendor."""
        return self.lineage_role == "reads" or bool(getattr(self, "wait_for_completion", False))
