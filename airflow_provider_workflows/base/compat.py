"""The names that moved between Airflow 3.1 and 3.3, each in one place."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from airflow.sdk import exceptions as exceptions

if TYPE_CHECKING:
    from airflow.sdk import Connection

if not hasattr(exceptions, "TaskDeferralTimeout"):  # Airflow 3.1
    from airflow import exceptions as exceptions  # type: ignore[no-redef]

conf: Any
try:
    from airflow.sdk import conf
except ImportError:  # Airflow 3.1
    from airflow.configuration import conf

NEVER_EXPIRE: Any
try:
    from airflow.sdk.execution_time.context import NEVER_EXPIRE
except ImportError:  # before Airflow 3.3, which has the task state store that this is for
    NEVER_EXPIRE = None

#: Seconds beyond ``[workers] min_heartbeat_interval`` after which the old process of a task that deferred or
#: rescheduled is surely gone. Measured: its success reached the scheduler up to 6.15 s late with the
#: setting at 5.
PROCESS_END_MARGIN = 5.0


def default_deferrable() -> bool:
    """Return ``[operators] default_deferrable``."""
    return bool(conf.getboolean("operators", "default_deferrable", fallback=False))


def hand_over_lag() -> float:
    """
    Return the seconds after a deferral or reschedule before which the task must not resume.

    Earlier, the scheduler may take the old process's end for the resumed task's and fail it.
    """
    return float(conf.getfloat("workers", "min_heartbeat_interval", fallback=5.0)) + PROCESS_END_MARGIN


def stats() -> Any:
    """Return Airflow's metrics: a class with ``incr`` and ``timing``."""
    try:
        from airflow.sdk.observability.stats import Stats
    except ImportError:  # Airflow 3.1
        from airflow.stats import Stats
    return Stats


def mask(secret: str) -> None:
    """Keep a secret out of Airflow's logs, in the task and in its supervisor."""
    from airflow.sdk.log import mask_secret

    mask_secret(secret)


async def amask(secret: str) -> None:
    """Keep a secret out of Airflow's logs, from a trigger."""
    from airflow.sdk import log

    # Before 3.3.2 there is no asynchronous form, and the plain one talks to the supervisor synchronously,
    # which must not happen on the triggerer's event loop.
    amask_secret = getattr(log, "amask_secret", None)
    if amask_secret is not None:
        await amask_secret(secret)
    else:
        await _off_the_loop(log.mask_secret, secret)


async def aget_connection(conn_id: str) -> Connection:
    """Return an Airflow connection, from a trigger."""
    from airflow.sdk import BaseHook, log

    # aget_connection exists before 3.3.2 but masks synchronously there, which fails when another coroutine
    # is talking to the supervisor.
    if hasattr(log, "amask_secret") and inspect.iscoroutinefunction(BaseHook.aget_connection):
        return await BaseHook.aget_connection(conn_id)
    connection: Connection = await _off_the_loop(BaseHook.get_connection, conn_id)
    return connection


async def _off_the_loop(function: Any, *args: Any) -> Any:
    from asgiref.sync import sync_to_async

    return await sync_to_async(function)(*args)
