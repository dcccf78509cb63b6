"""Fetching a session token."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_workflows.mybpm.call import VENDOR
from airflow_provider_workflows.protocol.errors import AuthenticationFailed, UnreadableAnswer
from airflow_provider_workflows.protocol.message import Request
from airflow_provider_workflows.protocol.operation import Operation
from airflow_provider_workflows.protocol.status import refusal


def log_in(login: str, password: str, timezone: str) -> Operation[str]:
    """
    Fetch a session token; how long one lives is not documented.

    :param login: the e-mail
    :param timezone: in the form ``GMT+0600`` (vendor's sample code)
    :raises AuthenticationFailed: the server does not accept e-mail and password, or the zone
    """
    request = Request(
        vendor=VENDOR,
        operation="log in",
        method="POST",
        path="/api/v1/json/auth/get-access-by-password",
        json={"email": login, "password": password, "timezone": timezone},
        repeatable=True,
        confidential=True,
        secrets=(password,),
    )
    reply = yield request
    # Which status a wrong password has is not documented, nor which a wrong zone (assumption: one of these,
    # and 401 and 403 speak of who logs in, as in HTTP).
    if reply.status in (400, 401, 403):
        message = f"MyBPM does not accept the e-mail {login!r} with this password"
        if reply.status == 400:
            message = (
                f"MyBPM does not accept the e-mail {login!r}, this password or the timezone {timezone!r}"
            )
        raise request.failure(AuthenticationFailed, message, reply=reply)
    if reply.status >= 400:
        raise refusal(request, reply)
    body = reply.json()
    token = body.get("token") if isinstance(body, Mapping) else None
    if not isinstance(token, str) or not token:
        raise request.failure(UnreadableAnswer, "MyBPM gave no session token", reply=reply)
    return token
