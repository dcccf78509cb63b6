"""What is particular to the adapter for workers."""

from __future__ import annotations

from airflow_provider_workflows.core.protocol.message import Request
from airflow_provider_workflows.core.transport.driver import Driver
from airflow_provider_workflows.core.transport.endpoint import Endpoint
from airflow_provider_workflows.core.transport.requests_adapter import RequestsAdapter
from tests.core.transport.drivers import send
from tests.core.transport.server import RawServer, answer

ASK = Request(vendor="Vendor", operation="ask", method="GET", path="/a", repeatable=True)


def ask(adapter: RequestsAdapter) -> None:
    adapter.run(Driver(endpoint=adapter.endpoint).drive(send(ASK)))


def test_a_closed_adapter_opens_a_new_connection_when_needed() -> None:
    with RawServer((answer(),)) as server:
        adapter = RequestsAdapter(Endpoint(base_url=server.url))
        adapter.close()
        for _ in range(2):
            ask(adapter)
            ask(adapter)
            adapter.close()
    ports = [seen.client_port for seen in server.requests]
    assert ports == [ports[0], ports[0], ports[2], ports[2]]
    assert ports[0] != ports[2]


def test_connections_are_closed_with_the_adapter() -> None:
    with RawServer((answer(),)) as server:
        adapter = RequestsAdapter(Endpoint(base_url=server.url))
        ask(adapter)
        assert server.open_connections() == 1
        adapter.close()
        assert server.all_closed(within=5)
