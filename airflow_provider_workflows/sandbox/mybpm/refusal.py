"""A request that the server does not carry out."""

from __future__ import annotations


class Refusal(Exception):
    """
    No: the HTTP status and the reason.

    The vendor documents neither statuses nor bodies of refusals; all of them are this sandbox's choice: 400
    for what is wrong in a request, 401 for a bad token, 404 for objects, instances and paths that are not.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
