"""What is particular to the driver for workers."""

from __future__ import annotations

from airflow_provider_workflows.protocol.message import Request
from airflow_provider_workflows.transport.blocking import BlockingTransport
from airflow_provider_workflows.transport.endpoint import Endpoint
from tests.transport.drivers import send
from tests.transport.server import RawServer, answer

ASK = Request(vendor="Vendor", operation="ask", method="GET", path="/a", repeatable=True)


def test_a_closed_transport_opens_a_new_connection_when_needed() -> None:
    with RawServer((answer(),)) as server:
        transport = BlockingTransport(Endpoint(base_url=server.url))
        transport.close()
        for _ in range(2):
            transport.run(send(ASK))
            transport.run(send(ASK))
            transport.close()
    ports = [seen.client_port for seen in server.requests]
    assert ports == [ports[0], ports[0], ports[2], ports[2]]
    assert ports[0] != ports[2]


def test_connections_are_closed_with_the_transport() -> None:
    with RawServer((answer(),)) as server:
        transport = BlockingTransport(Endpoint(base_url=server.url))
        transport.run(send(ASK))
        assert server.open_connections() == 1
        transport.close()
        assert server.all_closed(within=5)
