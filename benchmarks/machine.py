"""Where a measurement was taken: processor, its vector instructions, system, library versions."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

LIBRARIES = ("numpy", "torch", "torchvision", "scipy", "threadpoolctl", "pillow", "jax", "jaxlib")


def processor() -> str:
    """The processor's own name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cores() -> int:
    """Processors that this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def versions() -> dict[str, str]:
    """Version of each library that is installed, and of Python and the engine."""
    import minitorch_ref

    found = {"python": platform.python_version(), "minitorch_ref": minitorch_ref.__version__}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


TORCH = "import torch; print(torch.backends.cpu.get_cpu_capability())"


def vectors() -> dict[str, str]:
    """The vector instructions each library uses; the environment may hold it below the processor's.

    NumPy's are the best that it finds and was not told to leave; BLAS names the kernels it chose.
    """
    from numpy._core import _multiarray_umath as numpy

    used = [n for n in numpy.__cpu_dispatch__ if numpy.__cpu_features__.get(n)]  # best last
    found = {"numpy": [*numpy.__cpu_baseline__, *used][-1]}
    with contextlib.suppress(ImportError):
        from threadpoolctl import threadpool_info

        pools = [p for p in threadpool_info() if p["user_api"] == "blas"]
        found.update({p["internal_api"]: p.get("architecture", "?") for p in pools})
    told = subprocess.run(
        [sys.executable, "-c", TORCH], capture_output=True, text=True, check=False
    )  # not here: this process stays small
    if told.returncode == 0:
        found["torch"] = told.stdout.strip()
    return found


def describe() -> dict[str, Any]:
    """Everything above, for the JSON file."""
    return {
        "processor": processor(),
        "cores": cores(),
        "vectors": vectors(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "versions": versions(),
    }
