"""One platform for the tests of a file, and one of its own for a test that breaks more than a child."""

import pytest

from tests.helpers_end_to_end import Platform, Publisher, running


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    with running(tmp_path_factory.mktemp("platform")) as platform:
        yield platform


@pytest.fixture
def own_platform(tmp_path):
    with running(tmp_path) as platform:
        yield platform


@pytest.fixture
def publishers(platform: Platform, request: pytest.FixtureRequest):
    """Two devices that nobody had before."""
    stem = f"p{abs(hash(request.node.name)) % 10**9}"
    made = [Publisher(given) for given in platform.add_devices(f"{stem}-a", f"{stem}-b", interval=60)]
    yield made
    for publisher in made:
        publisher.close()
