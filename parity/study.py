"""A few lines of torch that two engines disagree on, as data: run, judged, written out.

The lines that are judged (study_lines.py) are those of the script: here they run with their tensors
given by name, in a repro the same lines stand below the same tensors as hex floats.  Each line that
looks at something has the form `seen += show(name, value)`; the part of a name before the first dot
is its kind ("output", "grad", "afterwards", …), and the kinds come in the order of the computation.

How far off is too far is judged as for modules: against the same lines in float64, and those with
every result rounded at random.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from . import nullmodel
from .engines import Engine, open_engine
from .modules import NULL_SEEDS, SEED, judge_tensor, scale_ulp
from .outcome import Check, Verdict
from .repro_text import quoted, tensor_text
from .rounding import Rounded

BUILT = ("repr", "state_dict", "initial", "file")  # kinds that show as soon as a net is built


@dataclass(frozen=True)
class Study:
    """What is run, and with which tensors.

    name: what it is a repro of.  kind: what fails.  form: makes the lines from all the rest.
    given: arrays by name, in lists and dicts as the lines want them.
    expressions: code that may be made simpler: "net", "optimizer", …
    leaves: names of the given tensors that require grad.
    steps: how often the loop runs.  learn: with backward pass and optimizer.
    drawn: random numbers are drawn, so the generator has to be seeded.
    first: the output is a tuple, of which the first element counts.
    shown: the names that the script looks at; empty: all of them.
    where: the line of a program that made the call.
    calls: of draws, or what a schedule is told in each epoch.
    """

    name: str
    kind: str
    form: Callable[[Study], list[str]]
    given: dict[str, Any]
    expressions: dict[str, str]
    leaves: tuple[str, ...] = ()
    steps: int = 1
    learn: bool = False
    drawn: bool = False
    first: bool = False
    shown: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    seed: int = SEED
    where: str = ""

    def wants(self, name: str) -> bool:
        """Whether the lines look at this."""
        return not self.shown or name in self.shown


@dataclass
class Seen:
    """What a study showed on one engine, by name; the exception if there was one."""

    values: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    message: str = ""


def leaves_of(value: Any) -> list[np.ndarray]:
    """The arrays in nested dicts and lists, in reading order."""
    if isinstance(value, np.ndarray):
        return [value]
    items = value.values() if isinstance(value, dict) else value
    return [a for item in items for a in leaves_of(item)]


def rebuilt(value: Any, visit: Callable[[np.ndarray], Any]) -> Any:
    """Nested dicts and lists with every array replaced by `visit(array)`, in reading order."""
    if isinstance(value, np.ndarray):
        return visit(value)
    if isinstance(value, dict):
        return {k: rebuilt(v, visit) for k, v in value.items()}
    return [rebuilt(v, visit) for v in value]


def with_arrays(study: Study, arrays: list[np.ndarray]) -> Study:
    """The study with other numbers."""
    rest = iter(arrays)
    return replace(study, given=rebuilt(study.given, lambda a: next(rest)))


# ---- running -------------------------------------------------------------------------------------


def run(study: Study, engine: Engine, wide: bool = False, moved: int | None = None) -> Seen:
    """Run the lines; `wide`: in float64.

    moved: a seed, by which every number given is moved by up to the ULP of a float32.
    """
    found, torch = Seen(), engine.module
    rng = None if moved is None else np.random.default_rng(moved)

    def show(name: str, value: Any) -> list:
        items = enumerate(value) if isinstance(value, (tuple, list)) else ()
        for i, item in items:
            show(f"{name}[{i}]", item)
        if not items:
            plain = not engine.is_tensor(value)
            found.values[name] = repr(value) if plain else np.array(engine.array(value))
        return []

    def made(data: np.ndarray) -> Any:
        if data.dtype.kind != "f":
            return engine.tensor(data.copy())
        values = data.astype(np.float64 if wide else data.dtype)
        if rng is not None:
            with np.errstate(all="ignore"):
                values += rng.uniform(-1, 1, data.shape) * np.spacing(np.abs(data.astype("f4")))
        return engine.tensor(values)

    space: dict[str, Any] = {"torch": torch, "show": show, "seen": [], "h": float.fromhex, "io": io}
    before = torch.get_default_dtype()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if wide:
                torch.set_default_dtype(torch.float64)
            space |= rebuilt(study.given, made)
            exec("\n".join([*_leaf_lines(study), *study.form(study)]), space)
        except Exception as error:  # compared like any other outcome
            found.error, found.message = type(error).__name__, str(error)
        finally:
            torch.set_default_dtype(before)
    return found


def depends_on_draws(study: Study, engine: Engine, seeds: int = 24) -> bool:
    """Whether random numbers show in what the lines show: they need a seed."""
    engine.seed(0)
    first = run(replace(study, drawn=False), engine).values
    for seed in range(1, seeds):
        engine.seed(seed)
        values = run(replace(study, drawn=False), engine).values
        if not all(_same(v, values.get(k)) for k, v in first.items()):
            return True
    return False


def failures(study: Study, ours: Engine, theirs: Engine, moved: bool = False) -> list[Check]:
    """The failing checks of the first kind that has any.

    moved: rounding counts as if what is given had been rounded, too.  A sum inside an op that
    cancels is no further off than that.
    """
    b, a = run(study, theirs), run(study, ours)
    if a.error or b.error:
        if a.error == b.error:
            return []
        said = [f"raises {s.error}: {s.message[:200]}" if s.error else "does not" for s in (a, b)]
        return [Check(Verdict.MISMATCH, "error", detail=f"ours {said[0]}, {theirs.name} {said[1]}")]
    different = [k for k in {**b.values, **a.values} if not _same(a.values.get(k), b.values.get(k))]
    if not different:
        return []
    tensors = [a.values.get(k) for k in different] + [b.values.get(k) for k in different]
    inexact = any(isinstance(v, np.ndarray) and v.dtype.kind == "f" for v in tensors)
    inexact = inexact and study.kind not in BUILT  # numbers as drawn: every bit counts
    exact, rounded = _oracle(study, moved) if inexact else ({}, [])
    checks = []
    for name in different:
        x, y = a.values.get(name), b.values.get(name)
        if inexact and isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
            near = exact.get(name)
            near = near if isinstance(near, np.ndarray) else None
            judge = _judge_wide if x.dtype == y.dtype == np.float64 else judge_tensor
            checks.append(judge(name, x, y, near, [r.get(name) for r in rounded]))
        else:
            detail = f"ours {_brief(x)}, {theirs.name} {_brief(y)}"
            checks.append(Check(Verdict.MISMATCH, name, detail=detail))
    bad = [c for c in checks if not c.verdict.ok]
    return [c for c in bad if kind_of(c.part) == kind_of(bad[0].part)]


def _judge_wide(
    name: str, a: np.ndarray, b: np.ndarray, exact: np.ndarray | None, rounded: list
) -> Check:
    """Float64 results, of which no oracle is at hand: both may be as far off as rounding goes.

    Rounding takes as many ULPs there as rounding to 24 bits takes of those.
    """
    if a.shape != b.shape or exact is None or not np.isfinite(exact).all():
        return judge_tensor(name, a, b, exact, rounded)
    wide, unit = b.astype(np.float64), 2.0**29
    apart = [scale_ulp(r, wide) for r in rounded if r is not None and r.shape == b.shape]
    band = float(nullmodel.limit(np.array(apart))) if apart else 0.0
    ours, limit = scale_ulp(a, wide) * unit, 2 * max(2.0, band)
    verdict = Verdict.EQUAL if ours <= limit and np.isfinite(ours) else Verdict.WORSE
    words = f"{ours:.3g} ULP of the largest element from torch's, rounding {limit:.3g}"
    return Check(verdict, name, detail=words, ours=ours, theirs=0.0, bound=limit)


def kind_of(name: str) -> str:
    """The sort of thing that a name stands for: the part before the first dot."""
    return name.partition(".")[0]


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        alike = a.dtype == b.dtype and a.shape == b.shape
        return alike and a.tobytes() == b.tobytes()
    return type(a) is type(b) and not isinstance(a, np.ndarray) and a == b


def _brief(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size <= 8:
        return str(value.tolist())
    if isinstance(value, np.ndarray):
        return f"a tensor {value.dtype} {list(value.shape)}"
    return "nothing" if value is None else str(value)[:200]


def _oracle(study: Study, moved: bool) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the lines show in float64, and in float64 with every result rounded at random."""
    torch, rounded = open_engine("torch"), []
    for seed in NULL_SEEDS:
        with Rounded(torch.module, seed):
            rounded.append(run(study, torch, True, seed if moved else None).values)
    return run(study, torch, wide=True).values, rounded


# ---- the script ----------------------------------------------------------------------------------


def _leaf_lines(study: Study) -> list[str]:
    return [f"{name}.requires_grad_()" for name in study.leaves]


def code_of(value: Any, indent: str = "") -> str:
    """A Python expression for nested arrays, one to a line."""
    if isinstance(value, np.ndarray):
        return tensor_text(value)
    inner = indent + "    "
    items = value.items() if isinstance(value, dict) else (("", v) for v in value)
    rows = [f"{inner}{f'{quoted(k)}: ' if k else ''}{code_of(v, inner)}," for k, v in items]
    left, right = "{}" if isinstance(value, dict) else "[]"
    return "\n".join([left, *rows, indent + right]) if rows else left + right


def script_lines(study: Study) -> list[str]:
    """The lines of the study with its tensors written out."""
    given = {name: value for name, value in study.given.items() if leaves_of(value)}
    lines = [f"{name} = {code_of(value)}" for name, value in given.items()]
    return [*lines, *_leaf_lines(study), "seen = []", *study.form(study)]
