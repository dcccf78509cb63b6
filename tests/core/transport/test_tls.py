"""TLS contexts, and certificate files that are not what they should be."""

from __future__ import annotations

import os
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.message import Request
from airflow_provider_workflows.core.transport.endpoint import Endpoint
from airflow_provider_workflows.exceptions import InvalidConnection
from tests.core.transport.certificates import Certificates, encrypted
from tests.core.transport.drivers import Driver, send
from tests.core.transport.server import RawServer, answer

ASK = Request(vendor="Vendor", operation="ask", method="GET", path="/a", repeatable=True)
ROAD = Endpoint(base_url="https://vendor.example")


def context_of(endpoint: Endpoint) -> ssl.SSLContext:
    assert endpoint.tls is not None
    return endpoint.tls


def test_certificates_and_host_names_are_checked_unless_the_user_says_no() -> None:
    strict, lax = context_of(ROAD), context_of(replace(ROAD, ca=False))
    assert (strict.verify_mode, strict.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (lax.verify_mode, lax.check_hostname) == (ssl.CERT_NONE, False)


def test_only_the_named_authority_is_trusted(certificates: Certificates) -> None:
    context = context_of(replace(ROAD, ca=str(certificates.authority.certificate_file)))
    (trusted,) = context.get_ca_certs()
    assert trusted["subject"] == ((("commonName", "authority"),),)


def test_plain_http_has_no_use_for_certificates() -> None:
    assert Endpoint(base_url="http://vendor.example", ca="missing.pem").tls is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ca": "missing.pem"}, "'verify'"),
        ({"client_cert": "missing.pem"}, "'cert'"),
        ({"client_cert": ("missing.crt", "missing.key")}, "'cert'"),
    ],
)
def test_of_a_missing_file_the_field_is_named_and_never_what_it_holds(
    changes: dict[str, Any], named: str
) -> None:
    endpoint = replace(ROAD, **changes)
    with pytest.raises(InvalidConnection, match="No such file or directory") as caught:
        context_of(endpoint)
    assert f"connection's field {named}" in str(caught.value)
    assert "takes the path of a PEM file" in str(caught.value)
    assert "missing." not in str(caught.value)


def test_a_key_of_another_certificate(certificates: Certificates) -> None:
    pair = (str(certificates.client.certificate_file), str(certificates.server.key_file))
    with pytest.raises(InvalidConnection, match=r"key does not belong to the certificate\n.*field 'cert'"):
        context_of(replace(ROAD, client_cert=pair))


@pytest.mark.parametrize(
    ("passphrase", "told"),
    [
        ("", "its key is encrypted\n"),
        ("wrong", "does not open with the passphrase\n"),
        ("\0", "does not open with the passphrase\n"),
        ("\ud800", "does not open with the passphrase\n"),
        ("x" * 5000, "does not open with the passphrase\n"),
    ],
)
def test_an_encrypted_key_is_refused_without_its_passphrase(
    certificates: Certificates, tmp_path: Path, passphrase: str, told: str
) -> None:
    file = encrypted(certificates.client, "p4ssphrase", tmp_path)
    with pytest.raises(InvalidConnection, match=f"{told}.*field 'cert_password'") as caught:
        context_of(replace(ROAD, client_cert=str(file), cert_password=passphrase))
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("apart", [True, False])
def test_an_encrypted_key_opens_with_its_passphrase(
    drive: Driver, certificates: Certificates, tmp_path: Path, apart: bool
) -> None:
    file = str(encrypted(certificates.client, "p4ssphräse", tmp_path))
    cert = (str(certificates.client.certificate_file), file) if apart else file
    authority = certificates.authority
    tls = certificates.server.server_context(client_authority=authority)
    with RawServer((answer(),), tls=tls) as server:
        road = Endpoint(
            base_url=server.url,
            ca=str(authority.certificate_file),
            client_cert=cert,
            cert_password="p4ssphräse",
        )
        (reply,) = drive(road, send(ASK)).results
    assert reply.status == 200


def test_a_passphrase_that_no_key_needs_does_no_harm(certificates: Certificates) -> None:
    road = replace(ROAD, client_cert=str(certificates.client.both), cert_password="unneeded")
    assert isinstance(context_of(road), ssl.SSLContext)


@pytest.mark.parametrize("name", ["ca", "client_cert"])
@pytest.mark.parametrize("what", ["a pipe", "a folder", "a path with NUL", "an empty file"])
def test_what_is_no_file_is_refused_at_once(name: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "it"
    if what == "a pipe":
        os.mkfifo(path)
    elif what == "a folder":
        path.mkdir()
    elif what == "an empty file":
        path.touch()
    given = f"{path}\0" if what == "a path with NUL" else str(path)
    changes: dict[str, Any] = {name: given}
    with pytest.raises(InvalidConnection, match="cannot be read"):
        context_of(replace(ROAD, **changes))


@pytest.mark.parametrize("name", ["ca", "client_cert"])
@pytest.mark.parametrize("lines", ["kept", "joined", "the middle"])
def test_a_key_in_the_place_of_its_path_is_not_repeated(
    certificates: Certificates, name: str, lines: str
) -> None:
    text = certificates.client.both.read_text()
    middle = text.splitlines()[1]
    given = {"kept": text, "joined": text.replace("\n", ""), "the middle": middle}[lines]
    changes: dict[str, Any] = {name: given}
    with pytest.raises(InvalidConnection) as caught:
        context_of(replace(ROAD, **changes))
    assert [line for line in text.splitlines() if line in f"{caught.value} {caught.value.to_json()}"] == []


def test_nothing_is_wrong_with_good_files(certificates: Certificates) -> None:
    authority, client = certificates.authority, certificates.client
    good = replace(ROAD, ca=str(authority.certificate_file), client_cert=str(client.both))
    assert context_of(good).get_ca_certs()
