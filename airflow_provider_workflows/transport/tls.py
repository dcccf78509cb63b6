"""The TLS context of an endpoint, and what is wrong with its certificates."""

from __future__ import annotations

import ssl

from airflow_provider_workflows.protocol.errors import InvalidConnection
from airflow_provider_workflows.transport.endpoint import Endpoint

#: What the files are, and where their paths come from. The paths themselves are in no message: what a person
#: takes for one may be the key itself, pasted.
TRUSTED = (
    "trusted certificates",
    "the connection's field 'verify' (or else REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE) takes the "
    "path of a PEM file that is on every machine of Airflow's",
)
CLIENT = (
    "client certificate",
    "the connection's field 'cert' takes the path of a PEM file that is on every machine of Airflow's and "
    "holds both certificate and key, without a password, or two such paths with a comma between",
)


def tls_context(endpoint: Endpoint) -> ssl.SSLContext | bool:
    """
    Build the TLS context, which takes some 50 ms of reading; True if the endpoint has no use for one.

    :raises InvalidConnection: a certificate or key is missing or unreadable
    """
    if not endpoint.base_url.startswith("https"):
        return True
    return _with_client_certificate(_trusting(endpoint.ca), endpoint.client_cert)


def certificate_error(endpoint: Endpoint) -> InvalidConnection | None:
    """Tell what is wrong with an endpoint's certificate files, if anything is."""
    try:
        tls_context(endpoint)
    except InvalidConnection as error:
        return error
    return None


def _trusting(ca: str | bool) -> ssl.SSLContext:
    if ca is False:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        return ssl.create_default_context(cafile=None if ca is True else str(ca))
    except OSError as error:
        raise _unreadable(*TRUSTED, error) from None


def _with_client_certificate(
    context: ssl.SSLContext, client_cert: str | tuple[str, str] | None
) -> ssl.SSLContext:
    if client_cert is None:
        return context
    certificate, key = client_cert if isinstance(client_cert, tuple) else (client_cert, None)
    try:
        # An empty password in place of a question at the terminal.
        context.load_cert_chain(certificate, key, password="")
    except OSError as error:
        raise _unreadable(*CLIENT, error) from None
    return context


def _unreadable(what: str, takes: str, error: OSError) -> InvalidConnection:
    why = error.strerror or type(error).__name__
    return InvalidConnection(f"The file of the {what} cannot be used: {why}; {takes}")
