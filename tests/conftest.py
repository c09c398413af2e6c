"""What all tests share: how long property tests search."""

from hypothesis import HealthCheck, settings

_ANY_SPEED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]}

settings.register_profile("short", max_examples=60, **_ANY_SPEED)
settings.register_profile("soak", max_examples=3000, **_ANY_SPEED)
settings.load_profile("short")
