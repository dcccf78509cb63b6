"""
BlizWork's API as operations.

Facts marked "vendor documentation" are from the vendor's website; facts marked "vendor's SDK" are what the
published Python wrapper, ``blizworkapi``, does where the documentation says nothing. What neither says is
marked as such, with what would show it wrong.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from airflow_provider_workflows.blizwork.api.answer import Judge, ResultCode, Row, payload, rows
from airflow_provider_workflows.blizwork.api.case import Case
from airflow_provider_workflows.blizwork.api.values import (
    acting,
    activity,
    case_number,
    identifier,
    mail,
    mapping,
    some_of,
)
from airflow_provider_workflows.core.protocol.message import Reply, Request
from airflow_provider_workflows.core.protocol.operation import Operation, Page
from airflow_provider_workflows.core.protocol.secret import Secret
from airflow_provider_workflows.exceptions import InvalidInput, NotFound, OutcomeUnknown, UnreadableAnswer

VENDOR = "BlizWork"
#: ``include`` value to read a case with its history, which shows the pending activity (vendor's SDK).
WITH_HISTORY = 2
#: Where calls work that have to name an environment if the connection names none.
PRODUCTION = "production"

#: The largest number of a case; Airflow's channels carry 64 bits.
LARGEST_NUMBER = 2**63 - 1


class BlizWorkApi:
    """
    The API of one organisation, as one user.

    The environment is sent with the same calls as in the vendor's SDK, which cannot open a case. The
    documentation of that call has no environment, so it is sent there only if it is set.

    Assumption: without an environment, BlizWork opens a case in production. Wrong if a new case
    appears among the drafts, or cannot be read.

    :param token: the organisation's token; the last segment of every URL (vendor documentation)
    :param user_id: e-mail address of an active and verified user
    :param company_id: the organisation's id
    :param environment: ``production``, or ``draft`` for the unpublished version of a process; None for
        production, without naming it when a case is opened
    :param rate: transactions per second of the organisation's plan; None if unknown or unlimited
    """

    def __init__(
        self,
        *,
        token: str,
        user_id: str,
        company_id: str,
        environment: str | None = None,
        rate: float | None = None,
    ) -> None:
        self._token = token
        self.user_id = user_id
        self.company_id = company_id
        self.environment = environment
        self.rate = rate
        self._judge = Judge(rate)

    # Cases.

    def init_case(
        self, workflow_id: str, *, exec_user_id: str | None = None, company_id: str | None = None
    ) -> Operation[int]:
        """
        Open a case and return its number; sent only once, because every call opens a case (vendor
        documentation).

        The call takes no form data.

        :param exec_user_id: e-mail address of the acting user, if it is not the connection's user; may belong
            to another organisation
        :param company_id: id of another organisation, instead of the connection's
        :raises OutcomeUnknown: no usable answer, or one without a case number
        """
        body = acting(workflow_id, exec_user_id=exec_user_id, company_id=company_id)
        return (yield from self.open_case(body))

    def open_case(self, body: Mapping[str, Any]) -> Operation[int]:
        """Open a case as :meth:`init_case` does, with what :func:`acting` has returned."""
        named = {"environment": self.environment} if self.environment else {}
        sent = {"companyId": self.company_id, "userId": self.user_id, **named, **body}
        request = self._request("init case", "/init/{}", sent, repeatable=False)
        reply: Reply = yield request
        number = reply.json.get("caseNumber")
        if isinstance(number, bool) or not isinstance(number, int) or not 0 < number <= LARGEST_NUMBER:
            raise request.failure(
                OutcomeUnknown, "BlizWork reported success, but returned no case number", reply=reply
            )
        return number

    def exec_activity(
        self,
        workflow_id: str,
        number: int | str,
        form_id: str,
        next_form_id: str,
        form_data: Any = None,
        *,
        attachments: Any = None,
        exec_user_id: str | None = None,
        company_id: str | None = None,
        skip_extensions: bool | None = None,
    ) -> Operation[None]:
        """
        Run the pending activity of a case; BlizWork runs it once, and the answer has no information about the
        case.

        It is sent only once nevertheless: in a process with a loop, the activity may be pending again when a
        second call arrives.

        :param number: number of the case
        :param form_id: id of the activity
        :param next_form_id: the chosen action, one of those that the process defines
        :param form_data: see :func:`~airflow_provider_workflows.blizwork.api.values.form_values`
        :param attachments: mapping from field to ``{"fileName", "fileUrl"}``
        :param exec_user_id: as in :meth:`init_case`
        :param company_id: as in :meth:`init_case`
        :param skip_extensions: True to skip webhooks (vendor's SDK)
        :raises WorkflowError: its ``code`` is one of
            :class:`~airflow_provider_workflows.blizwork.api.answer.ResultCode`
        """
        body = activity(
            workflow_id,
            number,
            form_id,
            next_form_id,
            form_data,
            attachments=attachments,
            exec_user_id=exec_user_id,
            company_id=company_id,
            skip_extensions=skip_extensions,
        )
        yield from self.run_activity(body)

    def run_activity(self, body: Mapping[str, Any]) -> Operation[None]:
        """Run an activity as :meth:`exec_activity` does, with what :func:`activity` has returned."""
        sent = {"companyId": self.company_id, **self._reading(), **body}
        yield self._request("exec activity", "/exec/{}", sent, repeatable=False)

    def load_case(
        self, workflow_id: str, number: int | str, *, include: int = WITH_HISTORY
    ) -> Operation[Case]:
        """
        Read a case.

        :param include: 0 for the case alone, 1 with its users, 2 with its history, 3 with its process, 4 with
            its organisation (vendor's SDK)
        """
        if include not in range(5):
            raise InvalidInput(f"include must be a number from 0 to 4, got {include!r}")
        body = {
            **self._reading(),
            "processId": identifier(workflow_id, "workflow_id"),
            "caseNumber": case_number(number),
            "include": include,
        }
        request = self._request("load case", "/process/case/{}/", body, repeatable=True)
        reply: Reply = yield request
        document = payload(request, reply)
        if not isinstance(document, Mapping):
            raise request.failure(UnreadableAnswer, "The answer has no case document", reply=reply)
        return Case(document)

    def list_cases(self, workflow_id: str, *, where: Any = None) -> Operation[Page[Row]]:
        """
        Return summaries of a process's cases: one page, with as many as one answer contains.

        Neither the syntax of the filter nor paging is documented, so the filter is sent unchanged, and the
        caller must check the rows.

        Assumption: one answer has all rows. Wrong if a filter that many cases meet returns a
        round number of rows.

        :param where: the vendor's ``filter``
        """
        body = {
            **self._reading(),
            "processId": identifier(workflow_id, "workflow_id"),
            "filter": mapping(where, "where"),
        }
        request = self._request("list cases", "/process/case-list/{}/", body, repeatable=True)
        return Page(tuple(rows(request, (yield request))))

    # Files.

    def upload_attachment(self, filename: str, content: bytes, *, module: str = "form") -> Operation[Any]:
        """
        Upload a file and return the payload of the answer, unchanged.

        Assumption: BlizWork takes the file as Base64 text. Neither the encoding nor the form of the answer is
        documented, and the vendor's SDK puts bytes into JSON, which is not possible. Wrong if
        BlizWork refuses the call, or if the uploaded file is Base64 text when a person opens it.

        The whole file is kept in memory. Sent only once, because a second call uploads a second file.
        """
        if not isinstance(content, bytes):
            raise InvalidInput(f"content must be bytes, got {type(content).__name__}")
        body = {
            "userId": self.user_id,
            "module": identifier(module, "module"),
            "filename": identifier(filename, "filename"),
            "file": base64.b64encode(content).decode(),
        }
        request = self._request("upload attachment", "/attachment/upload/{}/", body, repeatable=False)
        reply: Reply = yield request
        return reply.json.get("payload")

    # Mail.

    def send_notification(
        self, template: str, *, to: str | Sequence[str], params: Any = None
    ) -> Operation[None]:
        """
        Send a mail from a template; sent only once, because every call sends another mail (vendor
        documentation).

        :param to: addresses, as a sequence or separated by commas
        :param params: values of the template's parameters by name, such as ``p1``
        """
        yield from self.send_mail(mail(template, to=to, params=params))

    def send_mail(self, body: Mapping[str, Any]) -> Operation[None]:
        """Send a mail as :meth:`send_notification` does, with what :func:`mail` has returned."""
        yield self._request("send notification", "/utils/send-notification/{}", body, repeatable=False)

    # Master data.

    def list_master_data(self, table: str, *, where: Any = None) -> Operation[Page[Row]]:
        """
        Return rows of a master table: one page, with as many as one answer contains.

        :param where: the vendor's ``filter``, whose syntax is not documented; it is sent unchanged
        """
        body = {**self._of_table(table), "filter": mapping(where, "where")}
        request = self._request("query master data", "/master-data/{}/", body, repeatable=True)
        return Page(tuple(rows(request, (yield request))))

    def upsert_master_data(self, table: str, *, where: Any, update: Any) -> Operation[Any]:
        """
        Update the rows that match, or insert one if none matches (vendor documentation); repeatable.

        :param where: the vendor's ``filter``; an empty one, which may match every row, is refused
        :returns: the answer's payload, if there is one
        """
        body = {
            **self._of_table(table),
            "filter": some_of(where, "where"),
            "update": some_of(update, "update"),
        }
        reply: Reply = yield self._request(
            "upsert master data", "/master-data/upsert/{}/", body, repeatable=True
        )
        return reply.json.get("payload")

    def delete_master_data(self, table: str, *, where: Any) -> Operation[Any]:
        """
        Delete the rows that match; sent only once, because a repetition would also delete newer rows.

        :param where: the vendor's ``filter``; an empty one, which may match every row, is refused
        :returns: the answer's payload, if there is one
        """
        body = {**self._of_table(table), "filter": some_of(where, "where")}
        reply: Reply = yield self._request(
            "delete master data", "/master-data/delete/{}/", body, repeatable=False
        )
        return reply.json.get("payload")

    # The connection.

    def probe(self) -> Operation[str]:
        """
        Check the token and the user by reading a case of a process that cannot exist.

        BlizWork has no call for this. According to the documented result codes, the answer distinguishes an
        unknown process from an invalid token or user. It does not show whether the organisation's id is
        right.

        :raises AuthenticationFailed: the token is invalid or expired
        :raises PermissionDenied: the user is not registered or not authorised
        """
        try:
            yield from self.load_case("-", 0, include=0)
        except NotFound as error:
            if error.code not in (ResultCode.WORKFLOW_UNAVAILABLE, ResultCode.CASE_UNKNOWN):
                raise
        return f"BlizWork accepted the token and the user {self.user_id}"

    def _reading(self) -> dict[str, Any]:
        return {"userId": self.user_id, "environment": self.environment or PRODUCTION}

    def _of_table(self, table: str) -> dict[str, Any]:
        return {**self._reading(), "table": identifier(table, "table")}

    def _request(self, operation: str, path: str, body: Mapping[str, Any], *, repeatable: bool) -> Request:
        """
        Return a request.

        :param path: the path with ``{}`` for the token; it ends with or without a slash as in the vendor's
            documentation, or in the vendor's SDK where the documentation says nothing
        """
        return Request(
            vendor=VENDOR,
            operation=operation,
            method="POST",
            path=Secret(path.format(quote(self._token, safe=""))),
            shown_path=path.format("***"),
            json=body,
            repeatable=repeatable,
            secrets=(self._token,),
            judge=self._judge,
        )
