"""Neither the user's cache of decoded images nor the user's data."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_the_users(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PNEUMOSCOPE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("PNEUMOSCOPE_DATA", raising=False)
        yield
