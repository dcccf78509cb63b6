"""The event trigger, from poll to persisted event, with everything that can go wrong in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.core.events import trigger
from airflow_provider_workflows.core.events.feed import BEGINNING
from airflow_provider_workflows.core.events.trigger import DISTANCE, LONGEST_PAUSE, FeedTrigger
from airflow_provider_workflows.core.waiting.schedule import LONGEST_ASKED, POSTPONED
from airflow_provider_workflows.exceptions import AuthenticationFailed, InvalidInput, NoSlot, Throttled
from tests.core.event_triggerer import VENDOR, EventFeed, Killed, Triggerer


@pytest.fixture(autouse=True)
def fresh_vendor() -> Iterator[None]:
    clear()
    yield
    clear()


def clear() -> None:
    VENDOR.events, VENDOR.errors, VENDOR.troubles, VENDOR.reads = [], [], (), 0


def trigger_for(**feed: Any) -> FeedTrigger:
    return FeedTrigger(conn_id="fake_default", feed=EventFeed(**feed).to_json(), poll_interval=10)


def ids(triggerer: Triggerer) -> list[str]:
    return [event["occurrence_id"] for event in triggerer.events]


class TestDelivery:
    def test_an_event_for_each_occurrence_from_now_on(self) -> None:
        triggerer = Triggerer(trigger_for(), "asset")
        VENDOR.events = ["before"]
        triggerer.run_all()
        VENDOR.events += ["one", "two", "three"]
        triggerer.run_all()
        assert ids(triggerer) == ["one", "two", "three"]
        assert triggerer.events[0].keys() == {"occurrence_id", "conn_id", "read_number"}
        assert triggerer.events[0]["conn_id"] == "fake_default"

    def test_a_batch_is_one_event_and_the_next_keeps_its_distance(self) -> None:
        triggerer = Triggerer(FeedTrigger(conn_id="c", feed=EventFeed().to_json(), poll_interval=1), "asset")
        triggerer.run_all()
        triggerer.slept.clear()
        VENDOR.events = ["one", "two", "three"]
        assert triggerer.run()
        assert ids(triggerer) == ["one", "two"]
        assert triggerer.run(looks=2)
        assert triggerer.slept == [DISTANCE]
        assert ids(triggerer) == ["one", "two", "three"]

    def test_from_the_beginning(self) -> None:
        triggerer = Triggerer(trigger_for(start=BEGINNING), "asset")
        VENDOR.events = ["before"]
        triggerer.run_all()
        assert ids(triggerer) == ["before"]

    def test_the_cursor_advances_only_in_the_next_instance(self) -> None:
        triggerer = Triggerer(trigger_for(), "asset")
        triggerer.run_all()
        VENDOR.events = ["one"]
        triggerer.run()
        assert triggerer.stores["asset"].record == {
            "format": 1,
            "number": 0,
            "cursor": {"position": 0},
            "pending": [{"occurrence_id": "one", "read_number": VENDOR.reads}],
            "following": {"position": 1},
        }
        triggerer.run()
        assert triggerer.stores["asset"].record == {"format": 1, "number": 1, "cursor": {"position": 1}}
        assert ids(triggerer) == ["one"]

    def test_a_crash_before_the_events_are_persisted_repeats_them_word_for_word(self) -> None:
        triggerer = Triggerer(trigger_for(), "asset")
        triggerer.run_all()
        VENDOR.events = ["one"]
        triggerer.run(killed=True)
        assert triggerer.events == []
        looks, VENDOR.events = VENDOR.reads, []  # the vendor has forgotten it
        triggerer.run_all()
        assert triggerer.events == [{"occurrence_id": "one", "read_number": looks, "conn_id": "fake_default"}]

    def test_a_crash_after_they_were_persisted_repeats_them_once(self) -> None:
        triggerer = Triggerer(trigger_for(), "asset")
        triggerer.run_all()
        VENDOR.events = ["one"]
        triggerer.run()
        triggerer.restart()
        triggerer.run_all()
        assert ids(triggerer) == ["one", "one"]
        assert triggerer.events[0] == triggerer.events[1]

    def test_another_row_proves_nothing(self) -> None:
        """The events of a trigger whose row was deleted reach nobody."""
        triggerer = Triggerer(trigger_for(), "asset")
        triggerer.run_all()
        VENDOR.events = ["one"]
        triggerer.run()
        triggerer.trigger_id = 2
        triggerer.run_all()
        assert ids(triggerer) == ["one", "one"]

    def test_a_row_of_the_same_id_proves_nothing_after_a_while(self, monkeypatch: pytest.MonkeyPatch) -> None:
        triggerer = Triggerer(trigger_for(), "asset")
        triggerer.run_all()
        VENDOR.events = ["one"]
        triggerer.run()
        monkeypatch.setattr(trigger, "PROOF_HOLDS", 0.0)
        triggerer.run()
        assert ids(triggerer) == ["one", "one"]

    def test_a_cursor_that_appears_while_it_begins_is_kept(self) -> None:
        """As when the asset was not active for a moment, which looks like a cursor that is not there."""
        other = Triggerer(trigger_for(start=BEGINNING), "asset")
        VENDOR.events = ["one"]
        other.run_all()
        triggerer = Triggerer(trigger_for(start=BEGINNING), "asset")
        values, reads = other.stores["asset"].values, list[str]()

        async def aget(key: str) -> Any:
            reads.append(key)
            return None if len(reads) == 1 else json.loads(values[key])

        triggerer.stores["asset"].aget = aget  # type: ignore[method-assign]
        triggerer.run()
        assert (ids(triggerer), len(reads)) == ([], 2)


class TestSeveralAssets:
    def test_all_know_the_cursor(self) -> None:
        triggerer = Triggerer(trigger_for(), "here", "there")
        triggerer.run_all()
        VENDOR.events = ["one"]
        triggerer.run_all()
        assert triggerer.stores["here"].record == triggerer.stores["there"].record
        assert ids(triggerer) == ["one"]

    def test_a_new_one_goes_on_with_the_others(self) -> None:
        triggerer = Triggerer(trigger_for(), "here")
        triggerer.run_all()
        triggerer.stores["new"] = Triggerer(trigger_for(), "new").stores["new"]
        VENDOR.events = ["one"]
        triggerer.run_all()
        assert ids(triggerer) == ["one"]
        assert triggerer.stores["new"].record["number"] == 1

    def test_what_one_of_them_missed_comes_again(self) -> None:
        """As when nobody watched it for a while, or a crash came between writing the two."""
        triggerer = Triggerer(trigger_for(), "here", "there")
        triggerer.run_all()
        away = triggerer.stores.pop("there")
        VENDOR.events = ["one"]
        triggerer.run_all()
        triggerer.stores["there"] = away
        triggerer.run_all()
        assert ids(triggerer) == ["one", "one"]


class TestTrouble:
    def test_it_never_ends_and_warns_seldom(self, capsys: pytest.CaptureFixture[str]) -> None:
        triggerer = Triggerer(trigger_for(), "asset")
        VENDOR.errors = [AuthenticationFailed("the user is unknown") for _ in range(20)]
        triggerer.run(looks=20)
        assert capsys.readouterr().out.count("AuthenticationFailed: the user is unknown") == 1
        assert triggerer.slept[0] == pytest.approx(10, rel=0.11)
        assert triggerer.slept[19] == pytest.approx(LONGEST_PAUSE, rel=0.11)

    def test_it_waits_as_long_as_the_vendor_asks(self) -> None:
        VENDOR.errors = [Throttled("too loud", retry_after=900)]
        triggerer = Triggerer(trigger_for(), "asset")
        triggerer.run(looks=2)
        assert triggerer.slept[0] == pytest.approx(900, rel=0.11)

    def test_it_gives_way_where_the_plan_leaves_no_slot(self, capsys: pytest.CaptureFixture[str]) -> None:
        VENDOR.errors = [NoSlot("no slot", retry_after=0.5), NoSlot("no slot", retry_after=900)]
        triggerer = Triggerer(trigger_for(), "asset")
        triggerer.run(looks=3)
        assert triggerer.slept[:2] == [pytest.approx(POSTPONED, rel=0.11), pytest.approx(900, rel=0.11)]
        assert "reading failed" not in capsys.readouterr().out

    def test_but_no_longer_than_a_person_who_mends_it_would(self) -> None:
        VENDOR.errors = [Throttled("too loud", retry_after=30 * 24 * 3600)]
        triggerer = Triggerer(trigger_for(), "asset")
        triggerer.run(looks=2)
        assert triggerer.slept[0] == pytest.approx(LONGEST_ASKED, rel=0.11)

    def test_what_others_say_is_not_logged(self, capsys: pytest.CaptureFixture[str]) -> None:
        VENDOR.errors = [RuntimeError("https://vendor.example.com/?token=secret")]
        Triggerer(trigger_for(), "asset").run()
        said = capsys.readouterr().out
        assert "RuntimeError" in said
        assert "secret" not in said

    def test_what_cannot_be_read_while_the_rest_can_is_said_once(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        triggerer = Triggerer(trigger_for(), "asset")
        VENDOR.troubles = ("the third event is gone",)
        triggerer.run(looks=5)
        VENDOR.events = ["one"]
        triggerer.run_all()  # an instance lives no longer than a batch
        assert ids(triggerer) == ["one"]
        assert capsys.readouterr().out.count("the third event is gone") == 1

    def test_a_store_that_is_away_loses_nothing(self) -> None:
        triggerer = Triggerer(trigger_for(start=BEGINNING), "asset")
        VENDOR.events = ["one"]
        triggerer.stores["asset"].fates = [ConnectionError("the API server is away")] * 3
        assert triggerer.run(looks=10)
        assert ids(triggerer) == ["one"]

    def test_a_failed_advance_is_made_up_for_by_a_repetition(self) -> None:
        triggerer = Triggerer(trigger_for(), "asset")
        triggerer.run_all()
        VENDOR.events = ["one"]
        triggerer.run()
        triggerer.stores["asset"].fates = [ConnectionError("the API server is away")]
        triggerer.run(looks=10)
        triggerer.run_all()
        assert set(ids(triggerer)) == {"one"}

    @pytest.mark.parametrize("record", [{"format": 99}, {"format": 1}, "a person wrote this", 7, []])
    def test_a_record_that_cannot_be_read_is_named(
        self, record: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        triggerer = Triggerer(trigger_for(), "asset")
        triggerer.run_all()
        (key,) = triggerer.stores["asset"].values
        triggerer.stores["asset"].values[key] = json.dumps(record)
        VENDOR.events = ["one"]
        triggerer.run()
        assert key in capsys.readouterr().out
        assert triggerer.events == []
        del triggerer.stores["asset"].values[key]
        triggerer.run_all()
        VENDOR.events += ["two"]
        triggerer.run_all()
        assert ids(triggerer) == ["two"]


class TestWithoutStore:
    def test_it_remembers_as_long_as_the_process_lives(self, capsys: pytest.CaptureFixture[str]) -> None:
        triggerer = Triggerer(trigger_for())
        triggerer.run_all()
        VENDOR.events = ["one", "two", "three"]
        triggerer.run_all()
        assert ids(triggerer) == ["one", "two", "three"]
        assert capsys.readouterr().out.count("3.3 has") == 1

    def test_what_happens_while_it_is_down_is_missed(self) -> None:
        triggerer = Triggerer(trigger_for())
        triggerer.run_all()
        triggerer.restart()
        VENDOR.events = ["one"]
        triggerer.run_all()
        assert triggerer.events == []


class TestArguments:
    def test_the_same_feed_is_the_same_trigger(self) -> None:
        one, other = trigger_for().serialize(), trigger_for().serialize()
        assert one == other
        assert one[1].keys() == {"conn_id", "feed", "poll_interval"}

    def test_airflow_takes_it_for_the_same(self) -> None:
        path, kwargs = trigger_for().serialize()
        other = FeedTrigger(**json.loads(json.dumps(kwargs)))
        assert FeedTrigger.hash(path, kwargs) == FeedTrigger.hash(*other.serialize())
        assert FeedTrigger.hash(path, kwargs) != FeedTrigger.hash(*trigger_for(start=BEGINNING).serialize())

    @pytest.mark.parametrize("poll_interval", [0, -1, float("nan")])
    def test_a_poll_interval_is_checked(self, poll_interval: float) -> None:
        with pytest.raises(InvalidInput, match="poll_interval"):
            FeedTrigger(conn_id="c", feed=EventFeed().to_json(), poll_interval=poll_interval)

    def test_each_feed_and_connection_has_a_record_of_its_own(self) -> None:
        keys = {
            FeedTrigger(conn_id=conn_id, feed=EventFeed(start=start).to_json(), poll_interval=pause)._key
            for conn_id in ("a", "b")
            for start in ("now", "beginning")
            for pause in (1, 60)
        }
        assert len(keys) == 4
        assert all(key.startswith("workflow_feed EventFeed ") for key in keys)


#: What may happen next: some events happen, an instance runs, or a process is killed somewhere.
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("event"), st.integers(1, 5)),
        st.tuples(st.just("run"), st.just(0)),
        st.tuples(st.just("kill on the way"), st.just(0)),
        st.tuples(st.just("kill after"), st.just(0)),
        st.tuples(st.just("kill at write"), st.integers(0, 3)),
        st.tuples(st.just("fail at write"), st.integers(0, 3)),
        st.tuples(st.just("vendor down"), st.integers(1, 3)),
    ),
    max_size=30,
)


@given(ACTIONS)
def test_whatever_crashes_nothing_is_lost(actions: list[tuple[str, int]]) -> None:
    clear()
    triggerer = Triggerer(trigger_for(start=BEGINNING), "here", "there")
    position = [0]
    for action, number in actions:
        match action:
            case "event":
                VENDOR.events += [f"event {len(VENDOR.events) + one}" for one in range(number)]
            case "run":
                triggerer.run(looks=3)
            case "kill on the way":
                triggerer.run(killed=True)
            case "kill after":
                triggerer.run()
                triggerer.restart()
            case "kill at write":
                triggerer.stores["here"].fates = [*[None] * number, Killed()]
                triggerer.run()
            case "fail at write":
                triggerer.stores["there"].fates = [*[None] * number, ConnectionError("away")]
                triggerer.run(looks=3)
            case "vendor down":
                VENDOR.errors = [AirflowException("down")] * number
                triggerer.run()
        known = [store.record["cursor"]["position"] for store in triggerer.stores.values() if store.values]
        position.append(min(known, default=0))
    VENDOR.errors = []
    for store in triggerer.stores.values():
        store.fates = []
    triggerer.run_all()

    assert set(ids(triggerer)) == set(VENDOR.events)
    # The same id, the same words, though the vendor's would have changed.
    words = {(event["occurrence_id"], json.dumps(event)) for event in triggerer.events}
    assert len(words) == len(VENDOR.events)
    assert position == sorted(position)
    # Without a crash or a failed write, each comes once.
    if {action for action, _ in actions} <= {"event", "run", "vendor down"}:
        assert ids(triggerer) == VENDOR.events
