"""
Robusta's connector API as operations: start a process, get its status.

No other call was found, and so none to stop or remove anything. "Vendor documentation" is the vendor's forum
page and its Turkish original; "a public client" is a C# program that somebody published, who need not be the
vendor. What none of them says is marked as such, with what would show it wrong.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.core.protocol.message import Reply, Request, quoted, refusal
from airflow_provider_workflows.core.protocol.operation import Operation, Sleep
from airflow_provider_workflows.core.protocol.secret import Secret
from airflow_provider_workflows.exceptions import InvalidInput, NotFound, WorkflowError
from airflow_provider_workflows.robusta.api.answer import Started, Status, is_spid, read_started, read_status
from airflow_provider_workflows.robusta.api.start_body import check_not_past, start_body

if TYPE_CHECKING:
    import pendulum

VENDOR = "Robusta RPA"
#: All lower case (the Turkish page, a public client); the translated documentation has capitals.
BASE = "/scheduler/connector-api/process"
#: A SPID that no process has, because random UUIDs are never all zeros.
NO_PROCESS = "00000000-0000-0000-0000-000000000000"
#: Seconds between two requests for a process that the server does not know yet.
REPEAT_AFTER = 1.0


class RobustaApi:
    """
    The API of one Robusta Orchestrator, as one API user.

    :param zone: time zone in which the server reads dates, which have no offset; None if not known
    """

    def __init__(self, *, login: str, password: str, zone: pendulum.Timezone | None = None) -> None:
        self.login = login
        self.zone = zone
        basic = Secret(base64.b64encode(f"{login}:{password}".encode()).decode())
        self._headers = {"Authorization": Secret(f"Basic {basic}")}
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
        Start or schedule a process; sent only once, because every call saves another process and no call can
        find it again.

        :param process_name: name of the process model
        :param worker: id of the worker, from "Parameters" in the Scheduler; None leaves it out, and the
            effect of that is not documented
        :param values: input parameters; converted to text
        :param run_once: whether to run the process a single time
        :param run_immediately: whether to run the process now, instead of according to the schedule
        :param quartz_def: Quartz cron expression
        :param schedule_start: aware datetime before which a scheduled process does not run
        :param schedule_end: aware datetime after which a scheduled process does not run
        :param retry_count: how often Robusta itself repeats a failed run
        :param allow_recurring: allow ``run_once=False``, which creates a schedule that no API can remove
        :raises InvalidInput: an argument is invalid; nothing was sent
        :raises OutcomeUnknown: no usable answer
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
        return (yield from self.start(body))

    def start(self, body: Mapping[str, Any]) -> Operation[Started]:
        """
        Start a process as :meth:`start_process` does, with what :meth:`start_body` has returned.

        :raises InvalidInput: it asks for a time that is over
        """
        check_not_past(body, zone=self.zone or dt.UTC, now=dt.datetime.now(dt.UTC))
        request = self._request("start process", "POST", f"{BASE}/start", repeatable=False, json=body)
        return read_started(request, (yield request))

    def start_body(self, **arguments: Any) -> dict[str, Any]:
        """
        Return the body that :meth:`start_process` sends for the same arguments.

        :raises InvalidInput: an argument is invalid; the message names it
        :raises InvalidConnection: a date is given, but the connection has no time zone
        """
        return start_body(**arguments, zone=self.zone)

    def process_status(self, spid: str, *, grace: float = 0) -> Operation[Status]:
        """
        Get the status of a process.

        Assumption: a SPID that the server does not know is answered with 404, also right after a start. Wrong
        if another error, or no error, comes for a SPID that does not exist.

        :param grace: seconds to repeat the request while the server does not know the SPID
        :raises NotFound: the server does not know the SPID
        """
        request = self._status_request(spid)
        attempts = 1 + int(max(0.0, grace) / REPEAT_AFTER)
        while True:
            reply: Reply = yield request
            attempts -= 1
            if reply.status != 404:
                return read_status(request, reply)
            if attempts <= 0:
                raise request.failure(NotFound, "Robusta does not know this SPID", reply=reply)
            yield Sleep(REPEAT_AFTER)

    def reach(self) -> Operation[None]:
        """
        Check that a server answers and does not refuse the login outright.

        No documented call checks a login. This one reads the status of a process that does not exist. The
        answer is not documented either, so only an explicit refusal of the login counts, and any other answer
        from the server itself only shows that it is there.

        :raises WorkflowError: nothing answers, or the login was refused
        """
        request = self._status_request(NO_PROCESS, expects_json=False)
        try:
            reply: Reply = yield request
        except WorkflowError as error:
            # 502 to 504 come from a gateway, not from the server.
            if error.status != 500:
                raise
            return
        if reply.status in (401, 403, 407):
            raise refusal(request, reply)

    def _status_request(self, spid: str, *, expects_json: bool = True) -> Request:
        path = f"{BASE}/status/{quoted(checked_spid(spid))}"
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
    Return a SPID, checked.

    :raises InvalidInput: it cannot be a SPID; a template without a value renders ``None``
    """
    text = spid.strip() if isinstance(spid, str) else ""
    if not is_spid(text):
        raise InvalidInput(f"spid must be a SPID as returned by the start, a UUID, got {spid!r:.100}")
    return text
