"""What all tests share: how long property tests search, and on what the tests that wait (`pytest.mark.anyio`) run."""

import pytest
from hypothesis import HealthCheck, settings

_patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
settings.register_profile("short", _patient, max_examples=150)
settings.register_profile("soak", _patient, max_examples=3000)
settings.load_profile("short")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
