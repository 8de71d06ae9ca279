"""A failing program as a script of the one call that goes wrong first.

    python -m parity repro program.lenet5 --ours minitorch_ref

Both engines run the program up to the step where it fails, each op noted (trail_run.py); the first
record beyond rounding (diverge.py) is run again on the reference to catch its tensors, and what it
computes is shrunk like a module's: the call itself, its gradient with the one that came from behind,
or the optimizer's step with the state it had.  If the random streams part before that, the script
has the seed and the draws up to there (draws.py).
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import diverge, draws, programs
from .calls import Captured, NotCodeError, optimizer_text
from .engines import Engine, EngineError
from .pairs import Pair
from .repro_modules import Written, write
from .scripts import Scripts
from .study import Study
from .study_lines import call_lines, draw_lines, layer_lines, optimizer_lines
from .tasks import At, nowhere
from .trail import Writer, tensors_in
from .trail_run import RANDOM, Recorder
from .watch import watching

NULL_RUNS = 3


class _EnoughError(Exception):
    """Ends a program whose first steps are all that is wanted."""


@dataclass
class Setting:
    """A program as it runs here: what, on which engines, and up to which step."""

    name: str
    source: Any
    config: Any
    ours: Engine
    theirs: Engine
    last: int
    at: At = nowhere

    def play(self, engine: Engine) -> str:
        """Run it up to `last`; the exception that ended it, or an empty string."""

        def on_step(step: int, batch: Any, loss: float) -> None:
            self.at(f"{where}, after step {step}")
            if step >= self.last:
                raise _EnoughError

        where = f"program {self.name} on {engine.name}"
        self.at(f"{where}, before its first step")
        try:
            with suppress(_EnoughError):
                self.source.run(engine.module, self.config, on_step)
        except Exception as error:  # the engine's: what was recorded up to here counts
            return f"{type(error).__name__}: {error}"
        finally:
            self.at("")
        return ""

    def trail(self, engine: Engine, path: Path, nudge: int | None = None) -> Path:
        """Record what every op did."""
        writer = Writer(path, engine=engine.name, version="", script=self.name, argv=[])
        recorder = Recorder(engine, writer, nudge)
        with recorder.steps(), watching(engine, recorder):
            error = self.play(engine)
            recorder.gradients.flush()
        writer.close(error)
        return path


def last_step(result: programs.ProgramResult) -> int:
    """The step up to which a failing program has to run."""
    a, b = result.ours, result.theirs
    if a is None or b is None:  # an engine raised
        return result.steps
    if programs.weights_differ(a, b):
        return 0
    unlike = [i for i, (x, y) in enumerate(zip(a.batches, b.batches)) if x != y]
    if unlike or not result.difference.size:
        return unlike[0] if unlike else min(len(a.losses), len(b.losses))
    outside = np.flatnonzero(np.maximum.accumulate(result.difference) > result.band)
    return int(outside[0]) if outside.size else result.steps


# ---- catching one call ---------------------------------------------------------------------------


@dataclass
class Caught:
    """What was caught of a record."""

    call: Captured | None = None
    cotangent: np.ndarray | None = None
    step: dict[str, Any] = field(default_factory=dict)
    optimizer: str = ""


class Catcher(Recorder):
    """A recorder that keeps the tensors of one forward record, its gradient, or one step."""

    def __init__(self, engine: Engine, writer: Writer, wanted: int, way: str) -> None:
        super().__init__(engine, writer)
        self.wanted, self.way, self.caught = wanted, way, Caught()

    def around(self, name: str, function: Callable, args: tuple, kwargs: dict) -> Any:
        """As a recorder; of the wanted record (or the call that raises) keep what went in."""
        if self.busy:
            return function(*args, **kwargs)
        self.gradients.flush()  # what waits has its numbers before this call
        if self.writer.count + 1 != self.wanted and self.way != "raises":
            return super().around(name, function, args, kwargs)
        with self._quiet():
            try:
                call = Captured.of(self.engine, function, args, kwargs)
            except NotCodeError:
                call = None
        if self.way == "raises":
            self.caught.call = call
        found = super().around(name, function, args, kwargs)
        if self.way == "raises":
            self.caught.call = None
        elif self.writer.count == self.wanted:
            self.caught.call = call
            self._listen(found)
        return found

    def _listen(self, result: Any) -> None:
        """Keep the gradient that comes back to the call."""

        def keep(gradient: Any) -> None:
            if self.caught.cotangent is None:
                self.caught.cotangent = np.array(self.engine.array(gradient))

        for tensor in tensors_in(result, self.engine)[:1]:
            if tensor.requires_grad:
                tensor.register_hook(keep)

    def _stepping(self, step: Callable) -> Callable:
        recorded = super()._stepping(step)

        @functools.wraps(step)
        def caught(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            if not self.busy:
                self.gradients.flush()
            if not self.busy and self.writer.count + 1 == self.wanted:
                with self._quiet(), suppress(NotCodeError):
                    self.caught.optimizer = optimizer_text(optimizer)
                    self.caught.step = self._before(optimizer)
            return recorded(optimizer, *args, **kwargs)

        return caught

    def _before(self, optimizer: Any) -> dict[str, Any]:
        copy = lambda t: np.array(self.engine.array(t))  # noqa: E731
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        parameters = [p for p in parameters if p.grad is not None]
        kept = [optimizer.state.get(p, {}) for p in parameters]
        state = [{k: copy(v) for k, v in s.items() if self.engine.is_tensor(v)} for s in kept]
        found = {
            "values": [copy(p) for p in parameters],
            "gradients": [[copy(p.grad) for p in parameters]],
        }
        return {**found, "state": state} if any(state) else found


def catch(setting: Setting, engine: Engine, folder: Path, wanted: int, way: str) -> Caught:
    """Run again and keep what record `wanted` was given."""
    writer = Writer(folder / "caught.trail", engine=engine.name)
    catcher = Catcher(engine, writer, wanted, way)
    with catcher.steps(), watching(engine, catcher):
        setting.play(engine)
    writer.discard()
    return catcher.caught


# ---- from a record to a study --------------------------------------------------------------------


def studies_of(setting: Setting, pair: Pair, folder: Path) -> Iterator[Study]:
    """The call of a pair of records, with the reference's tensors.

    A step is made twice, with the same gradients, if once shows nothing: what it left behind in the
    optimizer's state shows in the next.
    """
    record, name = pair.a, f"program.{setting.name}"
    where = f"{Path(record['at']).name} `{record['line']}`"
    forward = record.get("of", record["i"])
    caught = catch(setting, setting.theirs, folder, forward, record["way"])
    if record["way"] == "step":
        for turns in (1, 2) if caught.optimizer else ():
            given = {**caught.step, "gradients": caught.step["gradients"] * turns}
            expressions = {"optimizer": caught.optimizer}
            yield Study(name, "afterwards", optimizer_lines, given, expressions, where=where)
    elif caught.call is not None:
        backward = record["way"] == "backward"
        yield replace(call_study(name, caught, backward), where=where)


def call_study(name: str, caught: Caught, backward: bool) -> Study:
    """The study of one call; `backward`: of its gradients."""
    call = caught.call
    assert call is not None
    given: dict[str, Any] = dict(call.arrays)
    if backward and caught.cotangent is not None and caught.cotangent.ndim:
        given["cotangent"] = caught.cotangent
    kind, leaves = ("grad", call.leaves) if backward else ("output", ())
    return Study(name, kind, call_lines, given, {"call": call.text}, leaves)


def layer_studies(setting: Setting) -> Iterator[Study]:
    """Each layer that the program called, with what it was given last: what no op shows by itself."""
    theirs, called = setting.theirs, {}
    module = theirs.module.nn.Module
    call = module.__call__

    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not list(self.children()) and not kwargs and all(map(theirs.is_tensor, args)):
            called[id(self)] = self, _state(self, theirs), args
        return call(self, *args, **kwargs)

    module.__call__ = watched
    try:
        setting.play(theirs)
    finally:
        module.__call__ = call
    for kind in ("output", "grad", "afterwards"):
        for net, state, args in called.values():
            yield _layer(setting, kind, net, state, args)


def _state(net: Any, engine: Engine) -> dict[str, np.ndarray]:
    return {k: np.array(engine.array(v)) for k, v in net.state_dict().items()}


def _layer(setting: Setting, kind: str, net: Any, state: dict, args: tuple) -> Study:
    theirs = setting.theirs
    given: dict[str, Any] = {"state": state} if state else {}
    given |= {f"x{i}": np.array(theirs.array(x)) for i, x in enumerate(args)}
    leaves = [f"x{i}" for i, x in enumerate(args) if x.is_floating_point()]
    if kind == "grad":
        shape = tuple(net(*args).shape)
        given["cotangent"] = (
            np.random.default_rng(0).integers(-64, 65, shape).astype(np.float32) / 64
        )
    expressions = {"net": f"torch.nn.{net!r}"}
    name = f"program.{setting.name}"
    return Study(name, kind, layer_lines, given, expressions, tuple(leaves))


# ---- draws ---------------------------------------------------------------------------------------


class Draws(draws.Ledger):
    """A ledger that keeps the calls that drew, as code."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        super().__init__(engine, writer)
        self.calls: list[Captured | None] = []

    def around(self, name: str, function: Callable, args: tuple, kwargs: dict) -> Any:
        """As a ledger."""
        try:
            call = Captured.of(self.engine, function, args, kwargs) if name in RANDOM else None
        except NotCodeError:
            call = None
        count = self.writer.count
        found = super().around(name, function, args, kwargs)
        self.calls += [None] * (self.writer.count - count)
        if self.writer.count > count:
            self.calls[-1] = call
        return found


def draws_study(setting: Setting, folder: Path) -> tuple[Study | None, str]:
    """The draws up to the first that the ledgers do not share, and what they say."""
    paths = [folder / "a.draws.trail", folder / "b.draws.trail"]
    for engine, path in zip((setting.theirs, setting.ours), paths):

        def program(engine: Engine = engine) -> None:
            setting.play(engine)

        draws.record(engine, path, program)
    parting, a, b = draws.compare(*paths)
    said = "" if parting.ok else draws.describe(parting, a, b)
    writer = Writer(folder / "again.trail", engine=a, kind="draws")
    ledger = Draws(setting.theirs, writer)
    with watching(setting.theirs, ledger):
        error = setting.play(setting.theirs)
    writer.discard()
    calls = ledger.calls[: parting.draws + 1]
    if parting.ok or error or parting.a is None or not calls or None in calls:
        return None, said
    given: dict[str, Any] = {}
    texts = []
    for call in calls:
        assert call is not None
        texts.append(_renamed(call, given))
    seed = parting.a["seed"]
    name = f"program.{setting.name}"
    return (
        Study(name, "draw", draw_lines, given, {}, calls=tuple(texts), seed=seed),
        said,
    )


def _renamed(call: Captured, given: dict[str, Any]) -> str:
    """The text of a call whose tensors are numbered on from those in `given`."""
    import re

    first, texts = len(given), call.text
    given |= {f"x{first + int(k[1:])}": v for k, v in call.arrays.items()}
    return re.sub(r"\bx(\d+)\b", lambda m: f"x{first + int(m[1])}", texts)


# ---- the scripts of a program --------------------------------------------------------------------


def repro(
    name: str,
    ours: Engine,
    theirs: Engine,
    out: Scripts,
    options: dict[str, Any],
) -> tuple[str, Written | None] | None:
    """(what was found, its script or None); None if the program agrees."""
    if name not in programs.PROGRAMS:
        raise EngineError(f"no program {name!r}; there are {', '.join(programs.PROGRAMS)}")
    from minitorch_ref.programs.data import each_note_once

    with each_note_once(), tempfile.TemporaryDirectory() as place:
        result = programs.compare_program(name, ours, theirs, options, beat=out.at)
        if result.verdict.ok:
            return None
        source, config = programs.prepared(name, ours, theirs, options)
        setting = Setting(name, source, config, ours, theirs, last_step(result), out.at)
        said = ""
        for study, said in _candidates(setting, Path(place)):
            written = write(study, ours, theirs, out) if study is not None else None
            out.at("")
            if written is not None:
                return f"{result.detail}\n{said}", written
        return f"{result.detail}\n{said}", None


def _candidates(setting: Setting, folder: Path) -> Iterator[tuple[Study | None, str]]:
    """What may be the one call at fault, the likeliest first."""
    theirs, ours = setting.theirs, setting.ours
    a = setting.trail(theirs, folder / "a.trail")
    b = setting.trail(ours, folder / "b.trail")
    nulls = [setting.trail(theirs, folder / f"n{k}.trail", k) for k in range(1, NULL_RUNS + 1)]
    found = diverge.compare(a, b, nulls)
    said = diverge.describe(found)
    if found.errors[1] and not found.errors[0]:
        caught = catch(setting, ours, folder, 0, "raises")
        if caught.call is not None:
            yield call_study(f"program.{setting.name}", caught, False), said
    if found.stream or found.entered:
        study, ledger = draws_study(setting, folder)
        said = f"{ledger}\n{said}" if ledger else said
        yield study, said
    pairs = [found.jump, found.strayed, found.first, found.entered]
    for pair in (p for p in pairs if p is not None):
        for study in studies_of(setting, pair, folder):
            yield study, said
    for study in layer_studies(setting):
        yield study, said
    yield None, said
