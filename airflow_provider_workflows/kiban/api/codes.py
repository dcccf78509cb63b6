"""Calls about codes sent to a person: the NIP of a credit bureau, the OTP of an external provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from airflow_provider_workflows.core.protocol.message import Reply, Request
from airflow_provider_workflows.core.protocol.operation import Operation, Sleep
from airflow_provider_workflows.exceptions import InvalidInput, PermissionDenied, ServiceUnavailable
from airflow_provider_workflows.kiban.api.calls import KibanCalls
from airflow_provider_workflows.kiban.api.values import callback, identifier, of_execution

#: Seconds before the next attempt on a busy execution, and the maximum number of attempts. Kiban itself waits
#: 4.5 s before it reports that an execution is busy (vendor's SDK).
BUSY_PAUSE = 5.0
BUSY_ATTEMPTS = 3


class CodeCalls(KibanCalls):
    """
    The calls about codes. Each is sent only once: a repetition sends, and bills, another code.

    The code itself comes from a person, so an unattended DAG can only pass it on.

    ``self: Self`` makes these operations of the inheriting class, as the hook requires.
    """

    def send_nip(
        self: Self,
        execution_id: str,
        *,
        country_code: str | None = None,
        phone_number: str | None = None,
        callback_url: str | None = None,
    ) -> Operation[None]:
        """
        Have the NIP of a credit-bureau link sent (phase CREATE_ACCOUNT).

        :param country_code: country code for ``phone_number``, the number to send to; both or neither
            (vendor's SDK)
        :param callback_url: receives the status of the delivery by SMS or WhatsApp; sent in a header here
            (vendor documentation)
        """
        headers = {}
        if callback_url is not None:
            headers["urlCallback"] = callback(callback_url)
            if self._callback_key:
                headers["xApiKeyCallback"] = self._callback_key
        yield self._code(
            "send NIP", execution_id, "/nip/send", json=_phone(country_code, phone_number), headers=headers
        )

    def resend_nip(
        self: Self, execution_id: str, *, country_code: str | None = None, phone_number: str | None = None
    ) -> Operation[str]:
        """Have the NIP sent again, and return the link's phase."""
        request = self._code(
            "resend NIP",
            execution_id,
            "/nip/resend",
            json=_phone(country_code, phone_number),
            expects_json=True,
        )
        return _phase((yield request))

    def validate_nip(self: Self, execution_id: str, nip: str) -> Operation[str]:
        """
        Pass the NIP on, and return the link's phase.

        :raises Rejected: the NIP is wrong; the execution is unchanged
        :raises PermissionDenied: the NIP was refused
        """
        nip = identifier(nip, "nip")
        request = self._code(
            "validate NIP",
            execution_id,
            "/nip/validate",
            json={"nip": nip},
            expects_json=True,
            secrets=(nip,),
        )
        return _phase((yield request))

    def validate_otp(self: Self, execution_id: str, token: str) -> Operation[None]:
        """
        Pass on the code of an external provider.

        Success does not prove that the code was right: after the last wrong one, a node with an error branch
        goes on there, and Kiban reports success (vendor's SDK).

        :raises Rejected: the code is wrong; the message has the number of attempts left, and the execution is
            unchanged
        :raises PermissionDenied: no code is pending, or no attempts are left
        :raises ServiceUnavailable: the execution remains busy with another step
        """
        token = identifier(token, "token")
        request = self._code(
            "validate OTP", execution_id, "/otp/validate", json={"token": token}, secrets=(token,)
        )
        yield from self._when_not_busy(execution_id, request)

    def fallback_otp(self: Self, execution_id: str) -> Operation[None]:
        """
        Have the provider send a new code; each is billed, and the node limits their number (vendor's SDK).

        The errors are those of :meth:`validate_otp`.
        """
        request = self._code("resend OTP", execution_id, "/otp/fallback")
        yield from self._when_not_busy(execution_id, request)

    def _when_not_busy(self, execution_id: str, request: Request) -> Operation[None]:
        """
        Send a request, and again while the execution is processing another step.

        Kiban refuses it then with the same 403 as if no code is pending (vendor's SDK); the status
        distinguishes the two.

        Assumption: a request that was refused as busy had no effect, so it may be sent again. Wrong if
        ``remainingRetries`` is lower after such a refusal.
        """
        for attempt in range(1, BUSY_ATTEMPTS + 1):
            try:
                yield request
                return
            except PermissionDenied as refusal:
                denied = refusal
            status = yield from self.status(execution_id)
            if status.has_ended or not (status.is_working or status.awaits_code):
                raise denied
            if attempt < BUSY_ATTEMPTS:
                yield Sleep(BUSY_PAUSE)
        if not status.is_working:
            raise denied
        raise request.failure(ServiceUnavailable, "Kiban is busy with another step of the execution")

    def _code(
        self,
        operation: str,
        execution_id: str,
        call: str,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        expects_json: bool = False,
        secrets: tuple[str, ...] = (),
    ) -> Request:
        path = of_execution(execution_id, call)
        return self.request(
            operation,
            "PATCH",
            path,
            repeatable=False,
            json=json,
            headers=headers,
            expects_json=expects_json,
            secrets=secrets,
        )


def _phase(reply: Reply) -> str:
    body = reply.json
    return str(body.get("phase") or "") if isinstance(body, Mapping) else ""


def _phone(country_code: Any, phone_number: Any) -> dict[str, str] | None:
    if (country_code is None) != (phone_number is None):
        raise InvalidInput("country_code and phone_number must be given together")
    if country_code is None:
        return None
    return {
        "countryCode": identifier(country_code, "country_code"),
        "phoneNumber": identifier(phone_number, "phone_number"),
    }
