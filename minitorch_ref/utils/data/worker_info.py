"""How code that runs in a DataLoader's worker process learns which worker it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class WorkerInfo:
    """Which worker this is.  seed is base_seed + id; dataset is the worker's own copy."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_current: list[WorkerInfo] = []  # at most one: set once, at the start of a worker process


def get_worker_info() -> WorkerInfo | None:
    """In a worker process, its WorkerInfo; elsewhere None."""
    return _current[0] if _current else None


def set_worker_info(info: WorkerInfo) -> None:
    """Called by a worker process about itself."""
    _current[:] = [info]
