"""How a call lives with a credential that is fetched, shared by all who wait, and void at any moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from airflow_provider_workflows.protocol.operation import Operation, Renew

T = TypeVar("T")

#: Credentials that are tried at the most. The second may be one that a sibling fetched and that is void
#: already, when a server was restarted just after all had expired; the third has been fetched since.
CREDENTIALS = 3


def with_credential(
    send: Callable[[str], Operation[T]], is_refused: Callable[[T], bool]
) -> Operation[tuple[T, bool]]:
    """
    Do something with the current credential, and again with a newer one while that may be what is refused.

    For requests that a vendor refuses before it does anything: only they may be sent again.

    :param send: does it with a credential, and returns the answer
    :param is_refused: whether the answer is a refusal that may be the credential's fault
    :returns: the last answer, and whether its credential was still the vendor's own after it: then it is not
        what was refused
    """
    credential: str = yield Renew()
    for attempt in range(1, CREDENTIALS + 1):
        answer = yield from send(credential)
        if not is_refused(answer) or attempt == CREDENTIALS:
            break
        newer: str = yield Renew(credential)
        if newer == credential:
            return answer, True
        credential = newer
    return answer, False
