"""
A newcomer's way through Airflow's web UI, with a real browser.

Connections are made by hand, tried and opened again; then the example DAG is run, and what it has made is
looked at on the vendors' own pages. On the way the documentation's pictures are taken.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from dev.ports import HeldPort
from tests.browser.account import Account, Secret
from tests.browser.accounts import accounts
from tests.browser.conftest import FORM_SIZE, GRAPH_SIZE, PAGE_SIZE, Environment, Tab
from tests.browser.ui import EXTRA_FIELDS, ConnectionDialog, ConnectionList, DagRun, Notice

pytestmark = pytest.mark.browser

MASK = "***"
VENDORS = tuple(account.conn_type for account in accounts("http://127.0.0.1:1"))
DAG_ID = "loan_origination"
RUN_SECONDS = 900.0
SUCCESSFUL, FAILED = "Test Connection Successful", "Test Connection Failed"
CREATED = Notice("Create Connection Request Submitted", "Connection has been successfully created.")
UPDATED = Notice("Update Connection Request Submitted", "Connection has been successfully updated.")


@pytest.fixture
def connections(environment: Environment, tab: Tab) -> ConnectionList:
    """The page with all connections, in a fresh tab."""
    return ConnectionList(tab.page, environment.airflow.url).open()


def filled(connections: ConnectionList, account: Account) -> ConnectionDialog:
    """A form, filled in but not yet saved."""
    dialog = connections.add(account.conn_id, account.type_name)
    dialog.fill(account.standard)
    dialog.unfold(EXTRA_FIELDS)
    dialog.fill(account.extra)
    return dialog


@pytest.mark.parametrize("number", range(len(VENDORS)), ids=VENDORS)
def test_connection_is_created_tried_and_opened_again(
    environment: Environment, tab: Tab, connections: ConnectionList, number: int
) -> None:
    account = environment.accounts[number]
    tab.page.set_viewport_size(FORM_SIZE)
    dialog = filled(connections, account)
    for secret in account.secrets:
        assert secret in tab.recorder.shown(), "then nothing follows from its absence later on"
    tab.picture(f"{account.picture}-extra", of=dialog.locator)
    assert dialog.save() == CREATED

    assert connections.open().test(account.conn_id) == Notice(SUCCESSFUL, account.tested)
    dialog = connections.edit(account.conn_id)
    tab.picture(account.picture)
    expect_values(dialog, account)
    for secret in account.secrets:
        assert secret not in tab.recorder.shown()
        assert secret not in tab.recorder.told()
    assert account.conn_id in tab.recorder.told()

    # What the form shows in the secrets' place is not what it saves.
    assert dialog.save() == UPDATED
    assert connections.open().test(account.conn_id).title == SUCCESSFUL


def expect_values(dialog: ConnectionDialog, account: Account) -> None:
    """Look into all parts of a form that has been opened again."""
    for section, values in ((None, account.standard), (EXTRA_FIELDS, account.extra)):
        if section:
            dialog.unfold(section)
        for label, value in values.items():
            dialog.expect_value(label, MASK if isinstance(value, Secret) else value)
            if isinstance(value, Secret):
                dialog.show_value(label)
    dialog.unfold_json(holding="ui_url")


def test_a_wrong_password_is_called_one(
    environment: Environment, tab: Tab, connections: ConnectionList
) -> None:
    label = "API token or password"
    known = environment.accounts[VENDORS.index("mybpm")]
    account = known.but_for("mybpm_wrong_password", **{label: Secret.random()})
    assert filled(connections, account).save() == CREATED
    told = connections.open().test(account.conn_id)
    tab.picture("test-wrong-password")
    assert told.title == FAILED
    assert told.text.startswith("Bad credentials: ")
    assert f"'login' (E-mail (session login only)) and 'password' ({label})" in told.text
    assert account.secrets[0] not in tab.recorder.told()


def test_a_bad_host_is_called_one(environment: Environment, connections: ConnectionList) -> None:
    # Where nobody listens: what becomes of a name that does not resolve is a matter of the machine's network.
    with HeldPort() as port:
        account = environment.accounts[0].but_for("omflow_bad_host", Port=str(port.number))
        assert filled(connections, account).save() == CREATED
        told = connections.open().test(account.conn_id)
    assert told.title == FAILED
    assert told.text.startswith("Bad host: ")
    assert "the server refuses the connection" in told.text
    assert "'host' (Server)" in told.text


def test_airflow_tries_no_stored_connection_without_a_port(
    environment: Environment, connections: ConnectionList
) -> None:
    """
    Not ours to mend: the UI sends port 0, which Airflow 3.3.1 and 3.3.2 take for another server.

    As soon as this fails, Airflow has mended it (its pull request 73298), and neither the port's placeholder
    nor the documentation need to ask for a port any more.
    """
    account = environment.accounts[0].but_for(
        "omflow_no_port", Server=f"{environment.sandbox}/omflow-1.2", Port=""
    )
    assert filled(connections, account).save() == CREATED
    assert connections.open().test(account.conn_id) == Notice(FAILED, "Bad Request")


def test_dag_is_run_and_leads_to_the_vendors(
    environment: Environment, tab: Tab, connections: ConnectionList
) -> None:
    for account in environment.accounts:
        if not connections.has(account.conn_id):  # if this test runs alone
            assert filled(connections, account).save() == CREATED
    tab.page.set_viewport_size(PAGE_SIZE)
    run = DagRun.trigger(tab.page, environment.airflow.url, DAG_ID)
    assert run.wait_for_end(seconds=RUN_SECONDS) == "Success"
    run.show_grid()
    tab.picture("dag-finished")

    for account in environment.accounts:
        if account.step is None:
            continue
        run.open_task(account.step.task)
        if account is environment.accounts[0]:
            run.link(account.link).hover()
            tab.picture("task-link")
        page = run.follow(account.link)
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text(re.compile(f"^{account.step.record}$"))
        expect(page.get_by_role("main").get_by_text("finished", exact=True)).to_be_visible()
        page.close()
    for secret in (secret for account in environment.accounts for secret in account.secrets):
        assert secret not in tab.recorder.told()

    tab.page.set_viewport_size(GRAPH_SIZE)
    run.show_graph()
    tab.picture("dag-graph")
