"""The programs' data for the tests: never the net, never a user's cache."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("MINITORCH_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """No network, an empty cache, no data folder but what a test asks for."""
    monkeypatch.setenv("MINITORCH_OFFLINE", "1")
    monkeypatch.setenv("MINITORCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MINITORCH_DATA", raising=False)


@pytest.fixture
def published() -> str:
    """A folder with the published files, or skip."""
    if not (DATA / "gradient_descent.csv").is_file():
        pytest.skip(f"the published data files are not in {DATA} ($MINITORCH_TEST_DATA)")
    return str(DATA)
