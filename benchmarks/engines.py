"""Who runs a job: this engine, torch, torch under torch.compile, JAX.

A job exists once.  Eager torch and this engine are handed to its `build`; torch.compile gets the
function that `build` made; JAX, which differentiates functions and not tensors, gets the formula
inside (jax_side.py).  What a peer cannot run raises Lacking, and it is left out of that job's row.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any

from .job import Job, Run

OURS = "minitorch_ref"
PEERS = ("torch", "torch.compile", "jax")

# What happens outside of a graph of tensors: loaders, processes, draws from a seeded generator.
NOT_COMPILED = {"import", "pipeline", "vision-epoch", "rand", "randn", "randperm"}


class LackingError(LookupError):
    """This engine has no way to run this job."""


def installed(engine: str) -> bool:
    """Whether the library behind an engine is there."""
    return importlib.util.find_spec(engine.partition(".")[0]) is not None


def preloaded(engine: str) -> list[str]:
    """What a server imports before its forks: nothing that starts threads, as JAX does."""
    if engine == "jax":
        return []
    # torch imports its compiler with the first optimizer
    of_torch = ["torch", "torch._dynamo", "torch.utils.data"]
    common = ["benchmarks.jobs", "minitorch_ref.programs.nets"]
    return [*common, *(of_torch if engine.startswith("torch") else [f"{engine}.optim"])]


def build(engine: str, job: Job, threads: int) -> Run:
    """The function to time; its first call may compile.  Raises LackingError."""
    if engine == "jax":
        from . import jax_side

        return jax_side.build(job)
    if engine == "torch.compile":
        if job.name in NOT_COMPILED:
            raise LackingError(f"{job.name} is not compiled")
        os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # no processes beside ours
        torch = _with_threads("torch", threads)
        return torch.compile(job.build(torch))
    return job.build(_with_threads(engine, threads))


def _with_threads(name: str, threads: int) -> Any:
    module: Any = importlib.import_module(name)
    module.set_num_threads(threads)
    return module
