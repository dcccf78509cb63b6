"""
Robusta's connector API as operations: start a process, ask for its status.

Those two are all that any source names. "Vendor documentation" is the vendor's forum page and its Turkish
original, "vendor's sample code" one public C# integration. There is no call to stop or remove anything.
"""

from __future__ import annotations

import base64
import re
from typing import Any

import pendulum

from airflow_provider_workflows.protocol.errors import InvalidInput, NotFound, WorkflowError
from airflow_provider_workflows.protocol.message import Reply, Request
from airflow_provider_workflows.protocol.operation import Operation, Sleep
from airflow_provider_workflows.protocol.status import refusal
from airflow_provider_workflows.robusta.answer import Started, Status, read_started, read_status
from airflow_provider_workflows.robusta.process import start_body

VENDOR = "Robusta RPA"
#: In lower case throughout (vendor's sample code); the documentation's translation has capitals in it.
BASE = "/scheduler/connector-api/process"
#: A SPID that no process has: random UUIDs are never all zeros.
NOBODY = "00000000-0000-0000-0000-000000000000"
#: Seconds between two looks for a process that has yet to appear.
LOOK_AGAIN = 1.0
_SPID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]*")


class RobustaApi:
    """
    The calls of one Robusta Orchestrator, as one API user.

    :param zone: in which the server reads dates, which carry none; None if that is not known
    """

    def __init__(self, *, login: str, password: str, zone: pendulum.Timezone | None = None) -> None:
        self.login = login
        self.zone = zone
        basic = base64.b64encode(f"{login}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {basic}"}
        self._secrets = (password, basic)

    def start_process(
        self,
        process_name: str,
        *,
        worker: str | int | None,
        values: Any = None,
        run_once: Any = True,
        run_immediately: Any = True,
        quartz_def: str | None = None,
        schedule_start: Any = None,
        schedule_end: Any = None,
        retry_count: Any = None,
        allow_recurring: Any = False,
    ) -> Operation[Started]:
        """
        Start a process, or leave a schedule of it; once only, since each call saves another one and no call
        finds it again.

        :param process_name: name of the process model
        :param worker: id of the worker, from the Scheduler's "Parameters"; None leaves it out, and what
            Robusta does then is not documented
        :param values: input parameters; become text
        :param run_once: a single time
        :param run_immediately: now, instead of when the schedule says
        :param quartz_def: Quartz cron expression
        :param schedule_start: aware datetime before which a scheduled process does not run
        :param schedule_end: aware datetime after which it does not
        :param retry_count: how often Robusta itself repeats a run that failed
        :param allow_recurring: let ``run_once=False`` pass, which leaves a schedule that no API can remove
        :raises InvalidInput: names the argument; nothing was sent
        :raises OutcomeUnknown: the answer is lost
        """
        body = self.start_body(
            process_name=process_name,
            worker=worker,
            values=values,
            run_once=run_once,
            run_immediately=run_immediately,
            quartz_def=quartz_def,
            schedule_start=schedule_start,
            schedule_end=schedule_end,
            retry_count=retry_count,
            allow_recurring=allow_recurring,
        )
        request = self._request("start process", "POST", f"{BASE}/start", repeatable=False, json=body)
        return read_started(request, (yield request))

    def start_body(self, **arguments: Any) -> dict[str, Any]:
        """
        Return what :meth:`start_process` would send for the same arguments.

        :raises InvalidInput: names the argument
        :raises InvalidConnection: a date is given, but the connection says no time zone
        """
        return start_body(**arguments, zone=self.zone)

    def process_status(self, spid: str, *, grace: float = 0) -> Operation[Status]:
        """
        Ask where a process stands.

        :param grace: seconds to look again for a SPID that the server does not know; right after a start it
            might not know it yet (assumption)
        :raises NotFound: the server does not know the SPID
        """
        request = self._status_request(spid)
        looks = 1 + int(max(0.0, grace) / LOOK_AGAIN)
        while True:
            reply: Reply = yield request
            looks -= 1
            if reply.status != 404:
                return read_status(request, reply)
            if looks <= 0:
                raise request.failure(NotFound, "Robusta does not know this SPID", reply=reply)
            yield Sleep(LOOK_AGAIN)

    def reach(self) -> Operation[None]:
        """
        Find out that a server is there and does not refuse the login outright.

        No call is documented that would check a login. This asks for the status of a process that nobody
        has: it reads and nothing more. What Robusta answers to it is not documented either, so only a plain
        no to the login counts, and any other answer of the server's own says no more than that it is there.

        :raises WorkflowError: nobody answers, or the login is refused
        """
        request = self._status_request(NOBODY, expects_json=False)
        try:
            reply: Reply = yield request
        except WorkflowError as error:
            # A gateway answers 502 to 504 in the server's place.
            if error.status != 500:
                raise
            return
        if reply.status in (401, 403, 407):
            raise refusal(request, reply)

    def _status_request(self, spid: str, *, expects_json: bool = True) -> Request:
        path = f"{BASE}/status/{checked_spid(spid)}"
        return self._request("process status", "GET", path, repeatable=True, expects_json=expects_json)

    def _request(self, operation: str, method: str, path: str, *, repeatable: bool, **more: Any) -> Request:
        return Request(
            vendor=VENDOR,
            operation=operation,
            method=method,
            path=path,
            repeatable=repeatable,
            headers=self._headers,
            secrets=self._secrets,
            **more,
        )


def checked_spid(spid: Any) -> str:
    """
    Return a SPID.

    :raises InvalidInput: it cannot be one; a template that found nothing renders ``None``
    """
    text = spid.strip() if isinstance(spid, str) else ""
    if text == "None" or not _SPID.fullmatch(text):
        raise InvalidInput(f"spid must be a SPID as the start returned it, a UUID; got {spid!r}")
    return text
