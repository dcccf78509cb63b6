"""What the tests of hostile answers do at MyBPM."""

from __future__ import annotations

from typing import Any

from airflow_provider_workflows.mybpm.api.references import FieldReference
from airflow_provider_workflows.mybpm.api.upsert import Upsert
from airflow_provider_workflows.mybpm.conditions import FieldReached, StateReached
from airflow_provider_workflows.mybpm.effects import LinkingUpsert, OnceUpsert, RepeatableUpsert
from airflow_provider_workflows.mybpm.events import InstancesChanged, ValuesReached
from airflow_provider_workflows.mybpm.hooks import MyBPMHook
from airflow_provider_workflows.mybpm.many import MyBPMUpsertManyOperator
from tests.hostile.shapes import RECORD, Call, Calls, Sample


def _same_boi(result: Any, meant: Any) -> bool:
    """Of what a creation returns, the id matters."""
    return bool(result.boi_id == meant.boi_id)


def calls(server: Any) -> Calls:
    hook = MyBPMHook()
    boi = hook.upsert("CUSTOMER", {"IIN": "1", "LIMIT": 500}, unique_field="IIN").boi_id
    one: dict[str, Any] = {"bo_code": "CUSTOMER", "boi_id": boi}
    reached = ValuesReached(bo_code="CUSTOMER", boi_ids=[boi], values=["1"], field="IIN")
    cursor = hook.run(reached.first)
    changed = InstancesChanged(bo_code="CUSTOMER", start="beginning")
    changes = hook.run(changed.first)
    references = [FieldReference("BRANCHES", "CODE", ["N1"])]
    plain = Upsert.read("CUSTOMER", {"IIN": "1", "LIMIT": 5})
    adding = Upsert.read("CUSTOMER", {"IIN": "1"}, boi_id=boi, field_ref_add=references)
    once = OnceUpsert(plain, reason="no unique field")
    unique = RepeatableUpsert(plain, unique_field="IIN")

    many = MyBPMUpsertManyOperator(task_id="many", records=[], bo_code="CUSTOMER", unique_field="IIN")

    def linking() -> LinkingUpsert:
        return LinkingUpsert(adding, unique_field=None)

    return hook, [
        Call("probe", hook.probe),
        Call("prepare many", many.prepare),
        Call("log in", lambda api: api.session_token()),
        Call("upsert", lambda api: api.upsert("CUSTOMER", {"IIN": "1", "LIMIT": 5}, unique_field="IIN")),
        Call("validate", lambda api: api.validate(adding)),
        Call("create", lambda api: api.create("CUSTOMER", {"IIN": "2"}), fits=_same_boi),
        Call("load", lambda api: api.load("CUSTOMER", boi)),
        Call("load many", lambda api: api.load_many("CUSTOMER", [boi])),
        Call("list", lambda api: api.list_bois("CUSTOMER")),
        Call("list nested", lambda api: api.list_nested_bois("CUSTOMER", boi, "BRANCHES")),
        Call("structure", lambda api: api.load_structure("CUSTOMER")),
        Call("field", FieldReached(**one, field="IIN", values=["2"]).check),
        Call("state", StateReached(**one, states=["REMOVED"]).check),
        Call("states", lambda api: StateReached.read_many(api, [StateReached(**one, states=["REMOVED"])])),
        Call("submit once", lambda api: once.submit(api, RECORD, again=False)),
        Call("look up once", lambda api: once.look_up(api, RECORD)),
        Call("check id", lambda api: once.check_id(api, boi)),
        Call("baseline", unique.baseline),
        Call("submit", lambda api: unique.submit(api, RECORD, again=False)),
        Call("look up", lambda api: unique.look_up(api, RECORD)),
        Call("submit links", lambda api: linking().submit(api, RECORD, again=False)),
        Call("submit links again", lambda api: linking().submit(api, RECORD, again=True)),
        Call("look up links", lambda api: linking().look_up(api, RECORD)),
        Call("first of a feed", reached.first),
        Call("read of a feed", lambda api: reached.read(api, cursor)),
        Call("first of changes", InstancesChanged(bo_code="CUSTOMER").first),
        Call("read of changes", lambda api: changed.read(api, changes)),
    ]


def sample(server: Any) -> Sample:
    hook = MyBPMHook()
    boi = hook.upsert("CUSTOMER", {"IIN": "1", "LIMIT": 500}, unique_field="IIN").boi_id
    return Sample(
        hook,
        StateReached(bo_code="CUSTOMER", boi_id=boi, states=["REMOVED"]),
        (
            Call("load", lambda api: api.load("CUSTOMER", boi)),
            Call("upsert", lambda api: api.upsert("CUSTOMER", {"IIN": "1"}, unique_field="IIN")),
        ),
        None,
    )
