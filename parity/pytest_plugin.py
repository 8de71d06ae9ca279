"""The pytest plugin: `pytest -p parity.pytest_plugin`, or the `parity` entry point.

    def test_my_op(parity):
        parity.check(mine(x), torch.sin(x), oracle=torch.sin(x.double()))

Options: `--parity-device` (default cpu) and `--parity-dtypes` (a comma-separated list) feed the
fixtures `parity_device` and `parity_dtype`.  Tests marked `cuda` are skipped, with the reason,
where torch sees no GPU.  pytest's summary gets a section with the figures of every comparison made,
by the fixture or by `parity.assert_parity`, in this process or in the workers of pytest-xdist.
"""

from __future__ import annotations

from typing import Any

import pytest

from . import assertion
from .assertion import assert_parity
from .outcome import Check
from .values import CANCELS

DTYPES = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")


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
    config.pluginmanager.register(Figures(), "parity figures")
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


class Figures:
    """Every comparison of the run.

    A row is test, verdict, errors of ours and of the reference, bound, share of it, is it a cancellation.
    """

    def __init__(self) -> None:
        self.found: list[tuple] = []
        self.test = ""

    def hear(self, name: str, check: Check) -> None:
        """A comparison has been made."""
        cancels = (check.condition_ours or 1.0) > CANCELS
        figures = (check.ours, check.theirs, check.bound, check.share_ours, cancels)
        self.found.append((self.test, str(check.verdict), *figures))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self.test = item.nodeid
        assertion.HEARD.append(self.hear)
        try:
            return (yield)
        finally:
            assertion.HEARD.remove(self.hear)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(session.config, "workeroutput", None)  # a worker of pytest-xdist
        if output is not None:
            output["parity"] = [list(row) for row in self.found]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.found += [tuple(row) for row in getattr(node, "workeroutput", {}).get("parity", ())]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if not self.found:
            return
        terminalreporter.section("parity")
        counts: dict[str, int] = {}
        for _, verdict, *_ in self.found:
            counts[verdict] = counts.get(verdict, 0) + 1
        said = ", ".join(f"{n} {v}" for v, n in counts.items())
        terminalreporter.line(f"{len(self.found)} comparisons: {said}")
        measured = [row for row in self.found if row[2]]
        measured.sort(key=lambda row: -(row[5] or 0.0))
        for test, _, ours, theirs, bound, share, cancels in measured[:5]:
            said = f"  {share or 0:9.3g} of its bound: {ours:.3g} ULP, reference {theirs or 0:.3g}"
            said += "" if bound is None else f", bound {bound:.3g}"
            said += ", a cancellation" if cancels else ""
            terminalreporter.line(f"{said}  {test}")


class Parity:
    """The fixture: `check` is `assert_parity`, for tests that do not import it."""

    def check(self, a: Any, b: Any, oracle: Any = None, **options: Any) -> Check:
        """Compare two results with derived bounds; ParityError says what is wrong."""
        __tracebackhide__ = True
        return assert_parity(a, b, oracle, **options)


@pytest.fixture
def parity() -> Parity:
    """Compare two results with derived bounds: `parity.check(a, b, oracle=…)`."""
    return Parity()


@pytest.fixture
def parity_device(request: pytest.FixtureRequest) -> str:
    """The device asked for with --parity-device; skips where it is a missing GPU."""
    device = request.config.getoption("--parity-device")
    why = cuda_missing() if device.startswith("cuda") else ""
    if why:
        pytest.skip(why)
    return device
