"""Where the two versions differ. What the manual of 1.2 does not tell is as recorded on 1.1."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """
    One version's way of speaking.

    :param version: of the server.
    :param textual: statuses and order numbers are text.
    :param failure_has_result: a failure's body has a ``result``.
    :param no_number: what an open answers that has no order number to give.
    :param push_tells_number: a push answers with the order number.
    :param type_optional: a ``formdata`` item may lack its ``type``.
    :param multipart_open: an open may be multipart, with files of fields.
    :param zero_is_all: a list ``limit`` of 0 asks for everything.
    :param tells_version: the version endpoint exists.
    :param worklog_by_path: work log requests name the process by ``api_path``.
    :param bad_login_status: for a bad password or an inactive user.
    """

    version: str
    textual: bool
    failure_has_result: bool
    no_number: str | None
    push_tells_number: bool
    type_optional: bool
    multipart_open: bool
    zero_is_all: bool
    tells_version: bool
    worklog_by_path: bool
    bad_login_status: int


V1_1 = Dialect(
    version="1.1",
    textual=False,
    failure_has_result=True,
    no_number=None,
    push_tells_number=True,
    type_optional=False,
    multipart_open=False,
    zero_is_all=False,
    tells_version=False,
    worklog_by_path=False,
    bad_login_status=403,
)

V1_2 = Dialect(
    version="1.2",
    textual=True,
    failure_has_result=False,
    no_number="",
    push_tells_number=False,
    type_optional=True,
    multipart_open=True,
    zero_is_all=True,
    tells_version=True,
    worklog_by_path=True,
    bad_login_status=404,
)
