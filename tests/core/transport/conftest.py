"""Both adapters in turn, and certificates."""

from __future__ import annotations

import pytest

from tests.core.transport.certificates import Certificates, make_certificates
from tests.core.transport.drivers import Driver, blocking, nonblocking


@pytest.fixture(params=[blocking, nonblocking])
def drive(request: pytest.FixtureRequest) -> Driver:
    """The driver with each adapter in turn."""
    driver: Driver = request.param
    return driver


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))
