"""No secret of a request is in what the HTTP libraries log, with no mask of Airflow's anywhere near."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from urllib.parse import quote

import aiohttp
import pytest
import requests
from yarl import URL

from airflow_provider_workflows.core.protocol.message import Request
from airflow_provider_workflows.core.transport import redaction
from airflow_provider_workflows.core.transport.aiohttp_adapter import AiohttpAdapter
from airflow_provider_workflows.core.transport.driver import Driver as OperationDriver
from airflow_provider_workflows.core.transport.endpoint import Endpoint
from airflow_provider_workflows.core.transport.redaction import LOGGERS, REMEMBERED, hidden
from airflow_provider_workflows.exceptions import WorkflowError
from tests.core.transport.drivers import Driver, blocking, send
from tests.core.transport.server import Peer, RawServer, answer, response

SECRET = "to/ken ñ+1"
QUOTED = quote(SECRET, safe="")


def request(*, repeatable: bool = True, secrets: tuple[str, ...] = (SECRET,)) -> Request:
    return Request(
        vendor="Vendor",
        operation="ask",
        method="POST",
        path=f"/ask/{QUOTED}",
        shown_path="/ask/***",
        repeatable=repeatable,
        secrets=secrets,
    )


class Kept(logging.Handler):
    """Keeps records as any handler gets them: formatted, and in their parts."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.parts: list[tuple[object, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.parts.append((record.msg, record.args))
        self.lines += [f"{record.name}: {self.format(record)}", repr(record.args), repr(record.msg)]
        self.lines.append(repr(record.exc_info))

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def tells(self) -> bool:
        return SECRET in self.text or QUOTED in self.text


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    """All that is logged, at DEBUG; the libraries begin without our filter."""
    handler = Kept()
    root = logging.getLogger()
    monkeypatch.setattr(root, "level", logging.DEBUG)
    root.addHandler(handler)
    for name in LOGGERS:
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)
        logging.getLogger(name).removeFilter(redaction._redact)
    logging.Logger.manager._clear_cache()  # type: ignore[attr-defined]
    redaction._lately.clear()
    yield handler
    root.removeHandler(handler)
    redaction._lately.clear()


@pytest.mark.parametrize("repeatable", [True, False], ids=["pooled", "fresh"])
def test_no_line_has_it(drive: Driver, kept: Kept, repeatable: bool) -> None:
    with RawServer((answer(),)) as server:
        drive(Endpoint(base_url=server.url), send(request(repeatable=repeatable)))
    assert [seen.target for seen in server.requests] == [f"/ask/{QUOTED}"]
    assert not kept.tells()


def test_without_it_urllib3_would_tell(kept: Kept) -> None:
    """The control: this is the line that the filter is for, and the search finds what is in it."""
    with RawServer((answer(),)) as server, requests.Session() as session:
        session.trust_env = False
        session.post(f"{server.url}/ask/{QUOTED}", timeout=5)
    assert kept.tells()


def test_the_line_itself_is_still_there(kept: Kept) -> None:
    with RawServer((answer(),)) as server:
        blocking(Endpoint(base_url=server.url), send(request()))
    assert '"POST /ask/*** HTTP/1.1" 200' in kept.text


@pytest.mark.parametrize(
    "reply",
    [
        response(b"", status=302, Location=f"/ask/{QUOTED}"),
        response(b"no", status=500),
        b"nonsense\r\n\r\n",
        b"",
    ],
    ids=["redirect", "500", "nonsense", "closed"],
)
def test_nor_when_it_goes_wrong(drive: Driver, kept: Kept, reply: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.read()
        peer.send(reply)

    with RawServer((script,)) as server, pytest.raises(WorkflowError):
        drive(Endpoint(base_url=server.url), send(request(repeatable=False)))
    assert not kept.tells()


def test_nor_in_asyncios_debug_mode(kept: Kept) -> None:
    async def run(url: str) -> None:
        asyncio.get_running_loop().slow_callback_duration = 0
        endpoint = Endpoint(base_url=url)
        await AiohttpAdapter(endpoint).run(OperationDriver(endpoint=endpoint).drive(send(request())))

    with RawServer((answer(),)) as server:
        asyncio.run(run(server.url), debug=True)
    assert "asyncio:" in kept.text
    assert not kept.tells()


@pytest.mark.parametrize("was_hidden", [True, False], ids=["hidden", "control"])
def test_what_is_said_long_after_a_request(kept: Kept, was_hidden: bool) -> None:
    """A response that nobody closed is reported to the loop as here, when the collector comes to it."""

    async def report(url: str) -> None:
        async with aiohttp.ClientSession() as session, session.post(URL(url, encoded=True)) as reply:
            context = {"message": "Unclosed response", "client_response": reply}
            asyncio.get_running_loop().call_exception_handler(context)

    with hidden((SECRET,) if was_hidden else ()):
        pass
    with RawServer((answer(),)) as server:
        asyncio.run(report(f"{server.url}/ask/{QUOTED}"))
    assert "Unclosed response" in kept.text
    assert kept.tells() == (not was_hidden)


def test_both_drivers_hide_it_from_what_is_said_later(drive: Driver, kept: Kept) -> None:
    with RawServer((answer(),)) as server:
        drive(Endpoint(base_url=server.url), send(request()))
    for name in LOGGERS:
        logging.getLogger(name).warning("closed http://x/ask/%s", QUOTED)
    assert kept.text.count("closed http://x/ask/***") >= len(LOGGERS)
    assert not kept.tells()


def test_tracebacks_are_clean_in_every_handler(kept: Kept) -> None:
    with hidden((SECRET,)):
        try:
            raise ValueError(f"http://x/ask/{QUOTED}")
        except ValueError:
            logging.getLogger("asyncio").exception("Task exception was never retrieved")
    assert "ValueError: http://x/ask/***" in kept.text
    assert not kept.tells()


def test_records_without_a_secret_are_left_alone(kept: Kept) -> None:
    with hidden((SECRET,)):
        logging.getLogger("urllib3.connectionpool").debug("%s of %d", "one", 2)
        try:
            raise ValueError("plain")
        except ValueError:
            logging.getLogger("asyncio").exception("no secret")
    assert ("%s of %d", ("one", 2)) in kept.parts
    assert "ValueError('plain')" in kept.text, "handlers still get the exception itself"


def test_secrets_of_a_request_that_waits_long_are_not_forgotten(kept: Kept) -> None:
    logger = logging.getLogger("urllib3.connectionpool")
    with hidden((SECRET,)):
        for number in range(REMEMBERED + 1):
            with redaction.hidden((f"another-{number}",)):
                pass
        logger.debug("POST /ask/%s", QUOTED)
    assert not kept.tells()
    logger.debug("POST /ask/%s", QUOTED)
    assert kept.tells(), "what is remembered is bounded"


def test_a_short_one_does_not_maim_what_is_logged_later(kept: Kept) -> None:
    logger = logging.getLogger("urllib3.connectionpool")
    with hidden(("t",)):
        logger.debug("POST /ask/t")
    logger.debug("Starting")
    assert "POST /ask/***" in kept.text
    assert "Starting" in kept.text


def test_a_collection_while_secrets_are_noted_does_not_deadlock(kept: Kept) -> None:
    with hidden((SECRET,)), redaction._lock:
        logging.getLogger("asyncio").debug("POST /ask/%s", QUOTED)
    assert not kept.tells()


def test_every_logger_of_the_libraries_is_known() -> None:
    roots = ("aiohttp", "asyncio", "requests", "urllib3")
    # Of aiohttp's server we have no use; urllib3's extras for other platforms are not loaded.
    server = {"aiohttp.access", "aiohttp.server", "aiohttp.web", "aiohttp.websocket"}
    made = {
        name
        for name, one in logging.Logger.manager.loggerDict.items()
        if name.split(".")[0] in roots and isinstance(one, logging.Logger)
    }
    extras = {name for name in made if name.startswith(("urllib3.contrib", "urllib3.http2"))}
    assert made - server - extras <= set(LOGGERS) | {"aiohttp", "aiohttp.helpers"}
