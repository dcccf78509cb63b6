"""The sandbox as a whole: its clock, its faults, and the vendors that share them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from inspect import Parameter, signature
from typing import Any

from airflow_provider_workflows.sandbox import registry
from airflow_provider_workflows.sandbox.clock import Clock
from airflow_provider_workflows.sandbox.connections import SandboxConnection, ready_connections
from airflow_provider_workflows.sandbox.declaration import DeclarationError
from airflow_provider_workflows.sandbox.faults import FaultError, FaultRegistry
from airflow_provider_workflows.sandbox.plan import checked
from airflow_provider_workflows.sandbox.vendor import Command, CommandError, Double, Record


class Sandbox:
    """
    All state of one sandbox.

    :param processes: declaration file, or what it would hold; what the vendors bring with them if None.
    :raises DeclarationError: if the file cannot be read or says something impossible.
    """

    def __init__(self, processes: registry.Source = None) -> None:
        self.clock = Clock()
        self.faults = FaultRegistry()
        declaration = registry.with_accounts(registry.load_declaration(processes))
        self._vendors: dict[str, Double] = registry.build(declaration, self.clock)
        #: What people call each server, by name of its mount.
        self.titles: Mapping[str, str] = {name: registry.title_of(name) for name in self._vendors}
        self.connections: tuple[SandboxConnection, ...] = ready_connections(declaration)
        self._born = secrets.token_hex(4)
        self._changes = 0

    def changed(self) -> None:
        """Note that somebody has changed something other than by a request to a vendor."""
        self._changes += 1

    def revision(self) -> str:
        """Return a text that is another one as soon as anything that the desk shows has changed."""
        now = self.clock.now()
        done = [double.agenda.done for double in map(self.vendor, self._vendors)]
        seen = [double.journal.requests for double in self._vendors.values()]
        hits = [(fault.id, fault.hits, fault.is_over(now)) for fault in self.faults.all()]
        return f"{self._born}-{self._changes}-{sum(done)}-{sum(seen)}-{hash(tuple(hits)):x}"

    @property
    def vendors(self) -> Mapping[str, Double]:
        """The vendors by name of their mount."""
        return self._vendors

    def vendor(self, name: str) -> Double:
        """
        Return a vendor that has done all its due work.

        :raises CommandError: if there is no such vendor.
        """
        try:
            vendor = self._vendors[name]
        except KeyError:
            known = ", ".join(self._vendors)
            raise CommandError(f"no vendor {name!r} in this sandbox; there are {known}") from None
        vendor.agenda.run_due()
        return vendor

    def records(self, name: str | None = None) -> list[Record]:
        """Return what one vendor holds, or all of them."""
        names = list(self._vendors) if name is None else [name]
        return [record for each in names for record in self.vendor(each).records()]

    def order_fault(self, *, vendor: str, endpoint: str, kind: str, **settings: Any) -> str:
        """
        Order a fault; returns its id.

        :raises CommandError: if there is no such vendor, endpoint or kind.
        """
        names = self.vendor(vendor).endpoint_names
        if endpoint not in names:
            raise CommandError(f"{vendor} has no endpoint {endpoint!r}; there are {', '.join(names)}")
        if kind == "expired_login" and "expire_logins" not in self.vendor(vendor).commands:
            raise CommandError(f"{vendor} has no logins that expire")
        settings["ordered_at"] = self.clock.now()
        try:
            return self.faults.order(vendor=vendor, endpoint=endpoint, kind=kind, **settings).id
        except FaultError as error:
            raise CommandError(str(error)) from None

    def set_plan(self, vendor: str, requests_per_second: float | None, counting: str | None) -> None:
        """
        Set the plan of a vendor's accounts, which begins with no request counted.

        :raises CommandError: if there is no such vendor, or the plan means nothing.
        """
        try:
            self.changed()
            self.vendor(vendor).plan.change(*checked(requests_per_second, counting, place=vendor))
        except DeclarationError as error:
            raise CommandError(str(error)) from None

    def command(self, vendor: str, command: str, arguments: Mapping[str, Any]) -> Any:
        """
        Carry out a vendor's own command.

        :raises CommandError: if it is unknown or fails.
        """
        commands = self.vendor(vendor).commands
        if command not in commands:
            raise CommandError(f"{vendor} has no command {command!r}; there are {', '.join(commands)}")
        work = commands[command]
        try:
            signature(work).bind(**arguments)
        except TypeError as error:
            raise CommandError(f"{command}: {error}; it takes {_parameters(work)}") from None
        self.changed()
        try:
            return work(**arguments)
        except TypeError as error:
            raise CommandError(f"{command}: {error}") from None

    def advance(self, seconds: float) -> None:
        """
        Move the clock forward.

        :raises ValueError: if ``seconds`` is negative.
        """
        self.clock.advance(seconds)
        self.changed()

    def restart(self, vendor: str) -> None:
        """
        Restart a vendor's server.

        :raises CommandError: if there is no such vendor.
        """
        self.vendor(vendor).restart()
        self.changed()

    def reset(self) -> None:
        """Back to the declared beginning, without faults; the clock keeps its time."""
        self.changed()
        self.faults.clear()
        for vendor in self._vendors.values():
            vendor.reset()
            vendor.journal.reset()
            vendor.plan.reset()


def _parameters(command: Command) -> str:
    """Name what a command takes, for who has called it otherwise."""
    named = [
        str(one.name) if one.default is Parameter.empty else f"{one.name} (optional)"
        for one in signature(command).parameters.values()
        if one.kind is not Parameter.VAR_KEYWORD
    ]
    return ", ".join(named) or "nothing"
