"""The sandbox in a test: vendors to call, faults to inject, effects to assert. See docs/testing.md."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.sandbox.connections import SandboxConnection, ready_connections
from airflow_provider_workflows.sandbox.declaration import Source, load_declaration

if TYPE_CHECKING:
    import pytest

    from airflow_provider_workflows.sandbox.control import Control
    from airflow_provider_workflows.sandbox.server import SandboxServer

#: Seconds after which a test's connections count an answer as lost.
TIMEOUT = 5.0


class WorkflowSandbox:
    """
    The five vendors as one test sees them: empty at its beginning, with a connection to each.

    Vendors are called as people call them: ``omflow``, ``OMFlow``, ``omflow-1.1``, ``Robusta RPA``.
    What the helpers do not cover, :attr:`control` does; it knows vendors by their mounts only, see
    :meth:`mount`.

    :param server: a running sandbox
    :param connections: what leads to its vendors
    :param patch: undone when the test ends
    """

    def __init__(
        self, server: SandboxServer, connections: tuple[SandboxConnection, ...], patch: pytest.MonkeyPatch
    ) -> None:
        #: Address of the sandbox; its start page shows what the vendors hold.
        self.url: str = server.url
        #: The sandbox's whole control API.
        self.control: Control = server.control
        self._connections = connections
        self._patch = patch

    # Connections.

    def connect(self, vendor: str, conn_id: str | None = None, **changes: Any) -> str:
        """
        Define a connection to a vendor until the test ends, and return its id.

        It is set as the variable ``AIRFLOW_CONN_<ID>``. One to each vendor, ``<vendor>_default``, is there
        from the beginning.

        :param vendor: ``omflow-1.1`` is OMFlow in the older version
        :param conn_id: the id that the DAG names; ``<vendor>_default`` if None
        :param changes: fields that differ, such as ``password="wrong"``; ``extra`` is merged into the
            sandbox's own, of which ``timeout`` is 5 s
        :raises LookupError: the sandbox has no such vendor
        """
        known = self._connection(vendor)
        conn_id = conn_id or known.conn_id
        # Loopback needs no proxy, whatever the environment says.
        extra = {"timeout": TIMEOUT, "proxies": {}, **known.extra, **changes.pop("extra", {})}
        fields = {**known.fields(self.url), **changes, "extra": extra}
        self._patch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))
        return conn_id

    def connect_all(self) -> None:
        """Define ``<vendor>_default`` for every vendor."""
        for known in self._connections:
            self.connect(known.mount)

    def mount(self, vendor: str) -> str:
        """
        Return the sandbox's own name of a vendor, such as ``omflow-1.2``.

        :raises LookupError: the sandbox has no such vendor
        """
        return self._connection(vendor).mount

    # What happens at a vendor.

    def effects(self, vendor: str) -> dict[str, Any]:
        """
        Return what really happened at a vendor in this test, by effect; and ``requests``, by endpoint.

        OMFlow counts ``opened``, ``pushed``, ``deleted`` and ``uploaded``; MyBPM ``created``, ``updated``,
        ``linked`` and ``unlinked``; the others likewise.
        """
        return self.control.effects(self.mount(vendor))

    def records(self, vendor: str) -> list[dict[str, Any]]:
        """
        Return what a vendor holds, in the order in which it came.

        Each has ``kind``, ``id``, ``state`` (``running``, ``waiting``, ``failed`` or ``finished``),
        ``standing``, ``stops``, ``fields``, ``files``, ``error``, and ``actions``, which a person could do
        now and :meth:`command` does.
        """
        return self.control.records(self.mount(vendor))

    def command(self, vendor: str, command: str, **arguments: Any) -> Any:
        """Do what a person could do at the vendor: a command of the record's ``actions``."""
        return self.control.command(self.mount(vendor), command, **arguments)

    # Faults.

    def lose_answer(self, vendor: str, endpoint: str, *, times: int = 1) -> str:
        """
        Let the next requests take effect, and lose their answers: the connection is reset.

        :param endpoint: such as ``open``, ``push``, ``start``, or ``any``; a wrong one is refused with a
            message that lists all
        :returns: the fault, for :meth:`struck`
        """
        return self.fault(vendor, endpoint, "lost_answer", times=times)

    def lose_request(self, vendor: str, endpoint: str, *, times: int = 1) -> str:
        """
        Lose the next requests before they take effect; to the client it looks like a lost answer.

        An operator is sure only after ``settle`` seconds that nothing arrived; see :meth:`settle_after`.

        :returns: the fault, for :meth:`struck`
        """
        return self.fault(vendor, endpoint, "reset_before", times=times)

    def throttle(self, vendor: str, endpoint: str, *, times: int = 1, retry_after: float = 1) -> str:
        """
        Refuse the next requests with 429.

        :param retry_after: seconds that the vendor asks for
        :returns: the fault, for :meth:`struck`
        """
        return self.fault(vendor, endpoint, "throttled", times=times, retry_after=f"{retry_after:.0f}")

    def fault(self, vendor: str, endpoint: str, kind: str, **details: Any) -> str:
        """
        Order any fault of the sandbox; arguments are those of ``Control.fault``.

        :returns: the fault, for :meth:`struck`
        """
        return self.control.fault(self.mount(vendor), endpoint, kind, **details)

    def struck(self, fault: str) -> int:
        """Return how many requests a fault has struck: a test of a fault that struck none proves nothing."""
        return self.control.hits(fault)

    # Time.

    def settle_after(self, seconds: float) -> None:
        """
        Let operators be sure after ``seconds`` that what the vendor does not show has never arrived.

        Against a real vendor that takes ``settle``, and never less than the connection's timeout and 15 s
        more, since a request may be under way that long. In the sandbox none is, unless a fault of kind
        ``late_effect`` says so. It holds in this process, so in ``dag.test()`` and ``execute()``, until the
        test ends.
        """
        from airflow_provider_workflows.base.operator import OnceOperator

        self._patch.setattr(OnceOperator, "settles_after", lambda task: float(seconds))

    def advance(self, seconds: float) -> None:
        """Move the vendors' clock forward: their latencies, deadlines and sessions; not Airflow's."""
        self.control.advance(seconds)

    def restart(self, vendor: str) -> None:
        """Restart a vendor's server: sessions are lost, interrupted work begins again."""
        self.control.restart(self.mount(vendor))

    def _connection(self, vendor: str) -> SandboxConnection:
        by_name = {
            name.casefold(): known
            for known in self._connections
            for name in (known.conn_type, known.vendor, known.vendor.partition(" ")[0], known.mount)
        }
        if (current := by_name.get("omflow")) is not None:
            older = {**current.extra, "server_version": "1.1"}
            by_name["omflow-1.1"] = replace(current, mount="omflow-1.1", extra=older)
        try:
            return by_name[vendor.casefold()]
        except KeyError:
            raise LookupError(f"the sandbox has no {vendor!r}; there are {', '.join(by_name)}") from None


@dataclass(frozen=True)
class _Running:
    server: SandboxServer
    connections: tuple[SandboxConnection, ...]


class Sandboxes:
    """The sandboxes of a test run: one for each declaration, started when first asked for."""

    def __init__(self) -> None:
        self._running: dict[str, _Running] = {}
        self._stop = contextlib.ExitStack()

    def empty(self, source: Source, patch: pytest.MonkeyPatch) -> WorkflowSandbox:
        """
        Return a sandbox as if fresh, with its connections set.

        :param source: its declaration
        :param patch: undone when the test ends
        :raises DeclarationError: the declaration cannot be used
        :raises ModuleNotFoundError: the extra ``sandbox`` is not installed
        """
        running = self._of(load_declaration(source))
        running.server.control.reset()
        _begin_as_new_process()
        sandbox = WorkflowSandbox(running.server, running.connections, patch)
        sandbox.connect_all()
        return sandbox

    def stop(self) -> None:
        """Stop them all."""
        self._stop.close()

    def _of(self, declaration: Mapping[str, Any]) -> _Running:
        from airflow_provider_workflows.sandbox.server import SandboxServer

        # Dates are the only values of TOML that JSON has no word for.
        key = json.dumps(declaration, sort_keys=True, default=str)
        if key not in self._running:
            server = self._stop.enter_context(SandboxServer(declaration))
            self._running[key] = _Running(server, ready_connections(dict(declaration)))
        return self._running[key]


def _begin_as_new_process() -> None:
    """Forget the sessions of earlier tests, as the sandbox has; what was never imported has none."""
    credentials = sys.modules.get("airflow_provider_workflows.transport.credentials")
    if credentials is not None:
        credentials.forget()
