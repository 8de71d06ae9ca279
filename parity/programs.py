"""The three programs on both engines, from the same seed and the same source.

Compared: the initial weights, every batch (a digest of its bytes), the loss of every step of the
whole run; the first difference is named.  How far the losses may drift is not a tolerance but an
experiment, the null model: torch against itself, with one weight moved by one ULP before the first
step, with every weight moved so, and with weights moved by up to one ULP at every step, as another
order of rounding would.  Inside that band the drift is what rounding does to this program; outside
it is a bug.

An engine that makes more steps than the reference is stopped at the first of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import nullmodel
from .engines import Engine, EngineError, open_engine
from .observe import Observed
from .outcome import Verdict
from .torch_side import import_torchvision

NULL_RUNS = (("one", 1), ("all", 2), ("steps", 3), ("steps", 4))
Beat = Callable[[str], None]


@dataclass(frozen=True)
class Program:
    """A program of the engine's package and the configuration that parity runs it with."""

    name: str
    module: str
    options: dict[str, Any]
    vision: bool = False  # whether it needs torchvision


PROGRAMS = {
    p.name: p
    for p in (
        Program("sigmoid_gd", "sigmoid_gd", {}),
        Program("admissions", "admissions", {"error_term": "cross_entropy"}),
        Program("admissions_mse", "admissions", {"error_term": "mean_square"}),
        Program("lenet5", "lenet5", {"epochs": 1, "limit": 5000}, vision=True),
        Program(
            "simplenet", "lenet5", {"model": "simplenet", "epochs": 1, "limit": 1000}, vision=True
        ),
    )
}


@dataclass
class Trace:
    """What one run did, step by step."""

    engine: str
    weights: list[np.ndarray]
    batches: list[str]
    losses: np.ndarray
    final: list[np.ndarray]
    seconds: float
    source: str = ""
    epochs: int = 0
    extras: dict[str, Any] = field(default_factory=dict)


@dataclass
class ProgramResult:
    """The comparison of two traces, and the null band around torch's."""

    name: str
    verdict: Verdict
    detail: str
    steps: int
    ours: Trace | None = None
    theirs: Trace | None = None
    difference: np.ndarray = field(default_factory=lambda: np.empty(0))
    band: np.ndarray = field(default_factory=lambda: np.empty(0))
    first_loss: int | None = None
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers for the JSON result."""
        found: dict[str, Any] = {
            "name": self.name,
            "verdict": str(self.verdict),
            "detail": self.detail,
            "steps": self.steps,
            "first_differing_loss": self.first_loss,
            "seconds": round(self.seconds, 2),
        }
        if self.ours is not None and self.theirs is not None and self.difference.size:
            found |= {
                "largest_relative_difference": float(self.difference.max()),
                "null_band": float(self.band.max(initial=0)),
                "our_seconds": round(self.ours.seconds, 3),
                "torch_seconds": round(self.theirs.seconds, 3),
                "data": self.theirs.source,
                **{f"ours_{k}": v for k, v in self.ours.extras.items()},
                **{f"torch_{k}": v for k, v in self.theirs.extras.items()},
            }
        return found


def digest(batch: Any) -> str:
    """Digest of dtype, shape and bytes of every tensor or array in a batch."""
    hasher = hashlib.blake2b(digest_size=12)
    for item in batch if isinstance(batch, (tuple, list)) else [batch]:
        data = (
            item
            if isinstance(item, np.ndarray)
            else np.asarray(item.detach().numpy() if hasattr(item, "detach") else item)
        )
        hasher.update(f"{data.dtype}{data.shape}".encode())
        hasher.update(np.ascontiguousarray(data).tobytes())
    return hasher.hexdigest()


def load_program(engine: Engine, program: Program) -> Any:
    """The module of a program, from the package that ships it."""
    try:
        return importlib.import_module(f"{engine.module.__name__}.programs.{program.module}")
    except ImportError as error:
        raise EngineError(f"{engine.name} ships no program {program.module!r}: {error}") from error


class _EnoughError(Exception):
    """Stops a program that goes on where the reference has ended."""


def trace(
    source: Any,
    torch: Any,
    config: Any,
    nudge: tuple[str, int] | None = None,
    most: int | None = None,
    beat: Beat = lambda place: None,
) -> Trace:
    """Run `source.run` on `torch` and write down weights, batches and losses.

    most: steps after which one more ends the run.  beat: told of each step.
    """
    seen: list[str] = []
    losses: list[float] = []
    who = torch.__name__ + (f", weights moved ({nudge[0]})" if nudge else "")

    def on_step(step: int, batch: Any, loss: float) -> None:
        if nudge is None:  # the null model is about losses alone
            seen.append(digest(batch))
        losses.append(loss)
        beat(f"{who}, after step {step}")
        if most is not None and len(losses) > most:
            raise _EnoughError

    namespace = Observed(torch, nudge)
    beat(f"{who}, before its first step")
    began, result = time.perf_counter(), None
    with contextlib.suppress(_EnoughError):
        result = source.run(namespace, config, on_step)
    extras = {
        k: getattr(result, k)
        for k in ("test_accuracy", "test_loss", "accuracy")
        if hasattr(result, k)
    }
    return Trace(
        torch.__name__,
        namespace.initial,
        seen,
        np.array(losses),
        namespace.final,
        getattr(result, "seconds", time.perf_counter() - began),
        getattr(result, "source", ""),
        getattr(config, "epochs", 0),
        extras,
    )


def relative(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """|a − b| / |b| per step; 0 where both are nan, infinity where one is."""
    with np.errstate(all="ignore"):
        off = np.abs(a - b) / np.maximum(np.abs(b), np.finfo(float).tiny)
    off = np.where(np.isnan(a) & np.isnan(b) | (a == b), 0.0, off)
    return np.where(np.isnan(off), np.inf, off)


def running_band(theirs: Trace, nudged: list[Trace], unit: float) -> np.ndarray:
    """How far the losses may have drifted by each step (see nullmodel.py), 2 ULP at least."""
    if not nudged:
        return np.zeros(len(theirs.losses))
    apart = [np.maximum.accumulate(relative(n.losses, theirs.losses)) for n in nudged]
    return np.maximum(nullmodel.limit(np.array(apart)), 2 * unit)


def judge(name: str, ours: Trace, theirs: Trace, nudged: list[Trace]) -> ProgramResult:
    """The verdict on two traces: the first thing that differs is named."""
    result = ProgramResult(name, Verdict.MISMATCH, "", len(theirs.losses), ours, theirs)
    structural = weights_differ(ours, theirs) or _batches(ours, theirs)
    if structural:
        result.detail = structural
        return result
    if len(ours.losses) != len(theirs.losses):
        made, due = len(ours.losses), len(theirs.losses)
        result.detail = f"ours {'goes on after' if made > due else 'ends with'} step "
        result.detail += f"{min(made, due)}, torch makes {due}"
        return result
    unit = float(np.finfo(theirs.weights[0].dtype).eps) if theirs.weights else np.finfo(float).eps
    result.difference = relative(ours.losses, theirs.losses)
    result.band = running_band(theirs, nudged, unit)
    differ = np.flatnonzero(result.difference)
    result.first_loss = int(differ[0]) if differ.size else None
    if not differ.size:
        result.verdict, result.detail = (
            Verdict.IDENTICAL,
            f"all {result.steps} losses bit-identical",
        )
        return result
    outside = np.flatnonzero(np.maximum.accumulate(result.difference) > result.band)
    largest = int(np.argmax(result.difference))
    text = (
        f"largest relative difference {result.difference[largest]:.2e} at step {largest} "
        f"(null band {result.band[largest]:.2e}); first differing loss at step {differ[0]}"
    )
    if outside.size:
        at = int(outside[0])
        beyond = f"{result.difference[at]:.2e} > {result.band[at]:.2e}"
        result.detail = f"outside the null band from step {at}: {beyond}; {text}"
        result.verdict = Verdict.WORSE
    else:
        result.verdict, result.detail = Verdict.EQUAL, text
    return result


def weights_differ(ours: Trace, theirs: Trace) -> str:
    """The first initial weight that differs, in words; empty if none does."""
    if len(ours.weights) != len(theirs.weights):
        return f"ours optimizes {len(ours.weights)} tensors, torch {len(theirs.weights)}"
    for i, (a, b) in enumerate(zip(ours.weights, theirs.weights, strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"initial weight {i}: ours is {a.dtype} {a.shape}, torch's {b.dtype} {b.shape}"
        if a.tobytes() != b.tobytes():
            count = int((a != b).sum())
            return f"initial weight {i} differs in {count} of {a.size} elements"
    return ""


def _batches(ours: Trace, theirs: Trace) -> str:
    for step, (a, b) in enumerate(zip(ours.batches, theirs.batches, strict=False)):
        if a != b:
            return f"the batch of step {step} differs (digests {a} and {b})"
    return ""


def prepared(
    name: str, ours: Engine, theirs: Engine, options: dict[str, Any] | None = None
) -> tuple[Any, Any]:
    """The module of a program, and its configuration with the options that it knows."""
    program = PROGRAMS[name]
    source = load_program(ours if not ours.is_torch else open_engine("minitorch_ref"), program)
    known = source.Config.__dataclass_fields__
    given = {k: v for k, v in (options or {}).items() if v is not None}
    wanted = {k: v for k, v in {**program.options, **given}.items() if k in known}
    if program.vision and (ours.is_torch or theirs.is_torch):
        import_torchvision()
    return source, replace(source.Config(), **wanted)


def compare_program(
    name: str,
    ours: Engine,
    theirs: Engine,
    options: dict[str, Any] | None = None,
    null_runs: tuple = NULL_RUNS,
    beat: Beat = lambda place: None,
) -> ProgramResult:
    """Run one program on both engines and on the null model; `beat` is told where it is."""
    from minitorch_ref.programs.data import each_note_once

    source, config = prepared(name, ours, theirs, options)
    with each_note_once():
        return _compare_runs(name, source, config, ours, theirs, null_runs, beat)


def _compare_runs(
    name: str,
    source: Any,
    config: Any,
    ours: Engine,
    theirs: Engine,
    null_runs: tuple,
    beat: Beat,
) -> ProgramResult:
    began = time.perf_counter()
    reference = trace(source, theirs.module, config, beat=beat)
    try:
        mine = trace(source, ours.module, config, most=len(reference.losses), beat=beat)
    except (FileNotFoundError, MemoryError):  # not the engine's doing
        raise
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return ProgramResult(
            name,
            Verdict.MISMATCH,
            f"ours raises {type(error).__name__}: {error} "
            f"({Path(where.filename).name}:{where.lineno})",
            len(reference.losses),
            seconds=time.perf_counter() - began,
        )
    nudged = (
        [trace(source, theirs.module, config, n, beat=beat) for n in null_runs]
        if not np.array_equal(mine.losses, reference.losses)
        else []
    )
    result = judge(name, mine, reference, nudged)
    result.seconds = time.perf_counter() - began
    return result
