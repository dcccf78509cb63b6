"""Client of the sandbox's control API. Standard library only, so that a test may import it anywhere."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any


class ControlError(RuntimeError):
    """The sandbox refused a command; the text says why."""


class Effects(dict[str, Any]):
    """Counts by effect. An effect that the vendor does not have is an error that names those that it has."""

    def __missing__(self, name: str) -> Any:
        known = ", ".join(map(repr, sorted(self)))
        raise ControlError(f"There is no effect {name!r}; there are {known}")


class Control:
    """
    Steers a running sandbox.

    :param url: address of the sandbox, for example ``http://127.0.0.1:8099``.
    :param timeout: for each command, in seconds.

    Vendors are named by their mounts, for example ``omflow-1.2``.
    Every method raises :class:`ControlError` when the sandbox refuses.
    """

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout
        # Never through a proxy of the environment; and the sandbox's own certificate needs no authority.
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting)
        )

    def fault(
        self,
        vendor: str,
        endpoint: str,
        kind: str,
        *,
        times: int = 1,
        skip: int = 0,
        every: int = 1,
        per_tag: bool = False,
        effect: bool | None = None,
        seconds: float | None = None,
        retry_after: int | str | None = None,
        status: int | None = None,
        body: str | None = None,
        containing: str | None = None,
        lasts: float | None = None,
    ) -> str:
        """
        Order a fault.

        :param endpoint: the vendor's endpoint, or ``any``.
        :param kind: one of the kinds in ``sandbox.faults``.
        :param times: how many requests it strikes.
        :param skip: how many matching requests pass unharmed first.
        :param every: after those, it strikes each request of this number: 2 spares one and takes the next.
        :param per_tag: it strikes nothing without a tag, and no tag that such a fault has struck; see
            :meth:`watch`.
        :param effect: whether the vendor does the work (``bad_gateway``, ``body``, ``echo``, ``not_json``
            and ``status``; no).
        :param seconds: real time of ``slow`` and ``late_effect`` (1).
        :param retry_after: of ``throttled`` and ``unavailable``: seconds or an HTTP date.
        :param status: HTTP status of kind ``status`` or ``echo`` (500), or ``body`` (200).
        :param body: body of the answer of kind ``body``, JSON as text, which is sent as it is.
        :param containing: strike only requests whose path or body contains this text.
        :param lasts: strike every matching request for so many seconds of the sandbox's clock, whatever
            ``times`` says.
        :returns: the id of the fault.
        """
        order = {
            "vendor": vendor,
            "endpoint": endpoint,
            "kind": kind,
            "times": times,
            "skip": skip,
            "every": every,
            "per_tag": per_tag,
            "effect": effect,
            "seconds": seconds,
            "retry_after": retry_after,
            "status": status,
            "body": body,
            "containing": containing,
            "lasts": lasts,
        }
        return str(self._ask("POST", "faults", order))

    def hits(self, fault_id: str) -> int:
        """How many requests a fault has really struck."""
        return int(self._ask("GET", f"faults/{_quoted(fault_id)}")["hits"])

    def faults(self) -> list[dict[str, Any]]:
        """All faults ordered, spent ones included."""
        return list(self._ask("GET", "faults"))

    def clear_faults(self) -> None:
        """Forget all faults and their hits."""
        self._ask("DELETE", "faults")

    def advance(self, seconds: float) -> float:
        """
        Move the sandbox's clock forward.

        :returns: the sandbox's time, in seconds since the epoch.
        """
        return float(self._ask("POST", "advance", {"seconds": seconds}))

    def restart(self, vendor: str) -> None:
        """Restart a vendor's server: what it keeps in memory is lost, interrupted work begins again."""
        self._ask("POST", f"vendors/{_quoted(vendor)}/restart")

    def reset(self) -> None:
        """Back to the declared beginning: no orders, no faults, counters at zero. Time goes on."""
        self._ask("POST", "reset")

    def effects(self, vendor: str) -> Effects:
        """Return what requests have done since the last reset, by effect; and ``requests``, by endpoint."""
        return Effects(self._ask("GET", f"vendors/{_quoted(vendor)}/effects"))

    def requests(self, vendor: str) -> list[dict[str, Any]]:
        """Return the latest requests, oldest first, without anything secret."""
        return list(self._ask("GET", f"vendors/{_quoted(vendor)}/requests"))

    def watch(self, vendor: str, pattern: str) -> None:
        """
        Note, until the next reset, every request whose body has a match of a pattern: its tag.

        :param pattern: regular expression of what the test puts into each of its requests, and no secret.
        """
        self._ask("POST", f"vendors/{_quoted(vendor)}/watch", {"pattern": pattern})

    def sent(self, vendor: str) -> list[dict[str, Any]]:
        """Return the requests with a tag, oldest first: ``tag``, ``endpoint``, and ``at``, epoch seconds."""
        return list(self._ask("GET", f"vendors/{_quoted(vendor)}/sent"))

    def stops(self, vendor: str) -> dict[str, list[str]]:
        """
        Return where a vendor's records may wait for a person, and the labels of what can be done there.

        Under an empty text, what can be done to a record as a whole.
        """
        return dict(self._ask("GET", f"vendors/{_quoted(vendor)}/stops"))

    def plan(self, vendor: str) -> dict[str, Any]:
        """
        Return the plan of a vendor's accounts, and what they have used of it.

        :returns: ``requests_per_second``, ``counting``, and ``accounts``: by name, how many requests were
            ``counted``, which are those that were let in, and how many were ``refused``, both since the plan
            was set or the last reset.
        """
        return dict(self._ask("GET", f"vendors/{_quoted(vendor)}/plan"))

    def set_plan(
        self, vendor: str, requests_per_second: float | None, counting: str = "minimum_distance"
    ) -> None:
        """
        Set the plan of a vendor's accounts until the next reset; it begins with no request counted.

        :param requests_per_second: that each account may send; None for no limit, 0 for none at all.
        :param counting: how they are counted: ``minimum_distance``, ``fixed_second``, ``sliding_second`` or
            ``token_bucket``.
        """
        plan = {"requests_per_second": requests_per_second, "counting": counting}
        self._ask("PUT", f"vendors/{_quoted(vendor)}/plan", plan)

    def issued(self, vendor: str) -> list[str]:
        """
        Return what was issued since the last reset: an OMFlow's security codes, a MyBPM's session tokens.

        They are secrets: for a test that looks whether any of them got anywhere.
        """
        return list(self.command(vendor, "issued"))

    def records(self, vendor: str | None = None) -> list[dict[str, Any]]:
        """
        Return what one vendor holds, or all: orders with their state, stops passed, fields and files.

        ``actions`` of a record are the commands that a person could give now, with their arguments. Its
        command takes the ``inputs`` of an action as ``values``, by name.
        """
        query = "" if vendor is None else f"?vendor={_quoted(vendor)}"
        return list(self._ask("GET", f"records{query}"))

    def command(self, vendor: str, command: str, **arguments: Any) -> Any:
        """Carry out a command that only this vendor knows."""
        return self._ask("POST", f"vendors/{_quoted(vendor)}/commands/{_quoted(command)}", arguments)

    def push(
        self,
        vendor: str,
        api_path: str,
        data_id: int | str,
        *,
        quick_action: str | None = None,
        values: Mapping[str, str] | None = None,
    ) -> None:
        """
        Push an OMFlow order by hand, as a person would in the vendor's own pages.

        :param quick_action: the one to press, such as ``action1``.
        :param values: what to fill in, by field; the rules of the form apply to it.
        """
        filled = {} if values is None else {"values": dict(values)}
        self.command(vendor, "push", api_path=api_path, data_id=data_id, quick_action=quick_action, **filled)

    def add_user(
        self,
        vendor: str,
        name: str,
        password: str,
        *,
        rights: list[str] | dict[str, list[str]] | None = None,
        active: bool = True,
    ) -> None:
        """
        Add an OMFlow user.

        :param rights: of ``add``, ``modify``, ``view``, ``delete`` and ``design``, for all processes or by
            process; none if None.
        """
        self.command(vendor, "add_user", name=name, password=password, rights=rights or [], active=active)

    def remove_user(self, vendor: str, name: str) -> None:
        """Remove an OMFlow user."""
        self.command(vendor, "remove_user", name=name)

    def set_process(
        self,
        vendor: str,
        api_path: str,
        *,
        enabled: bool | None = None,
        deployed: bool | None = None,
        api: bool | None = None,
        input_mapped: bool | None = None,
    ) -> None:
        """
        Switch an OMFlow process; what is None stays.

        :param enabled: whether orders may be opened and pushed.
        :param deployed: whether the server knows it at all.
        :param api: whether it may be called by API.
        :param input_mapped: whether a validation at its start has an input mapping.
        """
        flags = {"enabled": enabled, "deployed": deployed, "api": api, "input_mapped": input_mapped}
        self.command(vendor, "set_process", api_path=api_path, **flags)

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_control/{path}", data=data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise ControlError(_reason(error)) from None


def _quoted(name: str) -> str:
    return urllib.parse.quote(name, safe="")


def _reason(error: urllib.error.HTTPError) -> str:
    text = error.read().decode("utf-8", "replace")
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.code}: {text[:500]}"
