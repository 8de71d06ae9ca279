"""Peak memory of a LeNet-5 training step: how much higher the process gets than before the step.

Each engine gets a process of its own, in which the system's own high-water mark is read:

    resident │            ┌──┐ peak of three steps
             │  ┌─────────┘  └──
             └──┴ engine, net and images are there ────────── time

`python -m benchmarks.memory` is that process; without /proc (no Linux) there is no figure.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
from pathlib import Path

from .training import LeNet5

STATUS = Path("/proc/self/status")
BATCH = 256


def resident(field: str) -> int:
    """VmRSS or VmHWM of this process, in bytes."""
    for line in STATUS.read_text(encoding="utf-8").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{STATUS} has no {field}")


def peak(engine: str, threads: int) -> int:
    """Bytes by which three steps raise the resident memory, at most."""
    torch = importlib.import_module(engine)
    torch.set_num_threads(threads)
    LeNet5(1)(torch)()  # whatever is loaded at the first call is loaded now
    step = LeNet5(BATCH)(torch)
    gc.collect()
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget earlier peaks
    for _ in range(3):
        step()
    return resident("VmHWM") - before


def main() -> None:
    """Measure, print a line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory")
    parser.add_argument("engine")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    print(json.dumps(peak(given.engine, given.threads)))


if __name__ == "__main__":
    main()
