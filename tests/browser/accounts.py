"""What a person has been given to fill into the forms: an account at each vendor, with its own secret."""

from __future__ import annotations

from urllib.parse import urlsplit

from airflow_provider_workflows.provider import FORMS
from airflow_provider_workflows.sandbox.control import Control
from tests.browser.account import Account, Secret
from tests.vendors import VENDORS, connection_of


def accounts(sandbox: str) -> tuple[Account, ...]:
    """
    The connections of the example DAGs.

    :param sandbox: address of the sandbox
    """
    names = {form.conn_type: form.hook_name for form in FORMS}
    return tuple(_account(vendor, names[vendor], sandbox) for vendor in VENDORS)


def _account(vendor: str, name: str, sandbox: str) -> Account:
    person, known = VENDORS[vendor].person, connection_of(vendor)
    parts = urlsplit(sandbox)
    own = {label: Secret.random() if isinstance(one, type) else one for label, one in person.extra.items()}
    return Account(
        conn_id=known.conn_id,
        type_name=name,
        standard={
            person.server: f"{parts.scheme}://{parts.hostname}/{known.mount}",
            **person.standard,
            person.password: Secret.random(),
            "Port": str(parts.port),
        },
        extra={**own, "Link to the page": known.fields(sandbox)["extra"]["ui_url"]},
        tested=f"{person.tested}, at {sandbox}/{known.mount}",
        step=person.step,
    )


def open_at_the_vendors(control: Control, known: tuple[Account, ...]) -> None:
    """
    Let the sandbox's vendors know the accounts.

    :param control: of a running sandbox
    :param known: the accounts
    """
    for account in known:
        command, arguments = VENDORS[account.conn_type].person.let_in(account.secrets[0])
        control.command(connection_of(account.conn_type).mount, command, **arguments)
