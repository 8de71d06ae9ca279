"""Failing modules as standalone scripts: the first thing that goes wrong, and nothing after it.

    python -m parity repro "module.Linear(4, 3)" --ours minitorch_ref

A module that gives a wrong output gives wrong gradients and other weights after five steps, too, so
a case becomes one script: of its first kind of failure in the order of the computation (initial
weights, output, gradients, what is there after a step, the output in eval mode; with all of that
right, where the random generator stands).  What is compared apart from that (repr, the names in the
state dict, exchanging it) has scripts of its own.  An optimizer's script has no net: only parameters
and the gradients that they had.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import ledger, modules, repro_exchange, standing
from .engines import Engine, EngineError
from .ledger import Entry
from .modules import SEED, STEPS
from .modules_table import CASES, NET, SCHEDULES, Case
from .outcome import Check, OpResult
from .repro_text import finished, rounding
from .runner import matches
from .samples.materialise import array
from .scripts import Scripts
from .shrink_study import Attempts, count, shrink
from .study import BUILT, Study, depends_on_draws, failures, kind_of, script_lines
from .study_lines import layer_lines, optimizer_lines, schedule_lines

APART = ("repr", "state_dict")  # compared apart from the computation
ORDER = ("initial", "output", "grad", "grad of input", "afterwards", "eval")
EPOCHS = 12


@dataclass
class Written:
    """A script: where it is, what it shows, and the study before and after shrinking."""

    path: Path
    check: Check
    before: Study | None = None
    after: Study | None = None

    def __str__(self) -> str:
        if self.before is None or self.after is None:
            return str(self.path)
        sizes = [count(s) for s in (self.before, self.after)]
        code = "; ".join(self.after.expressions.values() or self.after.calls)
        return f"{self.path}: {code}, {sizes[1]} numbers of {sizes[0]}"


def write(
    study: Study,
    ours: Engine,
    theirs: Engine,
    out: Scripts,
) -> Written | None:
    """Shrink a failing study and write its script; None if the lines alone do not fail.

    What is further off than inputs moved by an ULP would make it stays so: among hundreds of
    candidates there is always one whose sums cancel to what both engines round as they like.
    """
    out.at(f"{study.name}, alone")
    study = replace(study, drawn=depends_on_draws(study, theirs))
    far = failures(study, ours, theirs, True)
    checks = far or failures(study, ours, theirs)
    if not checks:
        return None
    kind, what = kind_of(checks[0].part), _what(checks)

    def fails(candidate: Study) -> bool:
        code = "; ".join(candidate.expressions.values() or candidate.calls)
        out.at(f"{study.name}, shrunk to {code}")
        return _what(failures(candidate, ours, theirs, bool(far))) == what

    small = shrink(study, Attempts(fails, theirs, count(study), out.most))
    plain = replace(small, drawn=any(depends_on_draws(small, e) for e in (theirs, ours)))
    small = plain if fails(plain) else small
    checks = failures(small, ours, theirs, bool(far))
    if kind != "error":
        small = replace(small, shown=tuple(c.part for c in checks))
    first = checks[0]
    title = f"{study.name}{f', {study.where}' * bool(study.where)}: {first.part}: {first.detail}"
    text = finished(title, script_lines(small), theirs, ours, rounding(checks))
    return Written(out.save(f"{study.name}-{kind}", text), first, study, small)


def _what(checks: list[Check]) -> tuple:
    """What sort of failure it is; of exceptions also which, whatever numbers they name."""
    if not checks:
        return ()
    kind = kind_of(checks[0].part)
    said = re.sub(r"\d+", "", checks[0].detail) if kind == "error" else ""
    return kind, checks[0].verdict, said


# ---- from a case to a study ----------------------------------------------------------------------


class _Rooted(ast.NodeTransformer):
    """nn.Linear as torch.nn.Linear."""

    ROOTS = {"nn": "torch.nn", "optim": "torch.optim", "s": "torch.optim.lr_scheduler"}

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.parse(self.ROOTS.get(node.id, node.id), mode="eval").body


def rooted(text: str) -> str:
    """An expression that needs no name but `torch` (and those of tensors)."""
    return ast.unparse(_Rooted().visit(ast.parse(text, mode="eval")))


def net_of(case: Case) -> str:
    """What builds the net of a case."""
    text = NET if case.family == "optimizers" else case.name[: case.name.rindex(")") + 1]
    return rooted(f"nn.{text}")


def optimizer_of(case: Case, parameters: str) -> str:
    """What builds the optimizer of a case."""
    if case.family == "optimizers":
        text = case.name
    else:
        rate = getattr(case.optimizer, "keywords", {}).get("rate", 0.0625)
        text = f"optim.SGD(p, lr={rate}, momentum=0.5)"
    tree = _Rooted().visit(ast.parse(text, mode="eval"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "p":
            node.id = parameters  # unparsed as it stands
    return ast.unparse(tree)


def layer_study(case: Case, kind: str, theirs: Engine, steps: int = 1) -> Study:
    """The study of one kind of a layer, a loss, or the net that an optimizer trains."""
    name, expressions = f"module.{case.name}", {"net": net_of(case)}
    if kind in BUILT:
        return Study(name, kind, layer_lines, {}, expressions)
    torch = theirs.module
    torch.manual_seed(SEED)
    net = case.build(torch)
    state = {k: np.array(theirs.array(v)) for k, v in net.state_dict().items()}
    arrays = [array(a, "float32", (case.name, i)) for i, a in enumerate(case.inputs)]
    given: dict[str, Any] = {"state": state} if state else {}
    given |= {f"x{i}": data for i, data in enumerate(arrays)}
    leaves = [f"x{i}" for i, a in enumerate(case.inputs) if a.grad and arrays[i].dtype.kind == "f"]
    out = net(*modules.inputs_for(theirs, case, False))
    first = isinstance(out, tuple)
    out = out[0] if first else out
    if tuple(out.shape) and kind != "output":
        given["cotangent"] = modules.cotangent(case, tuple(out.shape))
    learn = bool(list(net.parameters())) and kind in ("afterwards", "eval")
    if learn:
        sliced = case.family == "optimizers" and "p[" in case.name
        parameters = "list(net.parameters())" if sliced else "net.parameters()"
        expressions["optimizer"] = optimizer_of(case, parameters)
    return Study(
        name,
        kind,
        layer_lines,
        given,
        expressions,
        tuple(leaves),
        steps,
        learn,
        first=first,
    )


def optimizer_study(case: Case, theirs: Engine, steps: int) -> Study:
    """Only the parameters that an optimizer is given, and the gradients that they have."""
    torch = theirs.module
    torch.manual_seed(SEED)
    net = case.build(torch)
    parameters = list(net.parameters())
    values = [np.array(theirs.array(p)) for p in parameters]
    optimizer, gradients = case.optimizer(torch, parameters), []
    inputs = modules.inputs_for(theirs, case, False)
    for _ in range(steps):
        optimizer.zero_grad()
        out = net(*inputs)
        weights = modules.cotangent(case, tuple(out.shape))
        out.backward(theirs.tensor(weights))
        gradients.append([np.array(theirs.array(p.grad)) for p in parameters])
        optimizer.step()
    given = {"values": values, "gradients": gradients}
    expressions = {"optimizer": optimizer_of(case, "p")}
    return Study(f"module.{case.name}", "afterwards", optimizer_lines, given, expressions)


def studies_of(case: Case, checks: list[Check], theirs: Engine) -> Iterator[Study]:
    """What may show the failing checks, in the order of the computation; APART from that, all."""
    parts = [c.part for c in checks if not c.verdict.ok]
    for kind in APART:
        if kind in parts:
            yield layer_study(case, kind, theirs)
    steps = [int(m[1]) for p in parts if (m := re.match(r"step (\d+)\.", p))]
    for kind in ORDER:
        every = any(p in ("training", "values") for p in parts)
        named = any(kind_of(p) == kind for p in parts)
        if kind == "afterwards" and (steps or every):
            last = min(steps, default=STEPS)
            if case.family == "optimizers":
                yield optimizer_study(case, theirs, last)
            yield layer_study(case, kind, theirs, last)
        elif named or every:
            yield layer_study(case, kind, theirs, STEPS if kind == "eval" else 1)
    for part in parts:
        if part.startswith(standing.PART):
            yield standing_study(case, part.removeprefix(standing.PART), theirs)


NEXT = "generator.next"
LOOK = f'seen += show("{NEXT}", torch.randint(0, 2**24, (2,)))'
KINDS = {"building": "initial", "forward": "output", "backward": "grad", "optimizer": "afterwards"}


def standing_study(case: Case, stage: str, theirs: Engine) -> Study:
    """A case as far as a stage (of standing.py), and what the generator gives next."""
    eval_mode = stage.endswith("eval mode")
    kind = "eval" if eval_mode else next(k for word, k in KINDS.items() if word in stage)
    step = re.search(r"\d+$", stage)
    study = layer_study(case, kind, theirs, int(step[0]) if step else 1)
    return replace(study, form=_layer_and_next, shown=(NEXT,))


def _layer_and_next(study: Study) -> list[str]:
    if study.kind != "initial":
        return [*layer_lines(replace(study, drawn=True)), LOOK]
    return [f"torch.manual_seed({SEED})", f"net = {study.expressions['net']}", LOOK]


def _schedule_and_next(study: Study) -> list[str]:
    return [f"torch.manual_seed({SEED})", *schedule_lines(study), LOOK]


def schedule_study(name: str, theirs: Engine) -> Study:
    """The rates of a schedule."""
    torch = theirs.module
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    arguments = SCHEDULES[name](torch, optimizer)[1]
    calls = tuple(", ".join(map(repr, arguments(epoch))) for epoch in range(EPOCHS))
    text = rooted(f"s.{name.replace('(', '(optimizer, ', 1)}")
    return Study(
        f"module.{name}", "rate", schedule_lines, {}, {"schedule": text}, steps=EPOCHS, calls=calls
    )


# ---- the scripts of a module ---------------------------------------------------------------------


def selected(text: str) -> list[tuple]:
    """The modules that `module.TEXT` names: one, or all whose name matches as with -k."""
    every = modules.cases()
    found = [c for c in every if c[0] == text] or [c for c in every if matches(c[0], text)]
    if not found:
        raise EngineError(f"no module {text!r}: see python -m parity modules")
    return found


def scripts(
    name: str, checks: list[Check], engines: tuple[Engine, Engine], out: Scripts
) -> Iterator[Written]:
    """Write the scripts of a module's failing checks."""
    if name in SCHEDULES:
        study = schedule_study(name, engines[1])
        parts = [replace(study, steps=steps) for steps in range(1, EPOCHS + 1)]
        parts.append(replace(study, form=_schedule_and_next))
        yield from _first(parts, engines, out)  # later rates may be the same again
        return
    case = next(c for c in CASES if c.name == name)
    studies = list(studies_of(case, checks, engines[1]))
    for study in studies:
        if study.kind in APART:
            yield from _first([study], engines, out)
    steps = [s for s in studies if s.kind not in APART]
    computed = list(_first(steps, engines, out))
    yield from computed
    wanted = [c for c in checks if c.part.startswith("state dict from")]
    if wanted and not computed:
        study = layer_study(case, "file", engines[1])
        computed = list(_first([study], engines, out))
        yield from computed
    if not computed:
        exchanged = repro_exchange.scripts(f"module.{name}", net_of(case), wanted, engines, out)
        yield from (Written(path, check) for path, check in exchanged)


def _first(
    studies: Iterable[Study], engines: tuple[Engine, Engine], out: Scripts
) -> Iterator[Written]:
    """The script of the first of some studies that fails, if one does."""
    for study in studies:
        written = write(study, *engines, out)
        if written is not None:
            yield written
            return


def repro(
    text: str, ours: Engine, theirs: Engine, out: Scripts, known: Sequence[Entry] = ()
) -> Iterator[tuple[str, Check, Written | None]]:
    """(module, failing check, its script or None) of the modules that `text` selects.

    known: the ledger's entries; a check that one of them knows is marked so, and has no script.
    """
    for name, _, compare in selected(text):
        out.at(f"module.{name}")
        found = compare(ours, theirs)
        ledger.apply(known, [OpResult("module", name, "", "", [found])])
        failing = [c for c in found.checks if not c.verdict.ok]
        yield from ((name, c, None) for c in failing if c.known)
        new = [c for c in failing if not c.known]
        written = list(scripts(name, new, (ours, theirs), out)) if new else []
        for one in written:
            yield name, one.check, one
        if new and not written:
            yield name, new[0], None
