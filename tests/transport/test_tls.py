"""TLS contexts, and certificate files that are not what they should be."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from airflow_provider_workflows.protocol.errors import InvalidConnection
from airflow_provider_workflows.transport.endpoint import Endpoint
from airflow_provider_workflows.transport.tls import certificate_error, tls_context
from tests.transport.certificates import Certificates

ROAD = Endpoint(base_url="https://vendor.example")


def context_of(endpoint: Endpoint) -> ssl.SSLContext:
    context = tls_context(endpoint)
    assert isinstance(context, ssl.SSLContext)
    return context


def test_certificates_and_host_names_are_checked_unless_the_user_says_no() -> None:
    strict, lax = context_of(ROAD), context_of(replace(ROAD, ca=False))
    assert (strict.verify_mode, strict.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (lax.verify_mode, lax.check_hostname) == (ssl.CERT_NONE, False)


def test_only_the_named_authority_is_trusted(certificates: Certificates) -> None:
    context = context_of(replace(ROAD, ca=str(certificates.authority.certificate_file)))
    (trusted,) = context.get_ca_certs()
    assert trusted["subject"] == ((("commonName", "authority"),),)


def test_plain_http_has_no_use_for_certificates() -> None:
    assert tls_context(Endpoint(base_url="http://vendor.example", ca="missing.pem")) is True


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
        tls_context(endpoint)
    assert f"the connection's field {named}" in str(caught.value)
    assert "takes the path of a PEM file" in str(caught.value)
    assert "missing." not in str(caught.value)
    assert str(certificate_error(endpoint)) == str(caught.value)


def test_a_key_of_another_certificate(certificates: Certificates) -> None:
    pair = (str(certificates.client.certificate_file), str(certificates.server.key_file))
    with pytest.raises(InvalidConnection, match="client certificate"):
        tls_context(replace(ROAD, client_cert=pair))


def test_an_encrypted_key_is_refused_and_no_password_asked_for(
    certificates: Certificates, tmp_path: Path
) -> None:
    encryption = serialization.BestAvailableEncryption(b"password")
    key = certificates.client.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    file = tmp_path / "encrypted.key"
    file.write_bytes(key)
    with pytest.raises(InvalidConnection, match="without a password"):
        tls_context(replace(ROAD, client_cert=(str(certificates.client.certificate_file), str(file))))


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
        tls_context(replace(ROAD, **changes))
    assert [line for line in text.splitlines() if line in f"{caught.value} {caught.value.to_json()}"] == []


def test_nothing_is_wrong_with_good_files(certificates: Certificates) -> None:
    authority, client = certificates.authority, certificates.client
    good = replace(ROAD, ca=str(authority.certificate_file), client_cert=str(client.both))
    assert certificate_error(good) is None
