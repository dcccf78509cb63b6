"""A process logs in once and reads a structure once, however many tasks it runs; but not for ever."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.exceptions import InvalidInput, NotFound
from airflow_provider_workflows.mybpm.api.call import Token
from airflow_provider_workflows.mybpm.api.operations import MyBPMApi
from airflow_provider_workflows.mybpm.api.structures import KnownStructures
from airflow_provider_workflows.mybpm.api.upsert import Upsert
from airflow_provider_workflows.mybpm.hooks import MyBPMHook
from tests.mybpm.conftest import MyBPMServer
from tests.mybpm.driving import Driven, answer, boi, structure

UNIQUE_NUM = answer(structure(NUM={"unique": True}))
NOT_UNIQUE = answer(structure(NUM={"unique": False}))
SENT = answer(boi(NUM="7"))


class Ticks:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def api(ticks: Ticks) -> MyBPMApi:
    token = Token(header="API-TOKEN", value="t")
    return MyBPMApi(token=token, structures=KnownStructures(age=300, clock=ticks))


def upsert(api: MyBPMApi, *answers: Any) -> bool:
    """Upsert by the unique field NUM; returns whether the call may be repeated."""
    driven = Driven(api.upsert("ORD", {"NUM": 7}, unique_field="NUM"), answers)
    return driven.requests[-1].repeatable


def checking(wanted: Upsert) -> Callable[[MyBPMApi], Operation[None]]:
    return lambda api: api.validate(wanted)


class TestProcess:
    def test_tasks_share_login_and_structure(self, mybpm: MyBPMServer) -> None:
        for name in ("Asel", "Aigul", "Dana"):
            wanted = Upsert.read("CUSTOMER", {"IIN": "1", "NAME": name})
            # Each task has a hook of its own.
            MyBPMHook().run(checking(wanted))
            MyBPMHook().upsert("CUSTOMER", dict(wanted.values), unique_field="IIN")
        assert [mybpm.requests(name) for name in ("login", "structure", "upsert")] == [1, 1, 3]

    def test_so_do_coroutines(self, mybpm: MyBPMServer) -> None:
        async def main() -> None:
            for name in ("Asel", "Aigul", "Dana"):
                await MyBPMHook().aupsert("CUSTOMER", {"IIN": "1", "NAME": name}, unique_field="IIN")

        asyncio.run(main())
        assert [mybpm.requests(name) for name in ("login", "structure", "upsert")] == [1, 1, 3]

    def test_connections_do_not(self, mybpm: MyBPMServer) -> None:
        mybpm.connect("other")
        for conn_id in ("mybpm_default", "other"):
            MyBPMHook(conn_id).upsert("CUSTOMER", {"IIN": "1"}, unique_field="IIN")
        assert [mybpm.requests(name) for name in ("login", "structure")] == [2, 2]


class TestAge:
    def test_after_a_while_it_is_read_again(self, api: MyBPMApi, ticks: Ticks) -> None:
        assert upsert(api, UNIQUE_NUM, SENT)
        ticks.now += 299
        assert upsert(api, SENT)
        ticks.now += 2
        assert not upsert(api, NOT_UNIQUE, SENT)

    def test_a_refusal_is_known_as_long(self, api: MyBPMApi, ticks: Ticks) -> None:
        assert upsert(api, answer({}, status=403), SENT)
        assert upsert(api, SENT)
        ticks.now += 301
        assert not upsert(api, NOT_UNIQUE, SENT)

    def test_who_asks_for_it_gets_it_as_it_is(self, api: MyBPMApi) -> None:
        for told in (UNIQUE_NUM, NOT_UNIQUE):
            found = Driven(api.load_structure("ORD"), [told]).result
            assert found.fields["NUM"].unique is (told is UNIQUE_NUM)
        assert not upsert(api, SENT)


class TestValidate:
    WANTED = Upsert.read("ORD", {"NUM": "7", "NEW": "x"})

    def test_a_field_that_is_new_is_not_refused(self, api: MyBPMApi) -> None:
        Driven(api.load_structure("ORD"), [UNIQUE_NUM])
        Driven(api.validate(self.WANTED), [answer(structure("NUM", "NEW"))])
        Driven(api.validate(self.WANTED))

    def test_what_does_not_fit_is_refused_after_reading_once(self, api: MyBPMApi) -> None:
        with pytest.raises(InvalidInput, match="NEW: no such field"):
            Driven(api.validate(self.WANTED), [UNIQUE_NUM])

    def test_a_structure_that_may_not_be_read_is_asked_for(self, api: MyBPMApi) -> None:
        assert upsert(api, answer({}, status=404), SENT)
        operation = api.validate(self.WANTED)
        assert json.loads(json.dumps(next(operation).json)) == {"boCode": "ORD"}  # type: ignore[union-attr]
        with pytest.raises(NotFound):
            operation.send(answer({}, status=404))
