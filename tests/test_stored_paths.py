"""
The dotted paths that outlive a release.

Airflow keeps them in its database: of triggers, and within their arguments of conditions and feeds, and of
notifiers that deadlines call. Users write them down: exceptions in the rules of a retry policy, classes in
settings of their own. A path that has gone strands the tasks that wait while somebody upgrades.

When this fails: a path may be added here. From 1.0 on none may be taken away or changed, unless the old path
still leads to the same object: leave an alias at it, keep its line here, and say so in CHANGELOG.md. A feed's
path has no alias, since the key of its cursor is made from it: a feed that moves begins anew.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module, metadata
from typing import Any

import pytest
from airflow.sdk import BaseHook, BaseNotifier, BaseOperatorLink
from airflow.triggers.base import BaseTrigger

import airflow_provider_workflows
from airflow_provider_workflows.core.events.feed import Feed
from airflow_provider_workflows.core.runtime.serialization import import_string
from airflow_provider_workflows.core.waiting.condition import Condition
from airflow_provider_workflows.exceptions import WorkflowError
from airflow_provider_workflows.provider import FORMS

PACKAGE = airflow_provider_workflows.__name__

#: Of all vendors; without the package's name.
PINNED = {
    "trigger": {
        "core.events.trigger.FeedTrigger",
        "core.waiting.trigger.WaitTrigger",
    },
    "condition": {"core.bulk.ends.conditions.ManyEnded"},
    "link": {"core.tasks.links.RecordLink"},
    "exception": {
        f"exceptions.{name}"
        for name in (
            "AuthenticationFailed",
            "CertificateNotTrusted",
            "Conflict",
            "ConnectionFailed",
            "HostUnreachable",
            "InvalidConnection",
            "InvalidInput",
            "LostTrack",
            "NotFound",
            "NoSlot",
            "NotTls",
            "OutcomeUnknown",
            "PermanentError",
            "PermissionDenied",
            "RecordsRejected",
            "Rejected",
            "RetryWouldRepeat",
            "RunFailed",
            "RunMayRerun",
            "RunTimedOut",
            "ServiceUnavailable",
            "TemporaryError",
            "Throttled",
            "NoSlot",
            "UnexpectedRedirect",
            "UnreadableAnswer",
            "WorkflowError",
        )
    },
    "retry policy": {"retry_policy.WorkflowRetryPolicy"},
    "entry point": {"provider:get_provider_info", "pytest_plugin"},
}
#: Of each vendor, by connection type; without the names of the package and the vendor's folder.
PINNED_OF_VENDORS = {
    "omflow": {
        "conditions.OrderAtStop",
        "conditions.OrderClosed",
        "events.OrderArrivals",
        "hooks.OMFlowHook",
        "notifications.OMFlowOpenOrderNotifier",
    },
    "mybpm": {
        "conditions.FieldReached",
        "conditions.StateReached",
        "events.InstancesChanged",
        "events.ValuesReached",
        "hooks.MyBPMHook",
    },
    "blizwork": {
        "conditions.ActivityPending",
        "conditions.CaseClosed",
        "events.ActivitiesPending",
        "events.CasesClosed",
        "hooks.BlizWorkHook",
        "notifications.BlizWorkSendNotificationNotifier",
    },
    "robusta": {
        "conditions.ProcessOutputs",
        "conditions.ProcessSucceeded",
        "hooks.RobustaHook",
    },
    "kiban": {
        "conditions.ExecutionSucceeded",
        "conditions.StepPending",
        "events.ExecutionsEnded",
        "hooks.KibanHook",
        "notifications.KibanStartWorkflooNotifier",
    },
}
#: What is stored by its path, if it is a class of ours that can be made.
STORED = (BaseHook, BaseNotifier, BaseOperatorLink, BaseTrigger, Condition, Feed, WorkflowError)


def stored_now() -> Iterator[str]:
    """Return the paths of all classes of the kinds that are stored."""
    for found in pkgutil.walk_packages(airflow_provider_workflows.__path__, f"{PACKAGE}."):
        if found.name.startswith((f"{PACKAGE}.sandbox", f"{PACKAGE}.testing", f"{PACKAGE}.pytest_plugin")):
            continue
        module = import_module(found.name)
        for name, one in vars(module).items():
            own = inspect.isclass(one) and one.__module__ == module.__name__ and not name.startswith("_")
            if own and issubclass(one, STORED) and not inspect.isabstract(one) and not is_base(one):
                yield f"{module.__name__.removeprefix(f'{PACKAGE}.')}.{name}"


def is_base(cls: type[Any]) -> bool:
    """Whether a class of core is there to be inherited from: it names no vendor."""
    return cls.__module__.startswith(f"{PACKAGE}.core.") and issubclass(cls, (BaseHook, BaseNotifier))


def pinned() -> set[str]:
    """Return every pinned path of an object, without the package's name."""
    vendors = {f"{vendor}.{path}" for vendor, paths in PINNED_OF_VENDORS.items() for path in paths}
    shared = set().union(*(paths for kind, paths in PINNED.items() if kind != "entry point"))
    return vendors | shared


@pytest.mark.parametrize("path", sorted(pinned()))
def test_it_leads_to_what_it_names(path: str) -> None:
    assert import_string(f"{PACKAGE}.{path}").__name__ == path.rpartition(".")[2]


def test_what_is_stored_is_pinned() -> None:
    ours = {
        path for path in stored_now() if path.partition(".")[0] in {"core", "exceptions", *PINNED_OF_VENDORS}
    }
    assert ours == pinned() - PINNED["retry policy"]


def test_the_hooks_are_those_that_the_forms_name() -> None:
    named = {form.hook_class for form in FORMS if form.conn_type in PINNED_OF_VENDORS}
    pins = {f"{PACKAGE}.{path}" for path in pinned()}
    assert len(named) == len(PINNED_OF_VENDORS)
    assert named <= pins


def test_entry_points() -> None:
    points = metadata.distribution(PACKAGE).entry_points
    named = {point.value for point in points if point.group in ("apache_airflow_provider", "pytest11")}
    assert named == {f"{PACKAGE}.{path}" for path in PINNED["entry point"]}
