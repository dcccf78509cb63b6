"""What a person has been given to fill into the forms: an account at each vendor, with its own secret."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from airflow_provider_workflows.sandbox.control import Control
from dev.vendors import CONNECTIONS

USER, E_MAIL = "airflow", "airflow@example.com"


class Choice(str):
    """A value that is one of several, so that the form must offer it."""


class Secret(str):
    """A value that nobody must see again once it is saved; one that no other text happens to hold."""

    @classmethod
    def random(cls) -> Secret:
        return cls(f"secret-{secrets.token_hex(8)}")


@dataclass(frozen=True, kw_only=True)
class Account:
    """
    A connection as a person fills it in, by the labels of the form.

    :param type_name: what the person looks for among the types
    :param standard: values of the section that is open from the beginning
    :param extra: values of the vendor's own section
    :param tested: what Test says
    :param task: the example DAG's task that begins something at the vendor
    :param link: what leads from there to the vendor's page
    :param record: what is written at the head of that page; a pattern
    """

    conn_id: str
    type_name: str
    standard: Mapping[str, str]
    extra: Mapping[str, str]
    tested: str
    task: str
    link: str
    record: str

    @property
    def conn_type(self) -> str:
        return self.conn_id.removesuffix("_default")

    @property
    def picture(self) -> str:
        """Name of its pictures."""
        return f"connection-{self.conn_type}"

    @property
    def secrets(self) -> list[str]:
        """What must not be seen."""
        return [value for value in (*self.standard.values(), *self.extra.values()) if type(value) is Secret]

    def but_for(self, conn_id: str, **standard: str) -> Account:
        """The same connection under another name and with other values, by label."""
        return replace(self, conn_id=conn_id, standard={**self.standard, **standard})


def accounts(sandbox: str) -> tuple[Account, ...]:
    """
    The connections of the example DAGs.

    :param sandbox: address of the sandbox
    """
    parts = urlsplit(sandbox)
    server = f"{parts.scheme}://{parts.hostname}"
    port = {"Port": str(parts.port)}
    page = {
        known.conn_type: {"Link to the page": known.fields(sandbox)["extra"]["ui_url"]}
        for known in CONNECTIONS
    }
    return (
        Account(
            conn_id="omflow_default",
            type_name="OMFlow",
            standard={
                "Server": f"{server}/omflow-1.2",
                "Service user": USER,
                "Password": Secret.random(),
                **port,
            },
            extra={"Language": Choice("English"), **page["omflow"]},
            tested=f"Logged in to OMFlow as {USER}, at {sandbox}/omflow-1.2",
            task="pay.open",
            link="Open in OMFlow",
            record=r"order payout/\d+",
        ),
        Account(
            conn_id="robusta_default",
            type_name="Robusta RPA",
            standard={
                "Orchestrator": f"{server}/robusta",
                "API user": USER,
                "Password": Secret.random(),
                **port,
            },
            extra={"Time zone": "Europe/Istanbul", **page["robusta"]},
            tested="Robusta reached; credentials cannot be checked, since it documents no call that would, "
            f"at {sandbox}/robusta",
            task="collect_document",
            link="Open in Robusta RPA",
            record=r"process \S+",
        ),
        Account(
            conn_id="blizwork_default",
            type_name="BlizWork",
            standard={
                "Server": f"{server}/blizwork",
                "User e-mail": E_MAIL,
                "API token": Secret.random(),
                **port,
            },
            extra={
                "Company id": "5f0c3a1be2d94a7c8b6e1d20",
                "Environment": Choice("Production"),
                **page["blizwork"],
            },
            tested=f"BlizWork accepts the token and the user {E_MAIL}, at {sandbox}/blizwork",
            task="approve.open",
            link="Open in BlizWork",
            record=r"case credit/\S+",
        ),
        Account(
            conn_id="mybpm_default",
            type_name="MyBPM",
            standard={
                "Server": f"{server}/mybpm",
                "E-mail (session login only)": E_MAIL,
                "API token or password": Secret.random(),
                **port,
            },
            extra={"Time zone of the login": "GMT+0600", **page["mybpm"]},
            tested=f"Logged in to MyBPM as {E_MAIL}, at {sandbox}/mybpm",
            task="register.customer",
            link="Open in MyBPM",
            record=r"BOI CUSTOMER/\S+",
        ),
        Account(
            conn_id="kiban_default",
            type_name="Kiban Workfloo",
            standard={"Base URL": f"{server}/kiban", "API key": Secret.random(), **port},
            extra={
                "Environment": Choice("Sandbox"),
                "Callback API key": Secret.random(),
                **page["kiban"],
            },
            tested=f"Kiban Workfloo (sandbox) accepts the API key, at {sandbox}/kiban",
            task="decide.start",
            link="Open in Kiban Workfloo",
            record=r"execution [0-9a-f]{24}",
        ),
    )


def open_at_the_vendors(control: Control, known: tuple[Account, ...]) -> None:
    """
    Let the sandbox's vendors know the accounts.

    :param control: of a running sandbox
    :param known: the accounts
    """
    omflow, robusta, blizwork, mybpm, kiban = (account.secrets[0] for account in known)
    control.add_user("omflow-1.2", USER, omflow, rights=["add", "modify", "view"])
    control.command("robusta", "add_user", name=USER, password=robusta)
    control.command("blizwork", "set_token", token=blizwork)
    control.command("mybpm", "add_user", email=E_MAIL, password=mybpm)
    control.command("kiban", "add_key", key=kiban)
