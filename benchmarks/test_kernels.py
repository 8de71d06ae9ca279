"""The same jobs under pytest-benchmark: many rounds of each, its tables, files and comparisons.

    pytest benchmarks/test_kernels.py -k conv                    both engines, grouped by job
    pytest benchmarks/test_kernels.py --benchmark-autosave --benchmark-compare

Both engines run in this one process, one thread each, and take no turns, so a ratio is only as good as
the machine is quiet: `python -m benchmarks` is the fair race.  This is for a closer look at one kernel.
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import pytest

from . import engines, jobs

if not engines.installed("pytest_benchmark"):
    warnings.warn("left out: pip install pytest-benchmark to run these", stacklevel=1)
    pytest.skip("pytest-benchmark is not installed", allow_module_level=True)

# Those that are a kernel or two, and no loop of a program around them.
PROGRAMS = {"pipeline", "vision-epoch", "sigmoid-epoch", "admissions-epoch", "import"}
KERNELS = [name for name in jobs.JOBS if name not in PROGRAMS]


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("engine", [engines.OURS, "torch"])
def test_kernel(benchmark: Any, name: str, engine: str) -> None:
    """Time the job; the tests of the benchmarks compare what it computes."""
    if not engines.installed(engine):
        pytest.skip(f"{engine} is not installed")
    module: Any = importlib.import_module(engine)
    before = module.get_num_threads()
    benchmark.group = name
    run = engines.build(engine, jobs.JOBS[name], 1)
    try:
        benchmark(run)
    finally:
        module.set_num_threads(before)
