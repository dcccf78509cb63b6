"""Declarations of OMFlow processes: the shipped ones, and those that cannot be."""

from __future__ import annotations

import tomllib

import pytest

from airflow_provider_workflows.sandbox.connections import ready_connections
from airflow_provider_workflows.sandbox.declaration import DeclarationError
from airflow_provider_workflows.sandbox.omflow.commits import Commits
from airflow_provider_workflows.sandbox.omflow.declared import read_declared
from airflow_provider_workflows.sandbox.registry import load_declaration, with_accounts

START = "[processes.p.flow]\nstart = {kind = 'start', to = 'Stop'}\n"
STOP = "Stop = {kind = 'human'}\n"


def test_the_shipped_processes() -> None:
    declared = read_declared(load_declaration()["omflow"])
    assert {"purchase", "simple", "validated", "rejected", "failing", "slow"} <= set(declared.processes)
    airflow, viewer = declared.users.values()
    assert airflow.may("delete", "purchase")
    assert viewer.may("view", "purchase")
    assert not viewer.may("modify", "purchase")


def test_labels_uuids_and_latency() -> None:
    table = tomllib.loads(
        "latency = 0.5\n[processes.p]\nlatency = 2\n" + START + "Stop = {kind = 'human', text = 'Hold'}\n"
        "[processes.q.flow]\nstart = {kind = 'start'}\n"
    )
    p, q = read_declared(table).processes.values()
    assert (p.latency, q.latency) == (2, 0.5)
    assert p.uuid != q.uuid
    assert [(item.uuid, item.text) for item in p.flow.values()] == [("FITEM_1", "start"), ("FITEM_2", "Hold")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("speed = 1", "unknown speed"),
        ("processes = [1]", "processes cannot be"),
        ("processes.p = 1", "is no table"),
        ("[[users]]\nname = 'x'", "name or password is missing"),
        ("[[users]]\nname = 'x'\npassword = 'x'\nrights = ['fly']", "no right fly"),
        ("processes.p.fields.TITLE = {}", "'TITLE' is not called FORMITM_<number>"),
        ("processes.p.fields.FORMITM_1 = {regex = '('}", "regex"),
        ("processes.p.fields.FORMITM_1 = {colour = 'red'}", "unknown colour"),
        ("processes.p.flow.x = {kind = 'magic'}", "kind must be one of"),
        ("processes.p.flow.x = {kind = 'code', seconds = '5'}", "seconds cannot be '5'"),
        ("processes.p.flow.x = {kind = 'start', validation = 'maybe'}", "validation must be one of"),
        ("processes.p.flow.x = {kind = 'human'}", "0 components of kind start"),
        (START, "leads to unknown 'Stop'"),
        (START + "Stop = {kind = 'human', to = ['start', 'Stop']}", "only a fork leads to several"),
        (START + "Stop = {kind = 'collect'}", "a collect must lead somewhere"),
        (START + "Stop = {kind = 'switch', on = 'FORMITM_1'}", "no field 'FORMITM_1' to switch on"),
        (START + "Stop = {kind = 'set', values = {FORMITM_1 = 'x'}}", "no field 'FORMITM_1'"),
        (START + "Stop = {kind = 'human', quick.action1 = {FORMITM_1 = 'x'}}", "no field 'FORMITM_1'"),
        (START + "Stop = {kind = 'code', to = 'Stop'}", "without ever waiting"),
        (START + "Stop = {kind = 'set', to = 'B'}\nB = {kind = 'set', to = 'Stop'}", "without ever waiting"),
    ],
)
def test_a_declaration_that_cannot_be(text: str, reason: str) -> None:
    with pytest.raises(DeclarationError, match=reason):
        read_declared(tomllib.loads(text))


def test_a_circle_that_waits_is_allowed() -> None:
    table = tomllib.loads(START + "Stop = {kind = 'human', to = 'Back'}\nBack = {kind = 'set', to = 'Stop'}")
    assert list(read_declared(table).processes) == ["p"]


def test_a_vendor_without_accounts_has_its_own() -> None:
    own = load_declaration()["robusta"]["users"]
    accounts = [{"name": "etl", "password": "of etl"}]
    assert with_accounts({"robusta": {}}) == {"robusta": {"users": own}}
    assert with_accounts({"robusta": {"users": accounts}}) == {"robusta": {"users": accounts}}


def test_a_process_file_without_tokens_has_the_shipped_ones() -> None:
    shipped = load_declaration()["mybpm"]
    table = with_accounts({"mybpm": {"objects": {}}})["mybpm"]
    assert {key: table[key] for key in ("users", "api_tokens")} == {
        key: shipped[key] for key in ("users", "api_tokens")
    }
    assert with_accounts({"mybpm": {"api_tokens": []}})["mybpm"]["api_tokens"] == []
    (connection,) = ready_connections({"mybpm": {"api_tokens": [], "users": {"me@example.com": "of me"}}})
    assert (connection.login, connection.password) == ("me@example.com", "of me")


def test_commits_are_as_far_apart_as_recorded() -> None:
    commits = Commits(1)
    for draw, median, percentile_95 in ((commits.branch, 0.006, 0.043), (commits.arrival, 0.0012, 0.019)):
        drawn = sorted(draw() for _ in range(10_000))
        assert drawn[5000] == pytest.approx(median, rel=0.2)
        assert drawn[9500] == pytest.approx(percentile_95, rel=0.2)
        assert drawn[-1] <= 5 * percentile_95
    assert Commits(0).branch() == 0
