"""
Keeps a request's secrets out of what the HTTP libraries log.

urllib3 writes the path of every request at DEBUG, asyncio the URL of a response that nobody closed. A vendor
that wants its secret in the path would have it in every log, where nothing but Airflow's own masker, which
not every handler has, stands before it.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache

from airflow_provider_workflows.core.protocol.scrubbing import scrub

#: Loggers of the libraries that handle a request; a filter of a logger is not one of the loggers below it.
LOGGERS = (
    "aiohttp.client",
    "aiohttp.internal",
    "asyncio",
    "py.warnings",  # of logging.captureWarnings
    "requests",
    "urllib3",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.poolmanager",
    "urllib3.response",
    "urllib3.util.retry",
)
#: Secrets remembered beyond their request, the latest ones.
REMEMBERED = 128
#: Characters of the shortest that is remembered; a shorter one would maim every word that it is part of.
SHORTEST = 5

_sending: ContextVar[tuple[str, ...]] = ContextVar("secrets_of_the_request_being_sent", default=())
# What the libraries say of a connection when it is collected comes long after its request, from anywhere.
_lately: OrderedDict[str, None] = OrderedDict()
# Reentrant, because a collection inside it may log.
_lock = threading.RLock()


def _renew_lock() -> None:
    """Replace the lock, which another thread of the parent may have held when it forked."""
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)


@dataclass(repr=False)
class hidden:  # noqa: N801  as a context manager of contextlib
    """
    Hides a request's secrets from what the libraries log while it is being sent, and for a good while after.

    :param secrets: hidden as they are and quoted, as by
        :func:`~airflow_provider_workflows.core.protocol.message.scrub`
    """

    secrets: tuple[str, ...]

    def __enter__(self) -> None:
        with _lock:
            for secret in self.secrets:
                if len(secret) >= SHORTEST:
                    _lately[secret] = None
                    _lately.move_to_end(secret)
            while len(_lately) > REMEMBERED:
                _lately.popitem(last=False)
        for logger in _loggers():
            if _redact not in logger.filters:
                logger.addFilter(_redact)
        self._token = _sending.set(self.secrets)

    def __exit__(self, *raised: object) -> None:
        _sending.reset(self._token)


@cache
def _loggers() -> tuple[logging.Logger, ...]:
    return tuple(logging.getLogger(name) for name in LOGGERS)


def _redact(record: logging.LogRecord) -> bool:
    """Take the secrets out of a record, its traceback included; a filter that lets every record pass."""
    with _lock:
        secrets = (*_sending.get(), *_lately)
    if not secrets:
        return True
    message = record.getMessage()
    if (clean := scrub(message, secrets)) != message:
        record.msg, record.args = clean, ()
    if record.exc_info and not record.exc_text:
        record.exc_text = logging.Formatter().formatException(record.exc_info)
    if record.exc_text and (clean := scrub(record.exc_text, secrets)) != record.exc_text:
        # Handlers that format the exception themselves must not get to it.
        record.exc_text, record.exc_info = clean, None
    if record.stack_info:
        record.stack_info = scrub(record.stack_info, secrets)
    return True
