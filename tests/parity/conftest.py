import pytest

from parity.engines import open_engine


@pytest.fixture(scope="session")
def reference():
    engine = open_engine("torch")
    engine.module.set_num_threads(1)
    return engine


@pytest.fixture(scope="session")
def ours():
    return open_engine("minitorch_ref")
