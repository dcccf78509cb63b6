"""
BlizWork's API as operations.

Facts marked "vendor documentation" are the vendor's pages, "vendor's SDK" what the published Python wrapper
does where no page says anything.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from airflow_provider_workflows.blizwork.answer import Judge, ResultCode, Row, payload, rows
from airflow_provider_workflows.blizwork.case import Case
from airflow_provider_workflows.blizwork.values import case_number, form_values, identifier, mapping, some_of
from airflow_provider_workflows.protocol.errors import (
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    UnreadableAnswer,
)
from airflow_provider_workflows.protocol.message import Reply, Request
from airflow_provider_workflows.protocol.operation import Operation

VENDOR = "BlizWork"
#: How much of a case to read: with its history, which tells the pending activity (vendor's SDK).
WITH_HISTORY = 2


class BlizWorkApi:
    """
    The calls of one organisation, as one user.

    The environment goes along with the calls with which the vendor's SDK sends it; no page of the vendor says
    what holds without it.

    :param token: of the organisation; the last segment of every URL (vendor documentation)
    :param user_id: e-mail of an active and verified user
    :param company_id: the organisation's id
    :param environment: ``production``, or ``draft`` for the unpublished version of a process
    :param rate: transactions per second of the organisation's plan; None if unknown or without limit
    """

    def __init__(
        self,
        *,
        token: str,
        user_id: str,
        company_id: str,
        environment: str = "production",
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
        Open a case and return its number; once only, since every call opens one (vendor documentation).

        No form data can go along with it.

        :param exec_user_id: e-mail of the acting user, if it is not the connection's; also one of another
            organisation
        :param company_id: another organisation's, in place of the connection's
        :raises OutcomeUnknown: the answer is lost, or says nothing of the number
        """
        body = self._acting(workflow_id, exec_user_id, company_id)
        request = self._request("init case", "/init/{}", body, repeatable=False)
        reply: Reply = yield request
        number = reply.json().get("caseNumber")
        if isinstance(number, bool) or not isinstance(number, int):
            raise request.failure(
                OutcomeUnknown, "BlizWork said that it was done, but gave no case number", reply=reply
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
        Run the pending activity of a case; BlizWork runs it once, and the answer tells nothing of the case.

        Once only all the same: in a process with a loop the activity may be pending again by the time of a
        second call.

        :param number: of the case
        :param form_id: the activity
        :param next_form_id: the action that is chosen, one of those that the process defines
        :param form_data: see :func:`~airflow_provider_workflows.blizwork.values.form_values`
        :param attachments: mapping from field to ``{"fileName", "fileUrl"}``
        :param exec_user_id: as in :meth:`init_case`
        :param company_id: as in :meth:`init_case`
        :param skip_extensions: True for no webhooks (vendor's SDK)
        :raises WorkflowError: its ``code`` is one of
            :class:`~airflow_provider_workflows.blizwork.answer.ResultCode`
        """
        body = {
            **self._acting(workflow_id, exec_user_id, company_id),
            "caseNumber": case_number(number),
            "formId": identifier(form_id, "form_id"),
            "nextFormId": identifier(next_form_id, "next_form_id"),
            "formData": form_values(form_data, attachments),
        }
        if skip_extensions is not None:
            body["skipExtensions"] = skip_extensions
        yield self._request("exec activity", "/exec/{}", body, repeatable=False)

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
            raise request.failure(UnreadableAnswer, "The answer holds no case", reply=reply)
        return Case(document)

    def list_cases(self, workflow_id: str, *, where: Any = None) -> Operation[list[Row]]:
        """
        Return summaries of a process's cases, as far as one answer holds them.

        Neither the grammar of the filter nor any paging is documented, so the filter goes as it is and its
        effect must be checked on the rows.

        :param where: the vendor's ``filter``
        """
        body = {
            **self._reading(),
            "processId": identifier(workflow_id, "workflow_id"),
            "filter": mapping(where, "where"),
        }
        request = self._request("list cases", "/process/case-list/{}/", body, repeatable=True)
        return rows(request, (yield request))

    # Files.

    def upload_attachment(self, filename: str, content: bytes, *, module: str = "form") -> Operation[Any]:
        """
        Upload a file and return what BlizWork says of it. UNVERIFIED.

        Nothing documents the encoding of the file or the shape of the answer; the vendor's SDK puts bytes
        into JSON, which no JSON can hold. This sends Base64 text (assumption) and returns the answer's
        payload as it is. The whole file is held in memory. Once only, since a second call leaves a second
        file.
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
        return reply.json().get("payload")

    # Mail.

    def send_notification(
        self, template: str, *, to: str | Sequence[str], params: Any = None
    ) -> Operation[None]:
        """
        Send a mail from a template; once only, since every call sends it again (vendor documentation).

        :param to: addresses, as a sequence or with commas between
        :param params: values of the template's parameters by name, such as ``p1``
        """
        addresses = [to] if isinstance(to, str) else list(to)
        recipients = ",".join(identifier(one, "to") for one in addresses)
        values = {**mapping(params, "params"), "to": identifier(recipients, "to")}
        body = {"template": identifier(template, "template"), "params": values}
        yield self._request("send notification", "/utils/send-notification/{}", body, repeatable=False)

    # Master data.

    def query_master_data(self, table: str, *, where: Any = None) -> Operation[list[Row]]:
        """
        Return rows of a master table.

        :param where: the vendor's ``filter``, whose grammar is not documented; it goes as it is
        """
        body = {**self._of_table(table), "filter": mapping(where, "where")}
        request = self._request("query master data", "/master-data/{}/", body, repeatable=True)
        return rows(request, (yield request))

    def upsert_master_data(self, table: str, *, where: Any, update: Any) -> Operation[Any]:
        """
        Change the rows that match, or insert one if none does (vendor documentation); may be repeated.

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
        return reply.json().get("payload")

    def delete_master_data(self, table: str, *, where: Any) -> Operation[Any]:
        """
        Delete the rows that match; once only, since rows that came meanwhile would go as well.

        :param where: the vendor's ``filter``; an empty one, which may match every row, is refused
        :returns: the answer's payload, if there is one
        """
        body = {**self._of_table(table), "filter": some_of(where, "where")}
        reply: Reply = yield self._request(
            "delete master data", "/master-data/delete/{}/", body, repeatable=False
        )
        return reply.json().get("payload")

    # The connection.

    def probe(self) -> Operation[str]:
        """
        Ask for a case of a process that cannot be there: any answer but that proves the token good or bad.

        BlizWork has no call for this. That an unknown process is told from a bad token and a bad user is what
        the documented result codes say; whether the organisation's id is right, this does not show.

        :raises AuthenticationFailed: the token is invalid or expired
        :raises PermissionDenied: the user is not registered or not authorised
        """
        try:
            yield from self.load_case("-", 0, include=0)
        except NotFound as error:
            if error.code not in (ResultCode.WORKFLOW_UNAVAILABLE, ResultCode.CASE_UNKNOWN):
                raise
        return f"BlizWork accepts the token and the user {self.user_id}"

    def _acting(self, workflow_id: str, exec_user_id: str | None, company_id: str | None) -> dict[str, Any]:
        """Return what says where, as whom and in which process something is done."""
        body: dict[str, Any] = {
            "companyId": company_id or self.company_id,
            "userId": self.user_id,
            "environment": self.environment,
            # The same slug is called processId by the calls that read.
            "workflowId": identifier(workflow_id, "workflow_id"),
        }
        return (
            body if exec_user_id is None else {**body, "execUserId": identifier(exec_user_id, "exec_user_id")}
        )

    def _reading(self) -> dict[str, Any]:
        return {"userId": self.user_id, "environment": self.environment}

    def _of_table(self, table: str) -> dict[str, Any]:
        return {**self._reading(), "table": identifier(table, "table")}

    def _request(self, operation: str, path: str, body: Mapping[str, Any], *, repeatable: bool) -> Request:
        """
        Return a request.

        :param path: with a pair of braces in the place of the token; its end, with or without a slash, is as
            in the vendor's documentation or, for what that leaves out, in the vendor's SDK
        """
        return Request(
            vendor=VENDOR,
            operation=operation,
            method="POST",
            path=path.format(quote(self._token, safe="")),
            shown_path=path.format("***"),
            json=body,
            repeatable=repeatable,
            secrets=(self._token,),
            judge=self._judge,
        )
