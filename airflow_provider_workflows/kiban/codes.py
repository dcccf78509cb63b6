"""The codes that a person is sent: the NIP of a credit bureau, the OTP of an external provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from airflow_provider_workflows.kiban.calls import KibanCalls
from airflow_provider_workflows.kiban.values import callback, identifier, of_execution
from airflow_provider_workflows.protocol.errors import InvalidInput, PermissionDenied, ServiceUnavailable
from airflow_provider_workflows.protocol.message import Reply, Request
from airflow_provider_workflows.protocol.operation import Operation, Sleep

#: Seconds after which an execution that was busy is tried again, and how often in all. Kiban itself waits
#: 4.5 s before it says so (vendor's SDK).
BUSY_PAUSE = 5.0
BUSY_ATTEMPTS = 3


class CodeCalls(KibanCalls):
    """
    The calls about codes. Each is sent once only: a repetition sends, and bills, another code.

    The code itself has to come from a person, so an unattended DAG can only hand it over.

    ``self: Self`` makes these operations of the class that inherits them, which the hook asks for.
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

        :param country_code: with ``phone_number``, where to; both or none (vendor's SDK)
        :param callback_url: is told of the delivery by SMS or WhatsApp; goes into a header here (vendor
            documentation)
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
        Hand the NIP over, and return the link's phase.

        :raises Rejected: it is wrong; the execution stays as it was
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
        Hand the code of an external provider over.

        :raises Rejected: it is wrong; the message tells the tries that are left, and the execution stays as
            it was
        :raises PermissionDenied: no code is pending, or the tries are used up
        :raises ServiceUnavailable: the execution is busy with another step, and stays so
        """
        token = identifier(token, "token")
        request = self._code(
            "validate OTP", execution_id, "/otp/validate", json={"token": token}, secrets=(token,)
        )
        yield from self._when_not_busy(execution_id, request)

    def fallback_otp(self: Self, execution_id: str) -> Operation[None]:
        """
        Have the provider send a new code; each is billed, and the node limits how many (vendor's SDK).

        The errors are those of :meth:`validate_otp`.
        """
        request = self._code("resend OTP", execution_id, "/otp/fallback")
        yield from self._when_not_busy(execution_id, request)

    def _when_not_busy(self, execution_id: str, request: Request) -> Operation[None]:
        """
        Send a request, and again while the execution is at work on another step.

        That is refused with the same 403 as a code that is not pending (vendor's SDK); the status tells them
        apart. What is refused was not done, so it may be sent again.
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
    body = reply.json()
    return str(body.get("phase") or "") if isinstance(body, Mapping) else ""


def _phone(country_code: Any, phone_number: Any) -> dict[str, str] | None:
    if (country_code is None) != (phone_number is None):
        raise InvalidInput("country_code and phone_number go together")
    if country_code is None:
        return None
    return {
        "countryCode": identifier(country_code, "country_code"),
        "phoneNumber": identifier(phone_number, "phone_number"),
    }
