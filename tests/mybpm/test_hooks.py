"""The hook against the sandbox, in a worker and on an event loop."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_provider_workflows import exceptions
from airflow_provider_workflows.core.connection.hook import WorkflowHook
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.mybpm.api.references import FieldReference
from airflow_provider_workflows.mybpm.hooks import MyBPMHook
from tests.mybpm.conftest import API_TOKEN, MyBPMServer, Run

ANYWHERE = "aaaaBBBBcccc0001"
SWIFT = Retry(attempts=2, base=0.01)


def test_write_and_read(each_login: MyBPMServer, run: Run) -> None:
    written = run(lambda api: api.upsert("CUSTOMER", {"IIN": "1", "LIMIT": 500}, unique_field="IIN"))
    assert (written.bo_code, written.state) == ("CUSTOMER", "ALL")
    again = run(lambda api: api.upsert("CUSTOMER", {"IIN": "1", "NAME": "Asel"}, unique_field="IIN"))
    assert again.boi_id == written.boi_id
    read = run(lambda api: api.load("CUSTOMER", written.boi_id))
    assert (read.boi_id, read.state) == (again.boi_id, again.state)
    # A status comes along by itself, and before either answer if the machine is slow.
    ours = {code: value for code, value in again.fields.items() if code != "STATUS"}
    assert ours.items() <= read.fields.items()
    assert {code: value.to_python() for code, value in ours.items()} == {
        "IIN": "1",
        "LIMIT": 500,
        "NAME": "Asel",
    }
    assert each_login.effects() == {"created": 1, "updated": 1, "linked": 0, "unlinked": 0}


def test_create_and_load_many(mybpm: MyBPMServer, run: Run) -> None:
    made = [run(lambda api: api.create("NOTE", {"TEXT": "a"})) for _ in range(2)]
    ids = [one.boi_id for one in made]
    assert [one.boi_id for one in run(lambda api: api.load_many("NOTE", ids))] == ids
    # The server then answers with an object in place of the array.
    assert [one.boi_id for one in run(lambda api: api.load_many("NOTE", ids[:1]))] == ids[:1]
    assert mybpm.effects()["created"] == 2


def test_old_server_answers_flat(mybpm: MyBPMServer, run: Run) -> None:
    mybpm.command("set_dialect", flat=True)
    made = run(lambda api: api.upsert("NOTE", {"TEXT": "a"}))
    assert made.is_touched is False
    assert (made.fields["TEXT"].api_value, made.fields["TEXT"].type) == ("a", None)


def test_dates_come_in_the_zone_of_the_login(mybpm: MyBPMServer, run: Run) -> None:
    made = run(lambda api: api.upsert("CUSTOMER", {"SINCE": "2030-01-02T03:04:05.123Z"}))
    assert made.fields["SINCE"].api_value == "2030-01-02T09:04:05.123+06"
    assert made.fields["SINCE"].to_python().isoformat() == "2030-01-02T09:04:05.123000+06:00"


def test_pages(mybpm: MyBPMServer) -> None:
    hook = MyBPMHook()
    # The server gives 50 at a time, whatever is asked for.
    for number in range(53):
        hook.create("NOTE", {"TEXT": f"{number:02}"})
    found = [one.fields["TEXT"].api_value for one in hook.iterate_bois("NOTE", order_by="TEXT")]
    assert found == [f"{number:02}" for number in range(53)]

    async def also() -> list[Any]:
        listing = hook.aiterate_bois("NOTE", order_by="TEXT", size=20, start=10)
        return [one.fields["TEXT"].api_value async for one in listing]

    assert asyncio.run(also()) == found[10:]
    assert mybpm.requests("list") == 7


def test_listing_with_options(mybpm: MyBPMServer, run: Run) -> None:
    for text in ("desk", "lamp", "desk lamp"):
        MyBPMHook().create("NOTE", {"TEXT": text})
    page = run(
        lambda api: api.list_bois("NOTE", search="LAMP", order_by="TEXT", descending=True, columns=["TEXT"])
    )
    assert [one.fields["TEXT"].api_value for one in page.items] == ["lamp", "desk lamp"]
    archived = run(lambda api: api.list_bois("NOTE", state="ARCHIVED", brackets=[{"id": "a"}]))
    assert (archived.items, archived.next) == ((), None)


def test_nested(mybpm: MyBPMServer, run: Run) -> None:
    add = [FieldReference("BRANCHES", "CODE", ["N1", "S1"])]
    made = run(lambda api: api.upsert("CUSTOMER", {"IIN": "1"}, field_ref_add=add))
    page = run(lambda api: api.list_nested_bois("CUSTOMER", made.boi_id, "BRANCHES"))
    assert [one.fields["CODE"].api_value for one in page.items] == ["N1", "S1"]


def test_structure(mybpm: MyBPMServer, run: Run) -> None:
    told = run(lambda api: api.load_structure("CUSTOMER"))
    assert (told.bo_code, told.bo_type, told.actual) == ("CUSTOMER", "BO", True)
    assert told.fields["IIN"].unique is True
    assert told.fields["STATUS"].options == {"statusNew~000001", "statusChk@000002"}
    silent = run(lambda api: api.load_structure("SILENT"))
    assert (silent.fields["NUM"].unique, silent.fields["AMOUNT"].type) == (None, None)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        (lambda api: api.load("CUSTOMER", ANYWHERE), exceptions.NotFound),
        (lambda api: api.load("NOWHERE", ANYWHERE), exceptions.NotFound),
        (lambda api: api.upsert("CUSTOMER", {"NAME": "x"}, boi_id=ANYWHERE), exceptions.NotFound),
        (lambda api: api.upsert("CUSTOMER", {"NIM": "x"}), exceptions.Rejected),
        (lambda api: api.upsert("CUSTOMER", {"LIMIT": "x"}), exceptions.Rejected),
    ],
    ids=[
        "unknown instance",
        "unknown object",
        "update of an unknown instance",
        "unknown field",
        "wrong type",
    ],
)
def test_refusals(mybpm: MyBPMServer, run: Run, operation: Any, kind: type[Exception]) -> None:
    with pytest.raises(exceptions.PermanentError) as caught:
        run(operation)
    assert type(caught.value) is kind
    assert set(mybpm.effects().values()) == {0}


def test_update_of_a_removed_instance_is_refused(mybpm: MyBPMServer, run: Run) -> None:
    made = run(lambda api: api.upsert("NOTE", {"TEXT": "a"}))
    mybpm.command("set_state", bo_code="NOTE", boi_id=made.boi_id, state="REMOVED")
    with pytest.raises(exceptions.NotFound):
        run(lambda api: api.upsert("NOTE", {"TEXT": "b"}, boi_id=made.boi_id))


class TestTokens:
    def test_session_token_is_fetched_once_and_renewed_on_401(self, mybpm: MyBPMServer) -> None:
        hook = MyBPMHook()
        hook.load_structure("NOTE")
        mybpm.command("expire_logins")
        hook.upsert("NOTE", {"TEXT": "a"})
        self.one_renewal(mybpm)

    def test_so_it_is_in_the_triggerer(self, mybpm: MyBPMServer) -> None:
        async def both() -> None:
            hook = MyBPMHook()
            await hook.aload_structure("NOTE")
            mybpm.command("expire_logins")
            await hook.aupsert("NOTE", {"TEXT": "a"})

        asyncio.run(both())
        self.one_renewal(mybpm)

    def one_renewal(self, mybpm: MyBPMServer) -> None:
        assert (mybpm.requests("login"), mybpm.requests("upsert")) == (2, 2)
        assert mybpm.effects()["created"] == 1

    def test_session_token_expires(self, mybpm: MyBPMServer) -> None:
        hook = MyBPMHook()
        hook.load_structure("NOTE")
        mybpm.control.advance(1801)
        hook.load_structure("NOTE")
        assert mybpm.requests("login") == 2

    def test_many_waits_share_one_login(self, mybpm: MyBPMServer) -> None:
        async def many() -> None:
            await asyncio.gather(*(MyBPMHook().aload_structure("NOTE") for _ in range(20)))

        asyncio.run(many())
        assert (mybpm.requests("login"), mybpm.requests("structure")) == (1, 20)

    def test_api_token_logs_in_nowhere(self, mybpm: MyBPMServer, run: Run) -> None:
        mybpm.connect(login="", password=f" {API_TOKEN}\n")
        run(lambda api: api.load_structure("NOTE"))
        assert mybpm.requests("login") == 0

    @pytest.mark.parametrize(
        ("connection", "header"),
        [
            ({"login": "", "password": API_TOKEN}, "api-token"),
            ({"login": "", "password": API_TOKEN, "extra": {"header": "TOKEN"}}, "token"),
            ({"login": "", "password": API_TOKEN, "extra": {"header": "API_TOKEN"}}, "api_token"),
            ({}, "token"),
        ],
        ids=["API token", "API token in TOKEN", "API token in API_TOKEN", "session token"],
    )
    def test_header(self, mybpm: MyBPMServer, connection: Any, header: str) -> None:
        mybpm.connect(**connection)
        MyBPMHook().load_structure("NOTE")
        seen = mybpm.control.requests("mybpm")[-1]
        assert {"api-token", "api_token", "token"} & set(seen["headers"]) == {header}

    def test_session_token_in_the_wrong_header(self, mybpm: MyBPMServer) -> None:
        mybpm.connect(extra={"header": "API-TOKEN"})
        with pytest.raises(exceptions.AuthenticationFailed, match="header"):
            MyBPMHook().load_structure("NOTE")
        assert mybpm.requests("login") == 3, "a new token each time; three are enough to tell"

    def test_wrong_password(self, mybpm: MyBPMServer, run: Run) -> None:
        mybpm.connect(password="wrong")
        with pytest.raises(exceptions.AuthenticationFailed, match=r"airflow@example\.com"):
            run(lambda api: api.load_structure("NOTE"))

    def test_zone_goes_along_with_the_login(self, mybpm: MyBPMServer, run: Run) -> None:
        # Of the right form, but no clock is set so.
        mybpm.connect(extra={"timezone": "GMT+1500"})
        with pytest.raises(exceptions.AuthenticationFailed, match=r"the timezone 'GMT\+1500'") as caught:
            run(lambda api: api.load_structure("NOTE"))
        assert caught.value.status == 400

    def test_wrong_api_token(self, mybpm: MyBPMServer, run: Run) -> None:
        mybpm.connect(login="", password="wrong-key")
        with pytest.raises(exceptions.AuthenticationFailed, match="API-TOKEN") as caught:
            run(lambda api: api.load_structure("NOTE"))
        assert "wrong-key" not in str(caught.value)

    @pytest.mark.parametrize("token", ["two words", "line\nend", "Schlüssel", "tab\there"])
    def test_api_token_that_cannot_be_one(self, mybpm: MyBPMServer, token: str) -> None:
        mybpm.connect(login="", password=token)
        with pytest.raises(exceptions.InvalidConnection, match="'password'") as caught:
            MyBPMHook().get_conn()
        assert token not in str(caught.value)


class TestConnection:
    @pytest.mark.parametrize("missing", ["host", "password"])
    def test_what_is_needed(self, mybpm: MyBPMServer, missing: str) -> None:
        mybpm.connect(**{missing: ""})
        with pytest.raises(exceptions.InvalidConnection, match=f"'{missing}'"):
            MyBPMHook().get_conn()

    def test_header_must_be_one_of_three(self, mybpm: MyBPMServer) -> None:
        mybpm.connect(extra={"header": "APITOKEN"})
        with pytest.raises(exceptions.InvalidConnection, match="header"):
            MyBPMHook().get_conn()

    @pytest.mark.parametrize(
        "zone", ["Asia/Almaty", "Asia/Nowhere", "GMT", "GMT+6", "GMT+06:00", "GMT+2400", "GMT+0660", "+0600"]
    )
    def test_zone_of_another_form_is_refused_before_anything_is_sent(
        self, mybpm: MyBPMServer, zone: str
    ) -> None:
        mybpm.connect(extra={"timezone": zone})
        with pytest.raises(
            exceptions.InvalidConnection, match=r"'timezone' \(.*\) must be an offset such as GMT\+0600"
        ):
            MyBPMHook().load_structure("NOTE")
        assert mybpm.requests("login") == 0

    @pytest.mark.parametrize("zone", ["GMT+0000", "GMT-0330", "GMT+0545", "GMT+1400"])
    def test_zones(self, mybpm: MyBPMServer, zone: str) -> None:
        mybpm.connect(extra={"timezone": zone})
        assert MyBPMHook().load_structure("NOTE").bo_code == "NOTE"

    def test_scheme_and_port_may_stand_apart(self, mybpm: MyBPMServer) -> None:
        host, _, rest = mybpm.url.removeprefix("http://").partition(":")
        port, _, prefix = rest.partition("/")
        mybpm.connect(host=f"http://{host}/{prefix}", port=int(port))
        assert MyBPMHook().load_structure("NOTE").bo_code == "NOTE"
        mybpm.connect(host=host, schema="http", port=int(port))
        with pytest.raises(exceptions.NotFound):  # MyBPM is not at the root there
            MyBPMHook().load_structure("NOTE")

    @pytest.mark.parametrize(
        ("connection", "told"),
        [
            ({}, "Logged in to MyBPM as airflow@example.com"),
            ({"login": "", "password": API_TOKEN}, "MyBPM was reached, but the API token was not checked"),
            (
                {"login": "", "password": API_TOKEN, "extra": {"test_bo_code": "NOTE"}},
                "MyBPM accepted the API token, with read access to NOTE",
            ),
        ],
        ids=["session", "API token", "with an object"],
    )
    def test_test_button(self, mybpm: MyBPMServer, connection: Any, told: str) -> None:
        mybpm.connect(**connection)
        good, message = MyBPMHook().test_connection()
        assert (good, told in message) == (True, True), message
        assert set(mybpm.effects().values()) == {0}

    @pytest.mark.parametrize(
        "connection",
        [{"password": "wrong"}, {"login": "", "password": "wrong"}, {"extra": {"test_bo_code": "NOWHERE"}}],
        ids=["password", "API token", "object"],
    )
    def test_test_button_finds_fault(self, mybpm: MyBPMServer, connection: Any) -> None:
        mybpm.connect(**connection)
        good, message = MyBPMHook().test_connection()
        assert not good
        assert "wrong" not in message

    def test_test_button_names_the_zone_that_a_login_may_have_failed_by(self, mybpm: MyBPMServer) -> None:
        mybpm.connect(extra={"timezone": "GMT+1500"})
        good, message = MyBPMHook().test_connection()
        assert (good, message.partition(":")[0]) == (False, "Bad credentials")
        for name in ("login", "password", "timezone"):
            assert f"'{name}' (" in message.partition("Check ")[2]
        mybpm.connect(password="wrong")
        assert "timezone" not in MyBPMHook().test_connection()[1]

    @pytest.mark.parametrize("status", [400, 404, 422])
    @pytest.mark.parametrize("connection", [{}, {"login": "", "password": API_TOKEN}], ids=["session", "API"])
    def test_test_button_names_the_field_of_an_object_that_is_not_there(
        self, mybpm: MyBPMServer, connection: dict[str, Any], status: int
    ) -> None:
        mybpm.connect(**connection, extra={"test_bo_code": "NOTES"})
        if status != 404:  # what a server says of such an object is not documented
            mybpm.fault("structure", "status", status=status)
        good, message = MyBPMHook().test_connection()
        assert not good
        assert message.startswith("This connection: field 'test_bo_code' (BO for the Test button) names a")
        assert f"at {mybpm.url}" in message
        # After a login it is known that it is MyBPM that answers.
        assert ("'host' (Server)" in message) == bool(connection)
        assert "'port'" not in message

    def test_test_button_names_the_field_of_an_object_that_may_not_be_read(self, mybpm: MyBPMServer) -> None:
        mybpm.connect(extra={"test_bo_code": "NOTE"})
        mybpm.fault("structure", "status", status=403)
        good, message = MyBPMHook().test_connection()
        assert (good, message.partition(":")[0]) == (False, "No permission")
        assert "field 'test_bo_code' (BO for the Test button) names" in message

    def test_an_address_that_does_not_know_the_login_is_still_a_wrong_address(
        self, mybpm: MyBPMServer
    ) -> None:
        mybpm.connect(host=f"{mybpm.url}/elsewhere", extra={"test_bo_code": "NOTE"})
        good, message = MyBPMHook().test_connection()
        assert (good, message.partition(":")[0]) == (False, "Wrong address")
        assert "test_bo_code" not in message


class TestFaults:
    @pytest.mark.parametrize("kind", ["lost_answer", "bad_gateway", "unavailable", "not_json", "truncated"])
    def test_a_read_is_repeated(self, mybpm: MyBPMServer, kind: str) -> None:
        fault = mybpm.fault("structure", kind)
        assert MyBPMHook(retry=SWIFT).load_structure("NOTE").bo_code == "NOTE"
        assert mybpm.control.hits(fault) == 1

    @pytest.mark.parametrize("kind", ["lost_answer", "reset_before", "truncated"])
    def test_a_unique_upsert_is_repeated_without_a_second_instance(
        self, mybpm: MyBPMServer, kind: str
    ) -> None:
        fault = mybpm.fault("upsert", kind)
        MyBPMHook(retry=SWIFT).upsert("CUSTOMER", {"IIN": "1"}, unique_field="IIN")
        assert mybpm.control.hits(fault) == 1
        assert mybpm.effects()["created"] == 1

    @pytest.mark.parametrize("kind", ["lost_answer", "reset_before", "truncated", "not_json", "bad_gateway"])
    @pytest.mark.parametrize("call", ["upsert", "create"])
    def test_without_a_unique_field_nothing_is_sent_twice(
        self, mybpm: MyBPMServer, call: str, kind: str
    ) -> None:
        mybpm.fault(call, kind)
        with pytest.raises(exceptions.OutcomeUnknown):
            getattr(MyBPMHook(retry=SWIFT), call)("CUSTOMER", {"IIN": "1"})
        assert mybpm.requests(call) == 1

    def test_redirects_are_not_followed(self, mybpm: MyBPMServer) -> None:
        mybpm.fault("structure", "redirect")
        with pytest.raises(exceptions.UnexpectedRedirect):
            MyBPMHook().load_structure("NOTE")


def test_calls_offered() -> None:
    # By codes; the same calls by ids (…-with-id) are left out, and no others are known.
    calls = {
        "upsert",
        "create",
        "load",
        "load_many",
        "list_bois",
        "iterate_bois",
        "list_nested_bois",
        "iterate_nested_bois",
        "load_structure",
    }
    base = {"form", "make_api", "fetch_credential", "probe"}
    own = {name for name in vars(MyBPMHook) if not name.startswith("_") and name not in vars(WorkflowHook)}
    settings = {name for name in own if isinstance(getattr(MyBPMHook, name), str)}
    assert own - settings - base == calls | {f"a{name}" for name in calls}
