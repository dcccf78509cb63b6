"""The sandbox in tests: vendors to call, faults to inject, effects to assert. See docs/testing.md."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.sandbox.connections import SandboxConnection, ready_connections
from airflow_provider_workflows.sandbox.registry import Source, load_declaration

if TYPE_CHECKING:
    import pytest

    from airflow_provider_workflows.sandbox.control import Control
    from airflow_provider_workflows.sandbox.server import SandboxServer

#: Timeout of a test's connections, in seconds.
TIMEOUT = 5.0
#: Seconds between two looks of a person at the vendor.
LOOK = 0.1


class WorkflowSandbox:
    """
    The five vendors in one test: empty when it starts, with a connection to each.

    Vendor names are flexible: ``omflow``, ``OMFlow``, ``omflow-1.1``, ``Robusta RPA``. For what these helpers
    do not cover, use :attr:`control`; it accepts only the sandbox's own names, see :meth:`mount`.

    :param server: a running sandbox
    :param connections: connections to its vendors
    :param patch: undone when the test ends
    """

    def __init__(
        self, server: SandboxServer, connections: tuple[SandboxConnection, ...], patch: pytest.MonkeyPatch
    ) -> None:
        #: URL of the sandbox; a browser shows the vendors' records there.
        self.url: str = server.url
        #: The sandbox's complete control API.
        self.control: Control = server.control
        self._connections = connections
        self._patch = patch
        self._options = contextlib.ExitStack()
        self._people: list[_Person] = []

    # Connections.

    def connect(self, vendor: str, conn_id: str | None = None, **changes: Any) -> str:
        """
        Define a connection to a vendor until the test ends, and return its id.

        It is set as the environment variable ``AIRFLOW_CONN_<ID>``. Each vendor has a connection
        ``<vendor>_default`` from the start.

        :param vendor: name of the vendor; ``omflow-1.1`` is OMFlow in the older version
        :param conn_id: id of the connection; ``<vendor>_default`` if None
        :param changes: fields to change, such as ``password="wrong"``; ``extra`` is merged into the default
            one, in which ``timeout`` is 5 s
        :raises LookupError: the sandbox has no such vendor
        """
        known = self._connection(vendor)
        conn_id = conn_id or known.conn_id
        # No proxy for loopback, even if the environment has one.
        extra = {"timeout": TIMEOUT, "proxies": {}, **known.extra, **changes.pop("extra", {})}
        fields = {**known.fields(self.url), **changes, "extra": extra}
        self._patch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))
        forget_connections()
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
        Return how often each effect really happened at a vendor in this test, and ``requests`` by endpoint.

        OMFlow counts ``opened``, ``pushed``, ``deleted`` and ``uploaded``; MyBPM ``created``, ``updated``,
        ``linked`` and ``unlinked``; the others similarly.
        """
        return self.control.effects(self.mount(vendor))

    def records(self, vendor: str) -> list[dict[str, Any]]:
        """
        Return a vendor's records, oldest first.

        Each has ``kind``, ``id``, ``state`` (``running``, ``waiting``, ``failed`` or ``finished``),
        ``standing``, ``stops``, ``fields``, ``files``, ``error``, ``process``, ``title``, ``labels`` of its
        fields, ``history``, and ``actions``: what a person could do now, and :meth:`command` can do.
        """
        return self.control.records(self.mount(vendor))

    def command(self, vendor: str, command: str, **arguments: Any) -> Any:
        """
        Do what a person could do at the vendor: one of the record's ``actions``.

        :param arguments: those of the action; and ``values``, by name, if it has ``inputs`` to fill in
        """
        return self.control.command(self.mount(vendor), command, **arguments)

    def person(self, vendor: str, *, at: str = "", action: str = "", after: float = 0) -> None:
        """
        Let somebody act on every record that waits, from now until the test ends.

        They do their part in a thread, so that ``dag.test()`` can wait for them in this one.

        :param at: the stop, activity or step at which a record must wait; any if empty
        :param action: words of the label of the action to take, one of the record's ``actions``; the first if
            empty. If a record does not have it just then, the test ends with an error
        :param after: seconds on the vendors' clock for which a record waits first; see :meth:`advance`
        :raises LookupError: there is no such vendor; or its processes have no such stop, or no such action
            there
        """
        mount = self.mount(vendor)
        _check_person(vendor, self.control.stops(mount), at=at, action=action)
        somebody = _Person(self.control, mount, at=at, action=action, after=after)
        self._people.append(somebody)
        somebody.start()

    # Faults.

    def lose_answer(self, vendor: str, endpoint: str, *, times: int = 1) -> str:
        """
        Let the next requests take effect but lose their answers: the connection is reset.

        :param endpoint: such as ``open``, ``push``, ``start`` or ``any``; the error for an unknown one lists
            all
        :returns: the fault, for :meth:`struck`
        """
        return self.fault(vendor, endpoint, "lost_answer", times=times)

    def lose_request(self, vendor: str, endpoint: str, *, times: int = 1) -> str:
        """
        Lose the next requests before they take effect; for the client, this looks like a lost answer.

        An operator waits ``settle`` seconds before it concludes that nothing arrived; see
        :meth:`settle_after`.

        :returns: the fault, for :meth:`struck`
        """
        return self.fault(vendor, endpoint, "reset_before", times=times)

    def throttle(self, vendor: str, endpoint: str, *, times: int = 1, retry_after: float = 1) -> str:
        """
        Refuse the next requests with 429.

        :param retry_after: seconds that the vendor asks to wait
        :returns: the fault, for :meth:`struck`
        """
        return self.fault(vendor, endpoint, "throttled", times=times, retry_after=f"{retry_after:.0f}")

    def fault(self, vendor: str, endpoint: str, kind: str, **details: Any) -> str:
        """
        Inject any fault of the sandbox; the arguments are those of ``Control.fault``.

        :returns: the fault, for :meth:`struck`
        """
        return self.control.fault(self.mount(vendor), endpoint, kind, **details)

    def struck(self, fault: str) -> int:
        """Return how many requests a fault has hit: a test with a fault that hit none proves nothing."""
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
        from airflow_provider_workflows.core.submission.terms import options

        self._options.enter_context(options(settle=float(seconds)))

    def close(self) -> None:
        """
        Undo :meth:`settle_after` and send every :meth:`person` home, as the end of the test does.

        :raises LookupError: a person found no action with their words
        :raises ControlError: the sandbox refused what a person did
        """
        self._options.close()
        people, self._people = self._people, []
        for somebody in people:
            somebody.go_home()

    def advance(self, seconds: float) -> None:
        """Move the vendors' clock forward, for latencies, deadlines and sessions; not Airflow's clock."""
        self.control.advance(seconds)

    def restart(self, vendor: str) -> None:
        """Restart a vendor's server: sessions are lost, and interrupted work starts again."""
        self.control.restart(self.mount(vendor))

    def _connection(self, vendor: str) -> SandboxConnection:
        by_name = {
            name.casefold(): known
            for known in self._connections
            for name in (known.conn_type, known.vendor, known.vendor.partition(" ")[0], known.mount)
        }
        by_name |= {other.mount.casefold(): other for known in self._connections for other in known.others}
        try:
            return by_name[vendor.casefold()]
        except KeyError:
            raise LookupError(
                f"the sandbox has no vendor {vendor!r}. Known names: {', '.join(by_name)}"
            ) from None


def _check_person(vendor: str, stops: Mapping[str, Collection[str]], *, at: str, action: str) -> None:
    """Refuse a stop or an action that no process has: whoever waits there would wait for ever."""
    names = [stop for stop in stops if stop]
    if at and at not in names:
        known = ", ".join(map(repr, names)) or "none"
        raise LookupError(f"no process of {vendor} has a stop {at!r} for a person. Stops: {known}")
    places = (at, "") if at else stops
    labels = [label for place in places for label in stops.get(place, ())]
    if not any(action in label for label in labels):
        where = f"at {at!r}" if at else "at any stop"
        known = ", ".join(dict.fromkeys(map(repr, labels))) or "none"
        raise LookupError(f"{vendor} offers no action {action!r} {where}. Actions: {known}")


class _Person(threading.Thread):
    """Somebody at a vendor; the parameters are those of :meth:`WorkflowSandbox.person`."""

    def __init__(self, control: Control, mount: str, *, at: str, action: str, after: float) -> None:
        super().__init__(name=f"a person at {mount}", daemon=True)
        self._control = control
        self._mount = mount
        self._at, self._action, self._after = at, action, after
        self._home = threading.Event()
        #: When each record was first seen to wait at its stop, by the vendors' clock.
        self._seen: dict[str, float] = {}
        self._done: set[str] = set()
        self._error: Exception | None = None

    def run(self) -> None:
        try:
            while not self._home.wait(LOOK):
                self._look()
        except Exception as error:
            self._error = error

    def go_home(self) -> None:
        self._home.set()
        self.join()
        if self._error is not None:
            raise self._error

    def _look(self) -> None:
        now = self._control.advance(0)
        for record in self._control.records(self._mount):
            if record["state"] == "waiting" and (not self._at or self._at in record["standing"]):
                visit = self._visit(record)
                since = self._seen.setdefault(visit, now)
                if visit not in self._done and now - since >= self._after:
                    self._done.add(visit)
                    self._act(record)

    def _visit(self, record: dict[str, Any]) -> str:
        """Return what tells a record's wait from its earlier ones: it may come back to a stop."""
        place = record["stops"].count(self._at) if self._at else [record["stops"], record["standing"]]
        return json.dumps([record["id"], place])

    def _act(self, record: dict[str, Any]) -> None:
        places = ("", self._at)
        offered = [one for one in record["actions"] if not self._at or one.get("at", "") in places]
        chosen = next((one for one in offered if self._action in one["label"]), None)
        if chosen is None:
            labels = ", ".join(one["label"] for one in offered) or "none"
            raise LookupError(
                f"{record['kind']} {record['id']} has no action {self._action!r}. Actions: {labels}"
            )
        self._control.command(self._mount, chosen["command"], **chosen["arguments"])


@dataclass(frozen=True)
class _Running:
    server: SandboxServer
    connections: tuple[SandboxConnection, ...]


class Sandboxes:
    """The sandboxes of a test run: one for each declaration, started on first use."""

    def __init__(self) -> None:
        self._running: dict[str, _Running] = {}
        self._stop = contextlib.ExitStack()

    def empty(self, source: Source, patch: pytest.MonkeyPatch) -> WorkflowSandbox:
        """
        Return an empty sandbox, with its connections set.

        :param source: its declaration
        :param patch: undone when the test ends
        :raises DeclarationError: the declaration cannot be used
        :raises ModuleNotFoundError: the extra ``sandbox`` is not installed
        """
        running = self._of(load_declaration(source))
        running.server.control.reset()
        forget_connections()
        sandbox = WorkflowSandbox(running.server, running.connections, patch)
        sandbox.connect_all()
        return sandbox

    def stop(self) -> None:
        """Stop all sandboxes."""
        self._stop.close()

    def _of(self, declaration: Mapping[str, Any]) -> _Running:
        from airflow_provider_workflows.sandbox.server import SandboxServer

        # Dates are the only TOML values without a JSON equivalent.
        key = json.dumps(declaration, sort_keys=True, default=str)
        if key not in self._running:
            server = self._stop.enter_context(SandboxServer(declaration))
            self._running[key] = _Running(server, ready_connections(dict(declaration)))
        return self._running[key]


def forget_connections() -> None:
    """Forget what this process knows of connections, sessions included, unless it was never imported."""
    cache = sys.modules.get("airflow_provider_workflows.core.connection.cache")
    if cache is not None:
        cache.forget()
