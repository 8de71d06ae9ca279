"""Two trainings of one script: is their drift apart chaos, or a bug?

    python -m parity trajectory train.py [-- arg …] --a torch:cpu --b minitorch_ref

The losses are the scalars on which the script calls `backward()`.  Engine a runs the script several
times more: with one weight moved by an ULP before the first optimizer step, with all of them, and with
every weight moved at every step, as another order of rounding would.  What these runs do is the band
(nullmodel.py): inside it the drift is what rounding does to this program, outside it is a bug.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import programs, trail
from .engines import Engine, EngineError
from .observe import NUDGES, nudge_array, steps_of
from .programs import NULL_RUNS, ProgramResult, Trace
from .trail import Sites, TrailError, Writer, summary
from .trail_processes import Run, add_runs, ended, record_all

KIND = "losses"


@dataclass
class Losses:
    """A recorder of what a script calls `backward()` on; `nudge` as in observe.py."""

    engine: Engine
    writer: Writer
    nudge: tuple[str, int] | None = None
    seeds: Iterator[int] = field(default_factory=itertools.count)
    started: bool = False

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """While it lasts, every `Tensor.backward` is a record, and optimizers move weights."""
        module = self.engine.module
        self.sites = Sites(str(Path(__file__).parent), str(Path(str(module.__file__)).parent))
        before = [(kind, "step", step) for kind, step in steps_of(module.optim).items()]
        before.append((module.Tensor, "backward", module.Tensor.backward))
        try:
            for place, name, function in before:
                changed = self._step if name == "step" else self._backward
                setattr(place, name, changed(function))
            yield
        finally:
            for place, name, function in before:
                setattr(place, name, function)

    def _backward(self, function: Callable) -> Callable:
        @functools.wraps(function)
        def backward(tensor: Any, *args: Any, **kwargs: Any) -> Any:
            if tensor.numel() == 1:
                at, line = self.sites.find()
                value = summary(np.array(self.engine.array(tensor.detach())).reshape(()))
                self.writer.add(op="loss", way="loss", at=at, line=line, **{"in": []}, out=[value])
            return function(tensor, *args, **kwargs)

        return backward

    def _step(self, function: Callable) -> Callable:
        @functools.wraps(function)
        def step(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            params = [p for group in optimizer.param_groups for p in group["params"]]
            if not self.started:
                self.started = True
                sums = [summary(np.array(self.engine.array(p.detach()))) for p in params]
                self.writer.add(op="weights", way="weights", **{"in": []}, out=sums)
                self._move(params, ("one", "all"))
            result = function(optimizer, *args, **kwargs)
            self._move(params, ("steps",))
            return result

        return step

    def _move(self, params: list, ways: tuple[str, ...]) -> None:
        if self.nudge is None or self.nudge[0] not in ways:
            return
        for p in params[:1] if self.nudge[0] == "one" else params:
            values = np.array(self.engine.array(p.detach()))
            if values.dtype.kind == "f" and values.size:
                seed = 1000 * self.nudge[1] + next(self.seeds)
                moved = nudge_array(values, self.nudge[0], seed)
                p.data.copy_(self.engine.module.from_numpy(moved))


def record(
    engine: Engine, path: Path, program: Callable[[], None], nudge: str = "", **header: Any
) -> str:
    """Write the losses of `program()`; the exception that ended it, or an empty string."""
    how, _, seed = nudge.partition(":")
    moved = (how, int(seed)) if how in NUDGES else None
    writer = Writer(path, engine=engine.name, kind=KIND, **header)
    losses = Losses(engine, writer, moved)

    def watched() -> None:
        with losses.watching():
            program()

    return trail.written(writer, watched)


# ---- comparing -----------------------------------------------------------------------------------


def trace(path: Path) -> tuple[Trace, list[dict], str]:
    """The losses in a file, the first step's weights, and what ended the run."""
    head, records = trail.read(path)
    if head.get("kind") != KIND:
        raise TrailError(f"{path}:1: a trail of another kind, no losses: use parity diverge")
    losses, weights, single = [], [], np.dtype(np.float64)
    for line, r in enumerate(records, 2):
        if r["way"] == "weights":
            weights = r["out"]
        elif r["out"] and len(r["out"][0].get("v", ())) == 1:
            losses.append(r["out"][0]["v"][0])
            single = np.dtype(r["out"][0]["t"])
        else:
            raise TrailError(f"{path}:{line}: not a loss: {str(r)[:80]}")
    made = [np.zeros((), single)]  # what an ULP of this run is
    values = np.array(losses, np.float64)
    return Trace(str(head["engine"]), made, [], values, [], 0.0), weights, str(head.get("error", ""))


def compare(path_a: Path, path_b: Path, nulls: list[Path]) -> ProgramResult:
    """The verdict on b's losses, with the runs of a that were moved."""
    (theirs, weights_a, error_a), (ours, weights_b, error_b) = trace(path_a), trace(path_b)
    if not len(theirs.losses):
        raise EngineError("the script calls backward() on no scalar: there are no losses to compare")
    if not weights_a and not np.array_equal(ours.losses, theirs.losses):
        raise EngineError("no optimizer of torch.optim makes a step: no null model; use parity diverge")
    moved = [trace(p)[0] for p in nulls]
    moved = [m for m in moved if len(m.losses) == len(theirs.losses)]
    result = programs.judge(path_a.name.split(".")[0], ours, theirs, moved)
    digests = [[w["d"] for w in weights] for weights in (weights_a, weights_b)]
    if digests[0] != digests[1]:
        unlike = sum(x != y for x, y in zip(*digests, strict=False))
        count = f"{len(digests[0])} and {len(digests[1])} weights"
        result.detail += f"; before the first step {unlike} of {count} have other bits"
    if error_a != error_b:
        result.verdict = programs.Verdict.MISMATCH
        result.detail += f"; {theirs.engine} ended with {error_a or 'no error'}"
        result.detail += f", {ours.engine} with {error_b or 'no error'}"
    return result


# ---- the command ---------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    script = "a script written for torch that trains something"
    add_runs(parser, script, "its arguments (after --)", "losses and plot")


def main(args: argparse.Namespace) -> int:
    """0 the losses stay inside the band of engine a, 1 they do not, 2 could not run (raises)."""
    from .plots import program_plot

    stem = Path(args.keep) / Path(args.script).stem
    paths = stem.with_suffix(".losses-a.trail"), stem.with_suffix(".losses-b.trail")
    nulls = [stem.with_suffix(f".losses-null{k}.trail") for k in range(1, len(NULL_RUNS) + 1)]
    runs = [Run(spec, p, ("--losses", "-")) for spec, p in zip((args.a, args.b), paths, strict=True)]
    for path, (how, seed) in zip(nulls, NULL_RUNS, strict=True):
        runs.append(Run(args.a, path, ("--losses", f"{how}:{seed}")))
    record_all(runs, args.script, args.rest, args.time_limit)
    ended(paths[0], args.time_limit)
    result = compare(*paths, nulls)
    print(f"{args.script}: {result.verdict}: {result.steps} losses; {result.detail}")
    if result.difference.size:
        plot = stem.with_suffix(".losses.png")
        plot.write_bytes(base64.b64decode(program_plot(result).partition(",")[2]))
        print(f"plot: {plot}")
    return 0 if result.verdict.ok else 1
