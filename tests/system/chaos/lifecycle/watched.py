"""What sensors watch: made at the vendor through the hooks, before the sensors begin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from airflow_provider_workflows.blizwork.hook import BlizWorkHook
from airflow_provider_workflows.kiban.hook import KibanHook
from airflow_provider_workflows.mybpm.hook import MyBPMHook
from airflow_provider_workflows.omflow.hook import OMFlowHook
from airflow_provider_workflows.robusta.hook import RobustaHook
from airflow_provider_workflows.transport.credentials import forget
from tests.system.chaos.operators import KIBAN_PATIENT
from tests.system.chaos.stage import Stage
from tests.system.chaos.variants import MYBPM_SENSOR

VENDORS: Mapping[str, str] = {
    "omflow": "omflow-1.2",
    "mybpm": "mybpm",
    "blizwork": "blizwork",
    "robusta": "robusta",
    "kiban": "kiban",
}
TITLES: Mapping[str, str] = {
    "omflow": "OMFlow order sensor",
    "mybpm": MYBPM_SENSOR.title,
    "blizwork": "BlizWork case sensor",
    "robusta": "Robusta status sensor",
    "kiban": "Kiban workfloo sensor",
}
MAKERS: Mapping[str, Callable[[str, str], str]] = {
    "omflow": lambda conn, tag: str(
        OMFlowHook(conn).open_order("patient", [{"id": "FORMITM_1", "value": tag}])
    ),
    "mybpm": lambda conn, tag: MyBPMHook(conn).upsert("DECISION", {"NUM": tag}).boi_id,
    "blizwork": lambda conn, tag: str(BlizWorkHook(conn).init_case("patient")),
    "robusta": lambda conn, tag: (
        RobustaHook(conn).start_process(process_name="LongBot", worker="3", values={"tag": tag}).spid
    ),
    "kiban": lambda conn, tag: KibanHook(conn).start(KIBAN_PATIENT, form={"tag": tag}),
}


def lane_of(vendor: str) -> str:
    return f"{vendor}_watch"


def make(vendor: str, stage: Stage, tag: str, *, size: int) -> list[str]:
    """
    Make what sensors are to watch, and return the ids.

    :param vendor: such as ``omflow``
    :param stage: the lane's
    :param tag: that the targets' tags begin with
    :param size: how many
    """
    stage.show("making targets")
    # Whoever is logged in no longer is since the reset, and would be refused once and send again.
    forget()
    tags = [f"{tag}.{index}" for index in range(size)]
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda one: MAKERS[vendor](stage.lane.name, one), tags))
