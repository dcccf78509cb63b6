"""The vendors' accounts in the system tests: every secret of theirs is random, and known here by a label."""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_provider_workflows.sandbox.registry import load_declaration
from dev.vendors import CONNECTIONS
from tests.vendors import VENDORS

ALPHABET = string.ascii_letters + string.digits
#: What is written differently in a URL, in JSON and in HTML, between two parts that are random. No colon,
#: with which OMFlow can read no password, and no blank, which no token has.
AWKWARD = "/+&<\"'%\\="
#: Seconds; a lost answer is looked for some time after this.
TIMEOUT = 5


def random_secret() -> str:
    """A secret that is a test of every escape."""
    ends = ["".join(secrets.choice(ALPHABET) for _ in range(14)) for _ in range(2)]
    return AWKWARD.join(ends)


@dataclass(frozen=True)
class Accounts:
    """
    One account a vendor; of some of them more.

    :param secrets: by label: the password, token or key by the vendor's name, those that the vendor does not
        know with ``_wrong`` behind it; further ones as the vendor declares
    """

    secrets: Mapping[str, str] = field(repr=False)  # pytest shows what an assertion is about

    @classmethod
    def random(cls) -> Accounts:
        """Accounts that nobody has had before."""
        more = (label for vendor in VENDORS.values() for label in vendor.more_secrets)
        labels = (*VENDORS, *(f"{vendor}_wrong" for vendor in VENDORS), *more, "proxy")
        return cls({label: random_secret() for label in labels})

    def declare(self, path: Path) -> None:
        """Write a declaration file: the shipped one with these accounts in it."""
        declaration = load_declaration()
        for name, vendor in VENDORS.items():
            vendor.let_in(declaration[name], self.secrets)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text("".join(f"{name} = {_toml(table)}\n" for name, table in declaration.items()))

    def connections(self, sandbox: str) -> dict[str, dict[str, Any]]:
        """The connections of the example DAGs, and ``omflow_old``, which leads to an OMFlow 1.1."""
        default = {one.conn_type: self._connection(one.fields(sandbox)) for one in CONNECTIONS}
        old = {**default["omflow"], "host": default["omflow"]["host"].replace("1.2", "1.1")}
        old["extra"] = {**old["extra"], "server_version": "1.1"}
        return {**{f"{vendor}_default": one for vendor, one in default.items()}, "omflow_old": old}

    def refused(self, connections: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """As many connections as vendors, ``<vendor>_wrong``, whose secret the vendor does not know."""
        return {
            f"{vendor}_wrong": {
                **connections[f"{vendor}_default"],
                "password": self.secrets[f"{vendor}_wrong"],
            }
            for vendor in VENDORS
        }

    def _connection(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        vendor = fields["conn_type"]
        extra = {**fields["extra"], "timeout": TIMEOUT}
        connection = {**fields, "password": self.secrets[vendor], "extra": extra}
        return VENDORS[vendor].with_secrets(connection, self.secrets)


def _toml(value: Any) -> str:
    """A value as TOML, in which texts are written as in JSON, and tables may stand in a line."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{json.dumps(key)} = {_toml(one)}' for key, one in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value)
