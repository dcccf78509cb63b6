from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_workflows.blizwork.hooks import BlizWorkHook
from airflow_provider_workflows.kiban.hooks import KibanHook
from airflow_provider_workflows.mybpm.hooks import MyBPMHook
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from airflow_provider_workflows.testing import forget_connections
from benchmarks.peers import ours
from benchmarks.peers.client import Client, measure
from benchmarks.peers.looks import WAYS, Looks
from benchmarks.peers.looks import measure as measure_looks
from benchmarks.peers.server import BareServer, bare_server
from benchmarks.peers.work import SCENARIO, WORKFLOO, WORKS, read_rows, row, write_rows


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareServer]:
    with bare_server(tmp_path_factory.mktemp("bare")) as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(server: BareServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.forget()
    monkeypatch.setenv(f"AIRFLOW_CONN_{ours.CONNECTION.upper()}", "")
    forget_connections()


def test_our_hooks_accept_its_answers(server: BareServer) -> None:
    ours.connect(WORKS["mybpm"], server.url)
    hook = MyBPMHook(ours.CONNECTION)
    values = WORKS["mybpm"].body(row(1))["fieldValues"]
    first, second = (hook.upsert("CUSTOMER", values, unique_field="IIN") for _ in range(2))
    assert first.boi_id != second.boi_id
    assert first.fields["IIN"].api_value == "bench-0000001"
    ours.connect(WORKS["omflow"], server.url)
    form = [{"id": "FORMITM_1", "value": "bench-0000002"}]
    assert OMFlowHook(ours.CONNECTION).open_order("purchase", form)
    ours.connect(WORKS["kiban"], server.url)
    kiban = KibanHook(ours.CONNECTION)
    assert kiban.start(WORKFLOO, scenario_id=SCENARIO, form={"last_name": "bench-0000003"})
    ours.connect(WORKS["blizwork"], server.url)
    assert BlizWorkHook(ours.CONNECTION).init_case("credit")
    counts = server.counts()
    assert (counts["records"], counts["repeated"]) == (3, 1)


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize("kind", ["requests", "aiohttp"])
def test_each_client_sends_each_record_once(work: str, kind: str, server: BareServer, tmp_path: Path) -> None:
    records = str(write_rows(tmp_path / "rows.jsonl", 25))
    client = Client(kind=kind, work=work, url=server.url, records=records, concurrency=4)  # type: ignore[arg-type]
    assert measure(client).sent == 25
    counts = server.counts()
    assert sum(counts["paths"].values()) == 25
    if work != "blizwork":  # its request has no place for a record's key
        assert (counts["records"], counts["repeated"]) == (25, 0)


def test_records_are_written_once_and_are_all_different(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", 100)
    assert write_rows(path, 5) == path
    assert len({one["key"] for one in read_rows(str(path))}) == 100


def test_each_way_of_looking_asks_as_often(tmp_path: Path) -> None:
    with bare_server(tmp_path, tls=True) as server:
        assert server.url.startswith("https:")
        found = measure_looks(Looks(url=server.url, waits=2, looks=3, turns=2), server.certificate)
        assert set(found) == set(WAYS)
        # Before the turns, each wait looks twice.
        each = 2 * (2 + 2 * 3)
        assert sum(server.counts()["paths"].values()) == each * len(WAYS)
