"""The pytest plugin: `pytest -p parity.pytest_plugin`, or the `parity` entry point.

    def test_my_op(parity):
        parity.check(mine(x), torch.sin(x), oracle=torch.sin(x.double()))

Options: `--parity-device` (default cpu) and `--parity-dtypes` (a comma-separated list) feed the
fixtures `parity_device` and `parity_dtype`.  Tests marked `cuda` are skipped, with the reason,
where torch sees no GPU.  pytest's summary gets a section with the figures of every comparison made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .assertion import ParityError, assert_parity
from .outcome import Check

DTYPES = ("float16", "float32", "float64", "complex64", "complex128")
_KEY = pytest.StashKey[list]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("parity", "numerical parity with PyTorch")
    group.addoption(
        "--parity-device",
        default="cpu",
        metavar="DEVICE",
        help="device for the parity_device fixture (default: cpu)",
    )
    group.addoption(
        "--parity-dtypes",
        default="float32",
        metavar="LIST",
        help="dtypes for the parity_dtype fixture, comma-separated (default: float32)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "cuda: compares with torch on a GPU; skipped, saying so, where there is none"
    )
    config.stash[_KEY] = []
    unknown = [d for d in dtypes(config) if d not in DTYPES]
    if unknown:
        raise pytest.UsageError(
            f"--parity-dtypes: unknown dtype {unknown[0]!r}; known are {', '.join(DTYPES)}"
        )


def dtypes(config: pytest.Config) -> list[str]:
    return [d.strip() for d in config.getoption("--parity-dtypes").split(",") if d.strip()]


def cuda_missing() -> str:
    """Why there is no GPU to compare with; empty if there is one."""
    try:
        import torch
    except ImportError:
        return "torch is not installed"
    return "" if torch.cuda.is_available() else "torch sees no CUDA device here"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("cuda")]
    why = cuda_missing() if marked else ""
    for item in marked:
        if why:
            item.add_marker(pytest.mark.skip(reason=why))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "parity_dtype" in metafunc.fixturenames:
        metafunc.parametrize("parity_dtype", dtypes(metafunc.config))


class Parity:
    """The fixture: `check` compares and remembers the figures."""

    def __init__(self, name: str, remember: Callable[[str, Check], None]) -> None:
        self._name, self._remember = name, remember

    def check(self, a: Any, b: Any, oracle: Any = None, **options: Any) -> Check:
        """assert_parity, with the result noted for the summary."""
        try:
            found = assert_parity(a, b, oracle, **options)
        except ParityError as error:
            self._remember(self._name, error.check)
            raise
        self._remember(self._name, found)
        return found


@pytest.fixture
def parity(request: pytest.FixtureRequest) -> Parity:
    """Compare two results with derived bounds: `parity.check(a, b, oracle=…)`."""
    return Parity(
        request.node.nodeid, lambda name, check: request.config.stash[_KEY].append((name, check))
    )


@pytest.fixture
def parity_device(request: pytest.FixtureRequest) -> str:
    """The device asked for with --parity-device; skips where it is a missing GPU."""
    device = request.config.getoption("--parity-device")
    why = cuda_missing() if device.startswith("cuda") else ""
    if why:
        pytest.skip(why)
    return device


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    found = config.stash.get(_KEY, [])
    if not found:
        return
    terminalreporter.section("parity")
    counts: dict[str, int] = {}
    for _, check in found:
        counts[str(check.verdict)] = counts.get(str(check.verdict), 0) + 1
    terminalreporter.line(
        f"{len(found)} comparisons: " + ", ".join(f"{n} {v}" for v, n in counts.items())
    )
    measured = [(n, c) for n, c in found if c.ours]
    for name, check in sorted(measured, key=lambda item: -item[1].ours)[:5]:
        terminalreporter.line(
            f"  {check.ours:9.3g} ULP (reference {check.theirs:.3g}, "
            f"bound {check.bound:.3g})  {name}"
        )
