"""OMFlow's operators against the sandbox: what they return, and what really happened at the vendor."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from airflow.sdk import ObjectStoragePath
from airflow.sdk.io import attach

from airflow_provider_workflows.core.submission.look_up import LINGER
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    ConnectionFailed,
    InvalidConnection,
    InvalidInput,
    LostTrack,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Rejected,
    RunFailed,
    RunTimedOut,
    TemporaryError,
    Throttled,
)
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator
from airflow_provider_workflows.omflow.sensors import OMFlowDataIdSensor
from airflow_provider_workflows.sandbox.registry import load_declaration
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.conftest import OMFlowServer, omflow_of
from tests.core.airflow_names import AirflowFailException
from tests.core.harness import Clock, Runner, raised
from tests.omflow.orders import (
    FORM,
    LOST,
    TITLE,
    killed_before_the_id_is_stored,
    open_order,
    opening,
    push_all,
    pushing,
    record,
    requests,
    state,
    stops,
    stored,
)

WEEK = 7 * 86400
LOOPING = """
[[omflow.users]]
name = "airflow"
password = "sesame"
rights = ["add", "modify", "view"]

[omflow.processes.loop.fields]
FORMITM_1 = { label = "Decision" }

[omflow.processes.loop.flow]
start = { kind = "start", to = "Review" }
Review = { kind = "human", to = "Which" }
Which = { kind = "switch", on = "FORMITM_1", cases = { again = "Review" }, otherwise = "Done" }
Done = { kind = "end" }
"""


class TestOpen:
    def test_returns_the_orders_number(self, each_omflow: OMFlowServer) -> None:
        runner = opening()
        data_no = runner.run()
        assert data_no == ("1" if each_omflow.version == "1.2" else 1)
        assert each_omflow.effects()["opened"] == 1
        assert record(each_omflow, data_no)["fields"] == {"FORMITM_1": "Desk", "FORMITM_2": "480"}
        assert runner.ti.xcoms == {"remote": {"vendor": "OMFlow", "id": f"purchase/{data_no}"}}

    @pytest.mark.parametrize(
        "form",
        [
            [{"id": "FORMITM_1", "type": "h_title", "value": "Desk"}],
            [{"id": "FORMITM_1", "value": "Desk"}],
            '{"FORMITM_1": "Desk"}',
        ],
        ids=["items", "items without type", "JSON text"],
    )
    def test_form_in_the_vendors_own_items_or_as_text(self, each_omflow: OMFlowServer, form: Any) -> None:
        data_no = opening(form_data=form).run()
        assert record(each_omflow, data_no)["fields"]["FORMITM_1"] == "Desk"

    def test_type_of_an_item_fills_the_orders_own_column(self, each_omflow: OMFlowServer) -> None:
        data_no = opening(form_data=[{"id": "FORMITM_1", "type": "h_title", "value": "Desk"}]).run()
        rows = OMFlowHook().list_rows("purchase", columns=["title", "data_no"])
        assert [row["title"] for row in rows.items] == ["Desk"], data_no

    @pytest.mark.parametrize("given", [{"who": "me"}, '{"who": "me"}'], ids=["mapping", "JSON text"])
    def test_start_input(self, each_omflow: OMFlowServer, given: Any) -> None:
        data_no = opening(api_path="formless", form_data=None, start_input=given).run()
        assert record(each_omflow, data_no, "formless")

    def test_lacking_start_input_is_no_order(self, each_omflow: OMFlowServer) -> None:
        with pytest.raises(OutcomeUnknown, match="returned no number"):
            opening(api_path="formless", form_data=None, start_input={"whom": "me"}).run()
        assert each_omflow.effects()["opened"] == 0

    def test_a_retry_goes_on_with_the_same_order(self, each_omflow: OMFlowServer) -> None:
        runner = opening()
        data_no = runner.run()
        assert runner.retry() == data_no
        assert each_omflow.effects()["opened"] == 1
        assert requests(each_omflow, "open") == 1

    def test_a_clear_opens_another_order(self, each_omflow: OMFlowServer) -> None:
        """But only once the first has ended."""
        runner = opening(api_path="two-step", form_data=TITLE)
        first = runner.run()
        each_omflow.control.advance(5)
        push_all(each_omflow, "two-step", first, times=2)
        assert runner.clear() != first
        assert each_omflow.effects()["opened"] == 2

    def test_what_is_kept_is_readable_and_no_secret(self, omflow: OMFlowServer) -> None:
        runner = opening()
        data_no = runner.run()
        kept = stored(runner)
        assert set(kept) == {
            "format",
            "subject",
            "mark",
            "payload",
            "target",
            "intended_at",
            "id",
            "accepted_at",
            "seal",
            "generation",
        }
        assert kept["id"] == data_no
        assert kept["mark"].startswith("af-dag-task-")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"form_data": {"closed": "1"}},
            {"form_data": {"formitm_1": "x"}},
            {"form_data": {"FORMITM_1": None}},
            {"form_data": "no JSON"},
            {"start_input": "no JSON"},
            {"api_path": ""},
            {"api_path": "None"},
            {"run_key_field": "FORMITM_1"},
            {"run_key_field": "title"},
            {"attachments": ["/no/such/file.pdf"]},
            {"attachments": [7]},
            {"field_attachments": {"files": __file__}},
            {"field_attachments": {"FORMITM_5": "/no/such/file.pdf"}},
            {"attachments": [__file__, __file__]},
            {"form_data": {"FORMITM_1": "x" * 2_700_000}},
        ],
        ids=lambda wrong: f"{next(iter(wrong))}={str(next(iter(wrong.values())))[:30]}",
    )
    def test_wrong_input_sends_nothing_and_leaves_no_intent(
        self, omflow: OMFlowServer, wrong: dict[str, Any]
    ) -> None:
        runner = opening(**wrong)
        with pytest.raises(InvalidInput):
            runner.run()
        assert omflow.effects()["requests"].get("open") is None
        assert stored(runner) is None

    def test_wrong_connection_leaves_no_intent(self, omflow: OMFlowServer) -> None:
        omflow.connect(extra={"timeout": "soon"})
        runner = opening()
        with pytest.raises(InvalidConnection, match="timeout"):
            runner.run()
        assert stored(runner) is None

    def test_rejected_values_stop_the_task_and_leave_no_intent(self, each_omflow: OMFlowServer) -> None:
        runner = opening(form_data={"FORMITM_2": "480"})
        with pytest.raises(Rejected) as caught:
            runner.run()
        assert isinstance(caught.value, AirflowFailException)
        assert stored(runner) is None
        assert each_omflow.effects()["opened"] == 0

    def test_rejected_login_leaves_no_intent(self, omflow: OMFlowServer) -> None:
        omflow.connect(password="wrong")
        runner = opening()
        with pytest.raises(AuthenticationFailed):
            runner.run()
        assert stored(runner) is None

    def test_refused_connection_sends_nothing_and_a_retry_opens_one(
        self, omflow: OMFlowServer, unused_port: int
    ) -> None:
        runner = opening()
        omflow.connect(host=f"http://127.0.0.1:{unused_port}")
        with pytest.raises(ConnectionFailed):
            runner.run()
        assert stored(runner) is None
        omflow.connect()
        runner.retry()
        assert omflow.effects()["opened"] == 1

    def test_a_request_to_slow_down_is_no_doubt(self, omflow: OMFlowServer) -> None:
        fault = omflow.fault("open", "throttled", times=1, retry_after=0)
        opening().run()
        assert omflow.control.hits(fault) == 1
        assert omflow.effects()["opened"] == 1

    def test_a_request_to_slow_down_for_long_is_left_to_a_retry(self, omflow: OMFlowServer) -> None:
        omflow.fault("open", "throttled", times=1, retry_after=60)
        runner = opening()
        with pytest.raises(Throttled) as caught:
            runner.run()
        assert isinstance(caught.value, TemporaryError)
        runner.retry()
        assert omflow.effects()["opened"] == 1


class TestOpenInDoubt:
    @pytest.mark.parametrize("name", LOST)
    def test_a_lost_answer_is_never_followed_by_a_second_order(self, omflow: OMFlowServer, name: str) -> None:
        """Without a run key nothing tells whether there is one; no attempt ever opens another."""
        fault, opened = LOST[name]
        fault_id = omflow.fault("open", **fault)
        runner = opening()
        with pytest.raises(OutcomeUnknown) as caught:
            runner.run()
        assert omflow.control.hits(fault_id) == 1
        assert isinstance(caught.value, AirflowFailException)
        for said in (
            "an order of purchase",
            "run_key_field",
            "OMFlow → Apps → purchase",
            "on_lost_answer='resubmit'",
        ):
            assert said in str(caught.value)
        for again in (runner.retry, runner.clear):
            with pytest.raises(OutcomeUnknown, match="an earlier attempt ended without a result"):
                again()
        assert omflow.effects()["opened"] == opened
        assert requests(omflow, "open") == 1

    @pytest.mark.parametrize("name", LOST)
    def test_with_a_run_key_the_order_is_found(self, omflow: OMFlowServer, clock: Clock, name: str) -> None:
        """Or opened again, when it has not come within ``settle``."""
        fault, opened = LOST[name]
        fault_id = omflow.fault("open", **fault)
        runner = opening(run_key_field="FORMITM_3", settle=40)
        begun = clock.time()
        data_no = runner.run()
        assert omflow.control.hits(fault_id) == 1
        assert record(omflow, data_no)["fields"]["FORMITM_3"] == stored(runner)["mark"]
        assert omflow.effects()["opened"] == 1
        assert requests(omflow, "open") == 2 - opened
        assert clock.time() - begun == pytest.approx(0 if opened else 40)

    def test_a_read_timeout_is_a_doubt(self, omflow: OMFlowServer, clock: Clock) -> None:
        omflow.connect(extra={"timeout": 0.5})
        fault = omflow.fault("open", "slow", seconds=1.5)
        assert record(omflow, opening(run_key_field="FORMITM_3").run())
        assert omflow.control.hits(fault) == 1
        assert (omflow.effects()["opened"], requests(omflow, "open")) == (1, 1)

    def test_number_that_could_not_be_stored_is_named(
        self, omflow: OMFlowServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runner = opening()
        assert runner.store is not None
        write = runner.store.set

        def fail_once_the_order_is_there(key: str, value: Any, **how: Any) -> None:
            if "id" in value:
                raise ConnectionError("the API server is away")
            write(key, value, **how)

        monkeypatch.setattr(runner.store, "set", fail_once_the_order_is_there)
        with pytest.raises(OutcomeUnknown, match="an order of purchase, id 1"):
            runner.run()


class TestOpenWithoutNumber:
    """Yes without a number: the process's start component validates, or the engine failed."""

    VALIDATED: ClassVar[dict[str, Any]] = {
        "api_path": "validated",
        "form_data": TITLE,
        "run_key_field": "FORMITM_2",
    }

    def test_found_by_its_run_key(self, each_omflow: OMFlowServer, clock: Clock) -> None:
        data_no = opening(**self.VALIDATED).run()
        assert record(each_omflow, data_no, "validated")["fields"]["FORMITM_2"].startswith("af-")
        assert (each_omflow.effects()["opened"], requests(each_omflow, "open")) == (1, 1)

    def test_without_a_run_key_it_says_what_to_do(self, each_omflow: OMFlowServer) -> None:
        runner = opening(api_path="validated", form_data=TITLE)
        with pytest.raises(OutcomeUnknown, match=r"(?s)returned no number.*run_key_field") as caught:
            runner.run()
        assert "  " not in str(caught.value)
        with pytest.raises(OutcomeUnknown):
            runner.retry()
        assert requests(each_omflow, "open") == 1

    def test_a_look_up_that_fails_forgets_nothing(self, each_omflow: OMFlowServer, clock: Clock) -> None:
        """The order is there; a second open would make another."""
        each_omflow.fault("list", "throttled", times=99, retry_after=99)
        runner = opening(**self.VALIDATED)
        with pytest.raises(LostTrack, match=r"(?s)Airflow sends nothing\n.*A retry asks again") as caught:
            runner.run()
        assert isinstance(caught.value, TemporaryError)
        each_omflow.control.clear_faults()
        data_no = runner.retry()
        assert record(each_omflow, data_no, "validated")["state"] == "waiting"
        assert (each_omflow.effects()["opened"], requests(each_omflow, "open")) == (1, 1)

    def test_a_refused_order_is_a_doubt(self, each_omflow: OMFlowServer, clock: Clock) -> None:
        """To open it again would be refused again, or open the second of two: no attempt does so."""
        runner = opening(**{**self.VALIDATED, "api_path": "rejected"})
        begun = clock.time()
        with pytest.raises(OutcomeUnknown, match="may have refused the order") as caught:
            runner.run()
        assert clock.time() - begun == pytest.approx(60 + LINGER)
        assert stored(runner)["mark"] in str(caught.value)
        for again in (runner.retry, runner.clear):
            with pytest.raises(OutcomeUnknown, match="may have refused the order"):
                again()
        assert (each_omflow.effects()["opened"], requests(each_omflow, "open")) == (0, 1)

    def test_an_order_that_is_late_is_found_by_a_later_attempt(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The vendor's queue stands still meanwhile, however long this machine takes."""
        Clock().install(monkeypatch)
        declared = load_declaration()
        declared["omflow"]["latency"] = 600
        with SandboxServer(declared) as sandbox:
            omflow = omflow_of("1.2", sandbox, monkeypatch)
            runner = opening(**self.VALIDATED)
            with pytest.raises(OutcomeUnknown):
                runner.run()
            omflow.control.advance(601)
            assert record(omflow, runner.clear(), "validated")
            assert (omflow.effects()["opened"], requests(omflow, "open")) == (1, 1)

    def test_resubmitted_if_the_user_wants_it(self, omflow: OMFlowServer, clock: Clock) -> None:
        runner = opening(**{**self.VALIDATED, "api_path": "rejected"}, on_lost_answer="resubmit")
        with pytest.raises(OutcomeUnknown):
            runner.run()
        assert requests(omflow, "open") == 3

    def test_unknown_field(self, each_omflow: OMFlowServer) -> None:
        with pytest.raises(OutcomeUnknown, match="a field that the form does not have"):
            opening(form_data={**FORM, "FORMITM_99": "x"}).run()
        assert each_omflow.effects()["opened"] == 0

    def test_unknown_run_key_field(self, each_omflow: OMFlowServer, clock: Clock) -> None:
        runner = opening(run_key_field="FORMITM_99")
        for attempt in (runner.run, runner.clear):
            with pytest.raises(
                InvalidInput, match=r"^Nothing was sent: .* form of purchase has no field FORMITM_99"
            ):
                attempt()
        assert (each_omflow.effects()["opened"], requests(each_omflow, "open")) == (0, 0)


class TestAttachments:
    @pytest.fixture
    def files(self, tmp_path: Path) -> list[Path]:
        made = []
        for name, content in (("offer.pdf", b"%PDF" * 1000), ("plan (1).txt", "Grüße".encode())):
            made.append(tmp_path / name)
            made[-1].write_bytes(content)
        return made

    def names(self, server: OMFlowServer, data_no: Any) -> dict[str, int]:
        return {one["name"]: one["size"] for one in record(server, data_no)["files"]}

    def test_go_with_the_open_call_or_right_after_it(
        self, each_omflow: OMFlowServer, files: list[Path]
    ) -> None:
        data_no = opening(attachments=files).run()
        assert self.names(each_omflow, data_no) == {one.name: one.stat().st_size for one in files}
        assert (requests(each_omflow, "open"), each_omflow.effects()["opened"]) == (1, 1)
        assert requests(each_omflow, "upload") == (0 if each_omflow.version == "1.2" else 1)

    def test_form_and_files_in_one_call(self, omflow: OMFlowServer, files: list[Path]) -> None:
        data_no = opening(attachments=files, form_data={**FORM, "FORMITM_1": 'Tür "Süd"'}).run()
        assert record(omflow, data_no)["fields"]["FORMITM_1"] == 'Tür "Süd"'

    def test_a_retry_does_not_add_them_again(self, each_omflow: OMFlowServer, files: list[Path]) -> None:
        if each_omflow.version == "1.1":
            # The upload worked, its confirmation did not.
            each_omflow.fault("files", "throttled", skip=1, retry_after=60)
        runner = opening(attachments=files)
        if each_omflow.version == "1.1":
            with pytest.raises(Throttled):
                runner.run()
            data_no = runner.retry()
        else:
            data_no = runner.run()
            assert runner.retry() == data_no
        assert len(record(each_omflow, data_no)["files"]) == 2
        assert each_omflow.effects()["uploaded"] == 2
        assert each_omflow.effects()["opened"] == 1

    @pytest.mark.parametrize("each_omflow", ["1.1"], indirect=True)
    def test_a_retry_adds_what_is_missing(self, each_omflow: OMFlowServer, files: list[Path]) -> None:
        each_omflow.fault("upload", "throttled", retry_after=60)
        runner = opening(attachments=files)
        with pytest.raises(Throttled):
            runner.run()
        assert self.names(each_omflow, runner.retry()) == {one.name: one.stat().st_size for one in files}

    def test_of_a_field(self, omflow: OMFlowServer, files: list[Path]) -> None:
        data_no = opening(attachments=[files[1]], field_attachments={"FORMITM_5": files[0]}).run()
        found = {one["name"]: one["field"] for one in record(omflow, data_no)["files"]}
        assert found == {"offer.pdf": "FORMITM_5", "plan (1).txt": "files"}
        assert record(omflow, data_no)["fields"]["FORMITM_5"] == "offer.pdf"

    def test_of_a_field_are_refused_where_the_server_ignores_them(
        self, omflow: OMFlowServer, files: list[Path]
    ) -> None:
        omflow.connect(extra={"server_version": "1.1"})
        with pytest.raises(InvalidInput, match="field_attachments"):
            opening(field_attachments={"FORMITM_5": files[0]}).run()
        assert omflow.effects()["requests"] == {}

    @pytest.mark.parametrize("scheme", ["file", "memory"])
    @pytest.mark.parametrize("as_text", [True, False], ids=["text", "object"])
    def test_from_object_storage(
        self, each_omflow: OMFlowServer, tmp_path: Path, scheme: str, as_text: bool
    ) -> None:
        attach("memory", fs=fsspec.filesystem("memory"))
        path = ObjectStoragePath(f"{scheme}://{tmp_path}/report.csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a,b\n" * 10)
        data_no = opening(attachments=[str(path) if as_text else path]).run()
        assert self.names(each_omflow, data_no) == {"report.csv": 40}

    def test_a_missing_one_is_named_before_anything_is_sent(self, omflow: OMFlowServer) -> None:
        for path in ("/no/such/offer.pdf", "file:///no/such/offer.pdf", "nowhere://a/b.pdf", "/", "a\0b"):
            with pytest.raises(InvalidInput, match=re.escape(repr(path))):
                opening(attachments=[path]).run()
        assert omflow.effects()["requests"] == {}

    def test_two_of_a_name_are_refused(self, omflow: OMFlowServer, tmp_path: Path) -> None:
        for folder in ("a", "b"):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "offer.pdf").write_text(folder)
        with pytest.raises(InvalidInput, match=r"duplicate file name: offer.pdf"):
            opening(attachments=[tmp_path / "a" / "offer.pdf", tmp_path / "b" / "offer.pdf"]).run()
        assert omflow.effects()["requests"] == {}


class TestOpenAndWait:
    """``wait_for_completion`` returns the same, here and in the triggerer."""

    HOW = pytest.mark.parametrize("deferrable", [False, True], ids=["sync", "deferrable"])

    def runner(self, clock: Clock, deferrable: bool, **arguments: Any) -> Runner:
        arguments = {"api_path": "two-step", "form_data": TITLE, "timeout": 300, **arguments}
        return Runner(
            lambda: OMFlowOpenOrderOperator(
                task_id="open", wait_for_completion=True, deferrable=deferrable, **arguments
            ),
            clock=clock,
        )

    @HOW
    def test_returns_the_number_when_the_order_is_closed(
        self, omflow: OMFlowServer, clock: Clock, deferrable: bool
    ) -> None:
        clock.after(30, lambda: push_all(omflow, "two-step", 1, times=2))
        runner = self.runner(clock, deferrable)
        assert runner.run() == "1"
        assert bool(runner.deferrals) == deferrable
        assert record(omflow, 1, "two-step")["state"] == "finished"

    @HOW
    def test_fails_when_the_order_fails(self, omflow: OMFlowServer, clock: Clock, deferrable: bool) -> None:
        clock.after(30, lambda: push_all(omflow, "decision", 1))
        runner = self.runner(
            clock, deferrable, api_path="decision", form_data={"FORMITM_1": "x", "FORMITM_2": "maybe"}
        )
        with pytest.raises(RunFailed, match="decision/1 failed"):
            runner.run()

    @HOW
    def test_times_out_for_good(self, omflow: OMFlowServer, clock: Clock, deferrable: bool) -> None:
        runner = self.runner(clock, deferrable)
        with pytest.raises(RunTimedOut) as caught:
            runner.run()
        assert isinstance(caught.value, AirflowFailException)
        assert omflow.effects()["opened"] == 1

    @HOW
    def test_a_retry_waits_for_the_same_order(
        self, omflow: OMFlowServer, clock: Clock, deferrable: bool
    ) -> None:
        runner = self.runner(clock, deferrable, tolerance=50, timeout=600)
        clock.after(20, lambda: omflow.fault("list", "throttled", times=9, retry_after=45))
        with pytest.raises(TemporaryError):
            runner.run()
        omflow.control.clear_faults()
        push_all(omflow, "two-step", 1, times=2)
        assert runner.retry() == "1"
        assert omflow.effects()["opened"] == 1


class TestAnOrderThatIsGone:
    """It was opened, its number is stored, and then somebody deletes it."""

    @pytest.fixture
    def opened(self, each_omflow: OMFlowServer, clock: Clock) -> Runner:
        runner = opening(clock, wait_for_completion=True, deferrable=False, tolerance=60, timeout=WEEK)
        clock.after(20, lambda: OMFlowHook().delete_order("purchase", stored(runner)["id"]))
        begun = clock.time()
        with raised(LostTrack):
            runner.run()
        assert clock.time() - begun < 200
        return runner

    @pytest.mark.parametrize("attempt", ["retry", "clear"])
    def test_fails_naming_it_and_sends_nothing(
        self, each_omflow: OMFlowServer, opened: Runner, attempt: str
    ) -> None:
        id, before = stored(opened)["id"], each_omflow.effects()["opened"]
        with raised(LostTrack) as caught:
            getattr(opened, attempt)()
        assert f"OMFlow does not know {id} (an order of purchase)" in str(caught[0])
        assert f"OMFlow lists no rows of order purchase/{id}" in str(caught[0])
        assert each_omflow.effects()["opened"] == before == 1
        assert stored(opened)["id"] == id

    def test_a_clear_opens_another_if_the_user_wants_it(self, omflow: OMFlowServer, clock: Clock) -> None:
        runner = opening(clock, on_clear="rerun")
        first = runner.run()
        OMFlowHook().delete_order("purchase", first)
        assert runner.clear() != first

    def test_is_not_pushed(self, each_omflow: OMFlowServer) -> None:
        runner = pushing(api_path="two-step", data_no=4711, stop_chart_text="Review", form_data=TITLE)
        with raised(NotFound) as caught:
            runner.run()
        assert "Nothing was pushed: OMFlow lists no rows of order two-step/4711" in str(caught[0])
        assert each_omflow.effects()["pushed"] == 0
        assert stored(runner) is None


class TestPush:
    @pytest.fixture
    def data_no(self, each_omflow: OMFlowServer) -> Any:
        return open_order(each_omflow, "purchase", FORM)

    @pytest.mark.parametrize(
        ("how", "decision"),
        [
            ({"quick_action": "action1"}, "approved"),
            ({"quick_action": "action2"}, "refused"),
            ({"form_data": {"FORMITM_1": "Desk", "FORMITM_6": "perhaps"}}, "perhaps"),
            ({"form_data": '{"FORMITM_1": "Desk", "FORMITM_6": "text"}'}, "text"),
        ],
        ids=["action1", "action2", "form", "JSON text"],
    )
    def test_at_the_stop(
        self, each_omflow: OMFlowServer, data_no: Any, how: dict[str, Any], decision: str
    ) -> None:
        expected = stops("purchase", data_no)["Review"]
        runner = pushing(api_path="purchase", data_no=data_no, stop_chart_text="Review", **how)
        assert runner.run() == expected
        each_omflow.control.advance(5)
        assert set(stops("purchase", data_no)) == {"Legal", "Finance"}
        assert record(each_omflow, data_no)["fields"]["FORMITM_6"] == decision
        assert each_omflow.effects()["pushed"] == 1
        assert runner.ti.xcoms == {"remote": {"vendor": "OMFlow", "id": f"purchase/{data_no}"}}

    def test_nothing_at_the_stop(self, each_omflow: OMFlowServer, data_no: Any) -> None:
        data_id = stops("purchase", data_no)["Review"]
        runner = pushing(
            api_path="purchase", data_no=data_no, stop_chart_text="Legal", quick_action="action1"
        )
        with pytest.raises(Rejected, match=rf"no branch at 'Legal'\n.*'Review' \(data_id {data_id}\)"):
            runner.run()
        assert requests(each_omflow, "push") == 0
        assert stored(runner) is None

    def test_a_refused_validation_is_not_pushed_again(self, each_omflow: OMFlowServer) -> None:
        """A second push would leave the row running for good (recorded)."""
        data_no = open_order(each_omflow, "push-rejected")
        push: dict[str, Any] = {"api_path": "push-rejected", "data_no": data_no, "form_data": TITLE}
        pushing(stop_chart_text="Approve", **push).run()
        each_omflow.control.advance(5)
        with pytest.raises(Rejected, match=r"(?s)no branch at 'Approve'.*\nFailed: "):
            pushing(stop_chart_text="Approve", **push).run()
        assert requests(each_omflow, "push") == 1

    def test_several_at_the_stop(self, each_omflow: OMFlowServer) -> None:
        data_no = open_order(each_omflow, "same-names")
        ids = [stop.data_id for stop in state("same-names", data_no).stops]
        runner = pushing(api_path="same-names", data_no=data_no, stop_chart_text="Sign", form_data=TITLE)
        with pytest.raises(Rejected, match="several branches at 'Sign'") as caught:
            runner.run()
        assert all(f"data_id {data_id}" in str(caught.value) for data_id in ids)
        assert requests(each_omflow, "push") == 0
        chosen = pushing(api_path="same-names", data_no=data_no, data_id=str(ids[1]), form_data=TITLE)
        assert chosen.run() == ids[1]
        each_omflow.control.advance(5)
        assert [stop.data_id for stop in state("same-names", data_no).stops] == [ids[0]]

    @pytest.mark.parametrize(
        "wrong",
        [
            {},
            {"stop_chart_text": "Review", "data_id": 2},
            {"stop_chart_text": "Review", "form_data": TITLE, "quick_action": "action1"},
            {"stop_chart_text": "Review", "form_data": {"data_no": 1}},
            {"stop_chart_text": "Review", "data_no": "None"},
            {"data_id": "two"},
        ],
        ids=str,
    )
    def test_wrong_input_sends_nothing(self, omflow: OMFlowServer, wrong: dict[str, Any]) -> None:
        with pytest.raises(InvalidInput):
            pushing(**{"api_path": "purchase", "data_no": 1, **wrong}).run()
        assert omflow.effects()["requests"] == {}

    def test_refused_values(self, each_omflow: OMFlowServer, data_no: Any) -> None:
        runner = pushing(api_path="purchase", data_no=data_no, stop_chart_text="Review", form_data={})
        with pytest.raises(Rejected):
            runner.run()
        assert stored(runner) is None
        assert set(stops("purchase", data_no)) == {"Review"}

    def test_without_the_right(self, omflow: OMFlowServer) -> None:
        data_no = open_order(omflow, "purchase", FORM)
        omflow.connect(login="viewer", password="viewer")
        runner = pushing(
            api_path="purchase", data_no=data_no, stop_chart_text="Review", quick_action="action1"
        )
        with pytest.raises(PermissionDenied):
            runner.run()
        assert stored(runner) is None

    def test_a_retry_after_success_sends_nothing(self, each_omflow: OMFlowServer, data_no: Any) -> None:
        runner = pushing(
            api_path="purchase", data_no=data_no, stop_chart_text="Review", quick_action="action1"
        )
        data_id = runner.run()
        before = each_omflow.effects()
        assert runner.retry() == data_id
        assert each_omflow.effects() == before

    def test_a_clear_pushes_what_stands_then(self, each_omflow: OMFlowServer, data_no: Any) -> None:
        runner = pushing(
            api_path="purchase", data_no=data_no, stop_chart_text="Review", quick_action="action1"
        )
        runner.run()
        each_omflow.control.advance(5)
        with pytest.raises(Rejected, match="no branch at 'Review'"):
            runner.clear()


class TestPushInDoubt:
    @pytest.fixture
    def data_no(self, omflow: OMFlowServer) -> Any:
        return open_order(omflow, "two-step")

    def runner(self, data_no: Any, **how: Any) -> Runner:
        how = {"stop_chart_text": "Review", "form_data": {**TITLE, "FORMITM_2": "mine"}, **how}
        return pushing(api_path="two-step", data_no=data_no, **how)

    @pytest.mark.parametrize("name", LOST)
    def test_a_push_that_worked_is_recognised(
        self, omflow: OMFlowServer, clock: Clock, data_no: Any, name: str
    ) -> None:
        """And one that did not is made again, when the row still stands after ``settle``."""
        fault, pushed = LOST[name]
        fault_id = omflow.fault("push", **fault)
        runner = self.runner(data_no, settle=40)
        begun = clock.time()
        assert runner.run() == stored(runner)["id"]
        assert omflow.control.hits(fault_id) == 1
        assert clock.time() - begun == pytest.approx(0 if pushed else 40)
        omflow.control.advance(5)
        assert set(stops("two-step", data_no)) == {"Approve"}
        assert (omflow.effects()["pushed"], requests(omflow, "push")) == (1, 2 - pushed)

    def test_what_is_kept_is_readable_and_no_secret(self, omflow: OMFlowServer, data_no: Any) -> None:
        runner = self.runner(data_no)
        data_id = runner.run()
        kept = stored(runner)
        assert kept["subject"] == f"the push of order two-step/{data_no} from the stop 'Review'"
        assert kept["baseline"] == {
            "data_id": data_id,
            "changes": ["FORMITM_2"],
            "types": {"FORMITM_1": "h_title"},
        }

    def test_a_quick_action_that_worked_is_a_doubt(
        self, omflow: OMFlowServer, clock: Clock, data_no: Any
    ) -> None:
        """It leaves nothing that tells it from another task's, which may be the other quick action."""
        data_no = open_order(omflow, "purchase", FORM)
        fault = omflow.fault("push", "lost_answer")
        how: dict[str, Any] = {"stop_chart_text": "Review", "quick_action": "action1"}
        runner = pushing(api_path="purchase", data_no=data_no, **how)
        with pytest.raises(OutcomeUnknown, match="changes no value that could identify it") as caught:
            runner.run()
        assert omflow.control.hits(fault) == 1
        assert f"order purchase/{data_no}" in str(caught.value)
        with pytest.raises(OutcomeUnknown):
            runner.clear()
        assert requests(omflow, "push") == 1

    def test_a_quick_action_that_did_not_work_is_made_again(self, omflow: OMFlowServer, clock: Clock) -> None:
        data_no = open_order(omflow, "purchase", FORM)
        omflow.fault("push", "reset_before")
        how: dict[str, Any] = {"stop_chart_text": "Review", "quick_action": "action1"}
        pushing(api_path="purchase", data_no=data_no, **how).run()
        assert omflow.effects()["pushed"] == 1

    def test_a_doubt_outlives_an_attempt_that_was_throttled(
        self, omflow: OMFlowServer, clock: Clock, data_no: Any
    ) -> None:
        """Else the third attempt would choose a stop afresh, which may be another one by then."""
        omflow.fault("push", "reset_before")
        omflow.fault("push", "throttled", retry_after=99)
        runner = self.runner(data_no)
        with pytest.raises(Throttled):
            runner.run()
        baseline = stored(runner)["baseline"]
        omflow.fault("push", "throttled", retry_after=99)
        with pytest.raises(Throttled):
            runner.retry()
        assert stored(runner)["baseline"] == baseline
        assert runner.retry() == baseline["data_id"]
        assert omflow.effects()["pushed"] == 1

    @pytest.mark.parametrize("how", ["retry", "clear"])
    def test_killed_between_push_and_memory(
        self, omflow: OMFlowServer, clock: Clock, data_no: Any, how: str
    ) -> None:
        runner = self.runner(data_no)
        with killed_before_the_id_is_stored(runner):
            runner.run()
        omflow.control.advance(5)
        before = requests(omflow, "push")
        data_id = getattr(runner, how)()
        assert data_id == stored(runner)["id"]
        assert (omflow.effects()["pushed"], requests(omflow, "push")) == (1, before)

    def test_killed_between_memory_and_push(
        self, omflow: OMFlowServer, clock: Clock, data_no: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runner = self.runner(data_no)
        omflow.fault("push", "throttled", retry_after=60)
        assert runner.store is not None
        with monkeypatch.context() as patch:
            patch.setattr(runner.store, "delete", lambda key: None)
            with pytest.raises(Throttled):
                runner.run()
        assert "id" not in stored(runner)
        runner.retry()
        assert omflow.effects()["pushed"] == 1

    def test_already_pushed_by_another(self, omflow: OMFlowServer, data_no: Any) -> None:
        data_id = stops("two-step", data_no)["Review"]
        push_all(omflow, "two-step", data_no)
        with pytest.raises(Rejected, match="does not exist"):
            self.runner(data_no, stop_chart_text=None, data_id=data_id).run()
        assert omflow.effects()["pushed"] == 1

    def test_already_pushed_by_the_same_user_with_other_values(
        self, omflow: OMFlowServer, data_no: Any
    ) -> None:
        data_id = stops("two-step", data_no)["Review"]
        OMFlowHook().push_order("two-step", data_id, form_data={**TITLE, "FORMITM_2": "another task's"})
        with pytest.raises(Rejected):
            self.runner(data_no, stop_chart_text=None, data_id=data_id).run()

    def test_already_pushed_with_these_values_is_not_taken_for_done(
        self, omflow: OMFlowServer, data_no: Any
    ) -> None:
        """Nothing of this task's is in doubt, so it was another's."""
        data_id = stops("two-step", data_no)["Review"]
        OMFlowHook().push_order("two-step", data_id, form_data={**TITLE, "FORMITM_2": "mine"})
        runner = self.runner(data_no, stop_chart_text=None, data_id=data_id)
        with pytest.raises(Rejected):
            runner.run()
        assert stored(runner) is None
        assert omflow.effects()["pushed"] == 1

    @pytest.mark.parametrize("values", [None, {**TITLE, "FORMITM_2": "another task's"}], ids=["hand", "task"])
    def test_pushed_by_another_while_ours_was_in_doubt(
        self, omflow: OMFlowServer, clock: Clock, data_no: Any, values: Any
    ) -> None:
        data_id = stops("two-step", data_no)["Review"]

        def push() -> None:
            if values is None:
                push_all(omflow, "two-step", data_no)
            else:
                OMFlowHook().push_order("two-step", data_id, form_data=values)

        omflow.fault("push", "reset_before")
        clock.after(20, push)
        runner = self.runner(data_no)
        how = "another user pushed it" if values is None else "this user pushed it, and "
        with pytest.raises(OutcomeUnknown, match=f"of the row {data_id}, OMFlow shows that {how}"):
            runner.run()
        before = requests(omflow, "push")
        with pytest.raises(OutcomeUnknown, match=how):
            runner.clear()
        assert requests(omflow, "push") == before
        assert omflow.effects()["pushed"] == 1

    def test_order_deleted_while_ours_was_in_doubt(
        self, omflow: OMFlowServer, clock: Clock, data_no: Any
    ) -> None:
        omflow.fault("push", "reset_before")
        clock.after(20, lambda: OMFlowHook().delete_order("two-step", data_no))
        with pytest.raises(OutcomeUnknown, match="The order may have been deleted"):
            self.runner(data_no).run()
        assert omflow.effects()["requests"]["push"] == 1


def test_a_process_with_a_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = tmp_path / "loop.toml"
    declared.write_text(LOOPING)
    with SandboxServer(processes=declared) as server:
        fields = {
            "conn_type": "omflow",
            "host": server.omflow_url(),
            "login": "airflow",
            "password": "sesame",
        }
        monkeypatch.setenv("AIRFLOW_CONN_OMFLOW_DEFAULT", json.dumps(fields))
        data_no = OMFlowHook().open_order("loop", {})
        assert data_no is not None
        after: int | None = None
        pushed = []
        for decision in ("again", "again", "on"):
            server.control.advance(5)
            sensor = OMFlowDataIdSensor(
                task_id="at",
                api_path="loop",
                data_no=data_no,
                stop_chart_text="Review",
                after_data_id=after,
                deferrable=False,
            )
            found = Runner(lambda sensor=sensor: sensor).run()  # type: ignore[misc]
            form = {"FORMITM_1": decision}
            after = pushing(api_path="loop", data_no=data_no, stop_chart_text="Review", form_data=form).run()
            assert after == found
            pushed.append(after)
        server.control.advance(5)
        assert pushed == sorted(set(pushed))
        assert state("loop", data_no).status == "finished"
