"""The limiter of a connection whose account has a limit, from the connection and Airflow's configuration."""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile
from typing import TYPE_CHECKING, Literal, TypeAlias

from airflow_provider_workflows.core import metrics
from airflow_provider_workflows.core.protocol.secret import Secret
from airflow_provider_workflows.core.runtime.versions import conf
from airflow_provider_workflows.core.transport.endpoint import server_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_workflows.core.connection.settings import Settings
    from airflow_provider_workflows.core.transport.endpoint import Endpoint
    from airflow_provider_workflows.core.transport.limits.limiter import Limiter
    from airflow_provider_workflows.core.transport.limits.slots import Slots

#: How far ahead the first request of a call may have its slot: as far as the call's deadline; or at most
#: ``NEAR`` slots, because a look can come later; or at most one timeout, because it is the last look.
Ahead: TypeAlias = Literal["any", "near", "timeout"]
NEAR = 2

SECTION, FOLDER, URL = "workflows", "limits_folder", "limits_url"
#: Name of the folder below the system's temporary folder, if the configuration names none.
DEFAULT_FOLDER = "airflow-workflows-limits"
#: Rounds of the hash of a secret, whose result every user of the machine can see.
ROUNDS = 10_000


def limiter_of(settings: Settings, *, rate: float | None, account: Sequence[str]) -> Limiter | None:
    """
    Return the limiter of a connection's account; None if it has no limit.

    :param rate: requests a second that its plan allows
    :param account: whose requests the vendor counts together on the server
    """
    if rate is None:
        return None
    from airflow_provider_workflows.core.transport.limits.limiter import Limiter

    server = server_of(settings.base_url)
    folder = conf.get(SECTION, FOLDER, fallback="") or os.path.join(tempfile.gettempdir(), DEFAULT_FOLDER)
    name, url = _name_of(server, account), settings.options["limits_url"]
    password = Secret(settings.options["limits_password"] or "") if url else Secret("")
    url = Secret(url or conf.get(SECTION, URL, fallback=""))
    if not url:
        _warn_of_pods()
        return Limiter(rate=rate, account=name, server=server, folder=folder)
    from airflow_provider_workflows.core.transport.limits.redis_limiter import RedisLimiter

    return RedisLimiter(rate=rate, account=name, server=server, folder=folder, url=url, password=password)


def slots_of(limiter: Limiter, endpoint: Endpoint, ahead: Ahead, *, vendor: str) -> Slots:
    """
    Return the slots of one call.

    :param vendor: the connection's type, for metrics
    """
    from airflow_provider_workflows.core.transport.limits.slots import Slots

    first = {"any": None, "near": NEAR * limiter.interval, "timeout": endpoint.timeout}[ahead]
    return Slots(limiter, first=first, limited=functools.partial(metrics.LIMITED.record, vendor=vendor))


def _name_of(server: str, account: Sequence[str]) -> str:
    """Return the name of an account's file, from which neither server nor account can be told."""
    secret = "\0".join(account).encode(errors="replace")
    return hashlib.pbkdf2_hmac("sha256", secret, server.encode(), ROUNDS).hex()


def _warn_of_pods() -> None:
    """Say once that tasks share nothing where each is its own pod."""
    from airflow_provider_workflows.core.transport.limits.limiter import warn_once

    in_pod = os.environ.get("AIRFLOW_IS_K8S_EXECUTOR_POD", "").lower() == "true"
    if in_pod or "KubernetesExecutor" in conf.get("core", "executor", fallback=""):
        warn_once(
            "pods",
            "With KubernetesExecutor, each task is its own pod and shares no limit with the others\n"
            "Set [workflows] limits_url to a Redis that all pods reach",
        )
