"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real images beside the checkout; tests that ask for it are skipped without them."""
    beside = Path(__file__).parents[2] / "shared"
    folder = Path(os.environ.get("PNEUMOSCOPE_SHARED", beside)) / "data"
    if not folder.is_dir():
        pytest.skip("no real images: set PNEUMOSCOPE_SHARED to the folder that holds data/")
    return folder
