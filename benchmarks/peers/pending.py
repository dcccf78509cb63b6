"""
What the bare server answers to those who wait: nothing has ended yet.

A path begins with ``/waits-`` and the number of waits: Kiban lists all executions in progress, a third of
them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

#: Vendors whose answers are here; each has so many a part of the waits.
VENDORS = 3
_WAITS = re.compile(rb"/waits-(\d+)(/.*)")
_QUERY = re.compile(r"(\w+)=(\d+)")
_ROW = (
    '{"id":%d,"flow_uuid":"bench","data_no":"%s","history":false,"closed":false,"running":false,"error":false,'
    '"error_message":null,"stop_uuid":"FITEM_2","stop_chart_text":"Review",'
    '"stoptime":"2026-01-02T03:04:05.678","update_user_id":"airflow"}'
)
_STATUS = (
    '{"id":"%024x","name":"Loan","status":"PROGRESS","currentNodeType":"FORM","currentNodeName":"Applicant",'
    '"currentNodeId":"4ca738ed764d6b3d5c796f91"}'
)
_BOI = (
    '{"boiId":"%s","boCode":"CUSTOMER","state":"ALL","isTouched":true,"fieldValues":{'
    '"NAME":{"apiValue":"begun","displayValue":"begun","type":"INPUT_TEXT"}}}'
)


def pending(target: bytes, body: bytes) -> tuple[str, bytes, bytes] | None:
    """
    Return the endpoint's name, the status line's end and the body of an answer; None if nobody waits there.

    :param target: path and query of the request
    :param body: its body
    """
    found = _WAITS.fullmatch(target)
    if found is None:
        return None
    waits, rest = int(found[1]), found[2].decode()
    for part, answer in _ANSWERS.items():
        if part in rest:
            return part, b"200 OK", answer(waits, rest, body).encode()
    return "http", b"404 Not Found", b"{}"


def _rows(waits: int, rest: str, body: bytes) -> str:
    wanted = next(one["value"] for one in json.loads(body)["search_conditions"] if one["column"] == "data_no")
    numbers = wanted if isinstance(wanted, list) else [wanted]
    return (
        f'{{"status":"200","message":"ok","result":[{",".join(_ROW % (int(one), one) for one in numbers)}]}}'
    )


def _code(waits: int, rest: str, body: bytes) -> str:
    return '{"status":"200","message":"ok","result":{"security":"bench-code"}}'


def _status(waits: int, rest: str, body: bytes) -> str:
    return _STATUS % int(rest.partition("/status/")[2].partition("?")[0], 16)


def _executions(waits: int, rest: str, body: bytes) -> str:
    asked = {name: int(value) for name, value in _QUERY.findall(rest)}
    first = (asked["page"] - 1) * asked["itemsPerPage"]
    numbers = range(first, min(first + asked["itemsPerPage"], -(-waits // VENDORS)))
    return f"[{','.join(_STATUS % one for one in numbers)}]"


def _boi(waits: int, rest: str, body: bytes) -> str:
    return _BOI % (json.loads(body)["boiId"],)


def _bois(waits: int, rest: str, body: bytes) -> str:
    return f"[{','.join(_BOI % one for one in json.loads(body)['boiIds'])}]"


def _token(waits: int, rest: str, body: bytes) -> str:
    return '{"token":"bench-token"}'


_Answer = Callable[[int, str, bytes], str]
#: By a part of the path; the first that fits.
_ANSWERS: dict[str, _Answer] = {
    "/security/get/": _code,
    "/omdata/list/": _rows,
    "/workfloo/status/": _status,
    "/api/v2/workfloo": _executions,
    "/boi/load-many": _bois,
    "/boi/load": _boi,
    "/auth/get-access-by-password": _token,
}
