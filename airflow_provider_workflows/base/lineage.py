"""What OpenLineage is told of a task, where Airflow's provider for it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_workflows.base.hook import WorkflowHook

#: XCom key under which a task says what it worked on: ``{"vendor": name, "id": remote id}``.
REMOTE = "remote"

Role = Literal["begins", "changes", "writes", "reads"]


class ReportsLineage:
    """
    The three methods that Airflow's OpenLineage provider looks for on an operator.

    What a task works on at the vendor is a dataset: ``<connection type>://<host>:<port>`` is its namespace,
    the remote id its name. The provider calls this in a process or thread beside the task's; what it raises
    is logged and fails nothing.
    """

    vendor: ClassVar[str]
    #: A task ``begins`` a run, ``changes`` one that exists, ``writes`` what may have existed, or ``reads``.
    lineage_role: ClassVar[Role] = "changes"
    _remote_id: str | None = None

    def get_openlineage_facets_on_start(self) -> OperatorLineage[Any, Any]:
        """Return who is about to be called; no dataset, since for that a connection must be read."""
        return self._lineage("begun", self.known_before())

    def get_openlineage_facets_on_complete(self, ti: Any) -> OperatorLineage[Any, Any]:
        """Return what the task worked on."""
        skipped = str(getattr(ti, "state", None)) == "skipped"
        return self._lineage("skipped" if skipped else "done", self._recall(ti), worked_on=True)

    def get_openlineage_facets_on_failure(self, ti: Any) -> OperatorLineage[Any, Any]:
        """Return what the task worked on, as far as it came; what failed, the provider tells itself."""
        return self._lineage("in doubt" if self.in_doubt else "failed", self._recall(ti), worked_on=True)

    def known_before(self) -> str | None:
        """Return the remote id if it is known before the task calls anyone."""
        return None

    @property
    def in_doubt(self) -> bool:
        """Whether something was sent of which nobody knows what became."""
        return False

    def _recall(self, ti: Any) -> str | None:
        """Return the remote id; after a deferral, what the process before left in XCom."""
        if self._remote_id is not None:
            return self._remote_id
        remote = ti.xcom_pull(task_ids=ti.task_id, key=REMOTE, map_indexes=ti.map_index)
        return str(remote["id"]) if isinstance(remote, dict) and "id" in remote else None

    def _lineage(
        self, state: str, remote_id: str | None, *, worked_on: bool = False
    ) -> OperatorLineage[Any, Any]:
        from airflow.providers.openlineage.extractors import OperatorLineage
        from openlineage.client.facet_v2 import external_query_run

        from airflow_provider_workflows.base.facets import RemoteRunFacet

        facets: dict[str, Any] = {
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

    def _datasets(self, remote_id: str, *, finished: bool) -> tuple[list[Any], list[Any]]:
        from openlineage.client.event_v2 import InputDataset, OutputDataset
        from openlineage.client.facet_v2 import lifecycle_state_change_dataset as lifecycle

        hook: WorkflowHook[Any] = self.hook  # type: ignore[attr-defined]
        namespace = f"{hook.conn_type}://{hook.server}"
        changes = {
            "begins": lifecycle.LifecycleStateChange.CREATE,
            "changes": lifecycle.LifecycleStateChange.ALTER,
        }
        facets: dict[str, Any] = {}
        if finished and (change := changes.get(self.lineage_role)) is not None:
            facets["lifecycleStateChange"] = lifecycle.LifecycleStateChangeDatasetFacet(change)
        read, written = self.lineage_role in ("reads", "changes"), self.lineage_role != "reads"
        return (
            [InputDataset(namespace, remote_id)] if read else [],
            [OutputDataset(namespace, remote_id, facets=facets)] if written else [],
        )

    @property
    def _waits(self) -> bool:
        """Whether the task ends only when something has come at the vendor."""
        return self.lineage_role == "reads" or bool(getattr(self, "wait_for_completion", False))
