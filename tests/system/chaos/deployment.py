"""Deployments and lanes: which cells share an Airflow, and which a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dev.airflow_instance import AirflowInstance
from dev.vendors import CONNECTIONS
from tests.system.chaos.cell import Cell

FOLDER = Path(__file__).parent
#: Seconds after which a request of the matrix is given up by the client.
READ_TIMEOUT = 2.0


@dataclass(frozen=True, kw_only=True)
class Lane:
    """
    Cells that run one after the other against a sandbox process of their own.

    :param name: of the lane, and the id of its Airflow connection
    :param mount: the vendor's double in the sandbox
    :param cells: in order
    :param extra: fields of the connection's extra beside the usual, such as another ``timeout``
    :param conn_type: of the connection, if it is not the vendor's own
    :param others: further connections to the same sandbox: id -> mount
    """

    name: str
    mount: str
    cells: Sequence[Cell]
    extra: Mapping[str, Any] = field(default_factory=dict)
    conn_type: str | None = None
    others: Mapping[str, str] = field(default_factory=dict)

    def connections(self, url: str) -> dict[str, dict[str, Any]]:
        """
        The Airflow connections of this lane.

        :param url: where its sandbox, or what stands before it, listens
        """
        mounts = {self.name: self.mount, **self.others}
        return {name: self._fields(mount, url) for name, mount in mounts.items()}

    def _fields(self, mount: str, url: str) -> dict[str, Any]:
        known = next(connection for connection in CONNECTIONS if connection.mount == mount)
        fields = known.fields(url)
        fields["extra"] = {**fields["extra"], "timeout": READ_TIMEOUT, **self.extra}
        if self.conn_type is not None:
            fields["conn_type"] = self.conn_type
        return fields


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """
    One Airflow, and the lanes that run on it at the same time.

    :param name: also of its home folder, ``.airflow/chaos-<name>``
    :param dags: folder of its DAG files
    :param lanes: each with its own sandbox
    :param environment: settings of Airflow beside the usual
    :param prepare: writes the DAG files, if they are not there always
    :param airflow: what it runs on, given a home folder and the rest of :class:`AirflowInstance`'s arguments
    :param in_turn: its lanes run one after the other, since they kill what the others would need
    """

    name: str
    dags: Path
    lanes: Sequence[Lane]
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[], None] | None = None
    airflow: Callable[..., AirflowInstance] = AirflowInstance
    in_turn: bool = False

    def only(self, pattern: str) -> Deployment:
        """The deployment with nothing but the cells that match; lanes without any are left out."""
        chosen = [
            replace(lane, cells=[cell for cell in lane.cells if cell.matches(pattern)]) for lane in self.lanes
        ]
        return replace(self, lanes=[lane for lane in chosen if lane.cells])
