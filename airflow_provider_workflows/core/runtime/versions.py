"""Names that moved between Airflow 3.1 and 3.3."""

from __future__ import annotations

import contextlib
import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

from airflow.sdk import exceptions as exceptions

if TYPE_CHECKING:
    from airflow.sdk import Connection

P = ParamSpec("P")
T = TypeVar("T")

if not hasattr(exceptions, "TaskDeferralTimeout"):  # Airflow 3.1
    from airflow import exceptions as exceptions  # type: ignore[no-redef]


class Config(Protocol):
    """What is asked of Airflow's configuration."""

    def get(self, section: str, key: str, /, *, fallback: str) -> str: ...
    def getboolean(self, section: str, key: str, /, *, fallback: bool) -> bool: ...
    def getfloat(self, section: str, key: str, /, *, fallback: float) -> float: ...
    def getint(self, section: str, key: str, /, *, fallback: int) -> int: ...


class StatsLogger(Protocol):
    """What is asked of Airflow's metrics."""

    def incr(self, stat: str, /, *, tags: dict[str, str]) -> None: ...
    def timing(self, stat: str, dt: timedelta, /, *, tags: dict[str, str]) -> None: ...


conf: Config
try:
    from airflow.sdk import conf
except ImportError:  # Airflow 3.1
    from airflow.configuration import conf

NEVER_EXPIRE: timedelta | None
try:
    from airflow.sdk.execution_time.context import NEVER_EXPIRE
except ImportError:  # before Airflow 3.3, which introduced the task state store
    NEVER_EXPIRE = None

#: Characters of the shortest secret that Airflow masks, if it is not configured.
SHORTEST_MASKED = 5
#: Where Airflow's masker logs that a text is too short for it.
MASKERS = (
    "airflow.sdk._shared.secrets_masker.secrets_masker",
    "airflow._shared.secrets_masker.secrets_masker",
)


def default_deferrable() -> bool:
    """Return the setting ``[operators] default_deferrable``."""
    return bool(conf.getboolean("operators", "default_deferrable", fallback=False))


@functools.cache
def stats() -> StatsLogger:
    """Return Airflow's ``Stats``, a class with ``incr`` and ``timing``."""
    try:
        from airflow.sdk.observability.stats import Stats
    except ImportError:  # Airflow 3.1
        from airflow.stats import Stats
    return Stats


def can_be_masked(secret: str) -> bool:
    """
    Return whether a secret is long enough to be masked.

    Airflow would only log, in each process, that it skips a shorter one.
    """
    return len(secret) >= conf.getint("logging", "min_length_masked_secret", fallback=SHORTEST_MASKED)


@contextlib.contextmanager
def reading_settings() -> Iterator[None]:
    """
    Leave out that Airflow masks no short text, while it reads a connection.

    It says so of every short text in extra, such as the language ``en``, whether that is a secret or not.
    """
    loggers = [logging.getLogger(name) for name in MASKERS]
    for logger in loggers:
        logger.addFilter(_is_news)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith("Skipping masking")


def mask(secret: str) -> None:
    """Mask a secret in Airflow's logs, in the task and in its supervisor, unless it is too short."""
    from airflow.sdk.log import mask_secret

    if can_be_masked(secret):
        mask_secret(secret)


async def amask(secret: str) -> None:
    """Mask a secret in Airflow's logs, from a trigger; as :func:`mask`."""
    from airflow.sdk import log

    if not can_be_masked(secret):
        return

    # Before 3.3.2 there is no asynchronous form, and the synchronous one blocks on the supervisor, which must
    # not happen on the triggerer's event loop.
    amask_secret = getattr(log, "amask_secret", None)
    if amask_secret is not None:
        await amask_secret(secret)
    else:
        await _off_the_loop(log.mask_secret, secret)


async def aget_connection(conn_id: str) -> Connection:
    """Return an Airflow connection, from a trigger; as with :func:`reading_settings`."""
    from airflow.sdk import BaseHook, log

    # Before 3.3.2, aget_connection masks synchronously, which fails while another coroutine is talking to the
    # supervisor.
    if hasattr(log, "amask_secret") and inspect.iscoroutinefunction(BaseHook.aget_connection):
        with reading_settings():
            return await BaseHook.aget_connection(conn_id)
    with reading_settings():
        connection: Connection = await _off_the_loop(BaseHook.get_connection, conn_id)
    return connection


async def _off_the_loop(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    from asgiref.sync import sync_to_async

    return await sync_to_async(function)(*args, **kwargs)
