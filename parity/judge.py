"""The jury of the mutation run: which mutants an op has, and which of its samples notices each.

A sample in one form is a `Trial`.  It knows what our engine does unspoiled and which gradient rules
that records; torch is asked only when a mutant changed something.  What deviated before the mutant
was planted never counts against it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from . import ledger
from .compare import Lab, compare_records
from .engines import Engine
from .mutants import KINDS, Mutant, Seen, Site, Spoiled, code_name, planted, rules_of, terms
from .mutate import EQUIVALENT, IMPOSSIBLE, KILLED, SURVIVED, UNJUDGED
from .oracle import Neighbourhood, Oracle
from .outcome import SampleResult
from .record import Record, Value, run, run_out
from .samples import row_for, samples_for
from .samples.spec import INEXACT, Arr, Row, Sample
from .values import Bound

OUTS = 6  # samples whose out= form is looked at, besides those of the main dtype
PROBES = 4  # samples of an op without gradient samples that are asked whether it has a gradient
FACTS = (".view", ".stride", ".grad_fn", ".requires_grad")  # a spoiled result is a new tensor


class Coarse(Oracle):
    """An oracle that does not look at neighbours: no mutant's fault is one of rounding.

    Bounds are kept: they are the same for every mutant.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._bounds: dict[str, dict[int, tuple[float, float]]] = {}

    def near(self, part: str) -> Neighbourhood:
        return Neighbourhood()

    def bound(self, part: str, theirs: np.ndarray) -> Bound:
        known, fresh = self._bounds.setdefault(part, {}), super().bound(part, theirs)

        def allowed(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            missing = np.array([r for r in rows.tolist() if r not in known], np.intp)
            if missing.size:
                known.update(zip(missing.tolist(), zip(*fresh.allowed(missing), strict=True), strict=True))
            return tuple(np.array([known[r] for r in rows.tolist()]).reshape(-1, 2).T)  # type: ignore

        return Bound(allowed)  # nobody reads how far a mutant's roundings reach


PARTS = ("outputs", "grads", "seconds")


def pieces(spoiled: Record, clean: Record) -> Iterator[tuple[str, str] | None]:
    """What differs between two records: (attribute, part) one by one; None for all that is left."""
    whole = replace(spoiled, **{a: getattr(clean, a) for a in PARTS})
    if all(getattr(spoiled, a).keys() == getattr(clean, a).keys() for a in PARTS) and (
        same(whole, clean)
    ):
        for name in PARTS:
            mine, other = getattr(spoiled, name), getattr(clean, name)
            yield from ((name, p) for p in mine if not same(mine[p], other[p]))
    else:
        yield None


def only(record: Record, piece: tuple[str, str] | None) -> Record:
    """A record of nothing but that piece."""
    if piece is None:
        return record
    found = getattr(record, piece[0])
    empty: dict[str, Any] = {a: {} for a in PARTS}
    empty[piece[0]] = {piece[1]: found[piece[1]]} if piece[1] in found else {}
    return replace(record, **empty)


def same(a: Any, b: Any) -> bool:
    """Whether two records, values or mappings of them say the same, bit by bit."""
    if isinstance(a, Record) and isinstance(b, Record):
        return all(same(x, y) for x, y in zip(vars(a).values(), vars(b).values(), strict=True))
    if isinstance(a, Value) and isinstance(b, Value):
        return (
            a.dtype == b.dtype
            and a.array.shape == b.array.shape
            and a.array.tobytes() == b.array.tobytes()
        )
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return type(a) is type(b) and (a == b or a != a and b != b)


def nodes_of(tensors: list[Any]) -> Iterator[Any]:
    """Every node of the graph behind `tensors` that belongs to an operation."""
    pending, seen = [t.grad_fn for t in tensors if t.grad_fn is not None], set()
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        pending += [n for n, _ in node.next_functions if n is not None]


class Trial:
    """One sample in one form, unspoiled: our record, the rules it reached, torch's verdict."""

    def __init__(self, jury: Jury, sample: Sample, form: str) -> None:
        self.jury, self.sample, self.form = jury, sample, form
        self.differentiable = sample.second
        self.sites: dict[Site, tuple[int, list[str]]] = {}
        kept: list = []
        self.ours = self.record(jury.lab.ours, kept)
        if kept and (sample.second or sample.gauge):  # the op's own graph, not freed yet
            self.sample, kept = replace(sample, second=False, gauge=""), []
            self.record(jury.lab.ours, kept)
            self.sample = sample
        if kept:
            outs = kept[0][0]
            self.sites = self._sites(outs)
        self._theirs: Record | None = None
        self._oracle: Oracle | None = None
        self.known = False  # something that deviates unspoiled has changed
        self._failing: dict[tuple[str, str] | None, list[str]] = {}

    def record(self, engine: Engine, keep: list | None = None) -> Record:
        """What `engine` does here."""
        if self.form == "out=":
            return run_out(engine, self.sample, "empty") or Record()
        grad = self.form == self.jury.form or self.form == "inplace" and self.differentiable
        random = self.jury.row.random
        return run(engine, self.sample, self.form, grad=grad, random=random, keep=keep)

    def _sites(self, outs: dict) -> dict[Site, tuple[int, list[str]]]:
        """The rules behind `outs`, with how many values each saved and the terms it has."""
        tensors = [o for o in outs.values() if self.jury.lab.ours.is_tensor(o)]
        found = {}
        for node in nodes_of([t for t in tensors if t.requires_grad]):
            if self.form == "inplace" and node.name() == "CloneBackward0":
                continue  # the laboratory's own copy of the leaf
            for edge, rule, saved in rules_of(node):
                found[Site(node.name(), edge, code_name(rule))] = saved, terms(rule)
        return found

    @property
    def theirs(self) -> Record:
        """What torch does here; asked once, if at all."""
        if self._theirs is None:
            self._theirs = self.record(self.jury.lab.theirs)
        return self._theirs

    def deviates(self, spoiled: Record, ignored: tuple[str, ...] = ()) -> str:
        """What of `spoiled` torch contradicts that it does not contradict in ours; "" if nothing."""
        self.known = False
        for piece in pieces(spoiled, self.ours):
            wrong = [
                p for p in self._check(spoiled, piece) if not (ignored and p.endswith(ignored))
            ]
            if not wrong:
                continue
            if piece not in self._failing:
                failing = self._failing[piece] = self._check(self.ours, piece)
                if failing:
                    self.jury.blame(self, self._check(self.ours, piece, self._ask(Oracle)))
            new = [p for p in wrong if p not in self._failing[piece]]
            if new:
                return new[0]
            self.known = True
        return ""

    def _ask(self, kind: type[Oracle]) -> Oracle:
        lab, form = self.jury.lab, "function" if self.form == "out=" else self.form
        return kind(lab.ours, lab.theirs, self.sample, self.jury.row, form)

    def _check(
        self, record: Record, piece: tuple[str, str] | None, oracle: Oracle | None = None
    ) -> list[str]:
        """The parts that fail, looking at one piece of the records or (None) at all."""
        views, theirs = self.form != "out=", only(self.theirs, piece)
        if self._oracle is None:
            self._oracle = self._ask(Coarse)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = compare_records(
                only(record, piece), theirs, self.jury.row, oracle or self._oracle, views
            )
        return [c.part for c in found if not c.verdict.ok]


class Jury:
    """All the trials of one op."""

    def __init__(self, ours: Engine, theirs: Engine, key: tuple[str, str]) -> None:
        self.lab, self.key = Lab(ours, theirs), key
        row = row_for(key)
        self.unclean: set[str] = set()
        self.trials: list[Trial] = []
        if row is None or (form := self.lab.primary(row)) is None:
            self.unclean.add("it has no samples that both engines can run")
            return
        self.row: Row = row
        self.form = form
        self.entries = ledger.load()
        self.probed: dict[Site, tuple[int, list[str]]] = {}
        self._gather([s for s in samples_for(key) if not s.bad])

    def _gather(self, samples: list[Sample]) -> None:
        lab, row, outs = self.lab, self.row, 0
        shared = lab.ours.find(*row.key) is lab.ours.find_method(row.name)
        for sample in samples:
            forms = [self.form, *lab._other_forms(sample, row, self.form)]
            if shared:  # the method is the function
                forms = [f for f in forms if f != "method" or f == self.form]
            main = sample.kind == "call" and sample.dtype == row.dtypes[0]
            if self.form == "function" and not row.random and (main or outs < OUTS):
                outs += 1
                forms += ["out="] * _has_out(lab, sample)
            self.trials += [Trial(self, sample, f) for f in forms]
        if not any(t.sites for t in self.trials):
            self._probe([s for s in samples if s.dtype in INEXACT and not s.grad][:PROBES])

    def _probe(self, samples: list[Sample]) -> None:
        """The rules of an op whose samples ask for no gradient: no sample will notice them.

        But for those that torch has none of, either.
        """
        for sample in samples:
            kept: list = []
            trial = replace(sample, grad=True, second=False, gauge="")
            run(self.lab.ours, trial, self.form, random=self.row.random, keep=kept)
            theirs = run(self.lab.theirs, trial, self.form, random=self.row.random)
            if kept and not _without_derivative(theirs):
                outs = kept[0][0]
                self.probed |= self.trials[0]._sites(outs)

    def blame(self, trial: Trial, parts: list[str]) -> None:
        """Note what deviates unspoiled, unless the ledger knows it."""
        from .outcome import Check, Verdict

        shown = SampleResult(trial.sample.note, "", "", "", [])
        op = self.row.name if self.row.namespace == "torch" else ".".join(self.row.key)
        for part in parts:
            check = Check(Verdict.WORSE, part, trial.form)
            if not any(e.covers(op, shown, check) for e in self.entries):
                self.unclean.add(f"{trial.sample.note} {trial.form} {part}")

    # ---- mutants -------------------------------------------------------------------------------

    def mutants(self, kinds: tuple[str, ...] = KINDS) -> list[Mutant]:
        """Every mutant of the op, results first."""
        found = self._of_results() + self._of_rules() if self.trials else []
        return [m for m in found if m.kind in kinds]

    def _of_results(self) -> list[Mutant]:
        places: dict[str, int] = {}
        for trial in self.trials:
            if trial.ours.error is None:
                leaves = [p for p in trial.ours.outputs if not p.endswith((":type", "afterwards"))]
                places[trial.form] = max(places.get(trial.form, 0), min(len(leaves), 3))
        exact = self.row.level == "exact"
        found = []
        for form, count in places.items():
            kinds = ["sign", "factor", "drop", "dtype"] + ["ulp"] * exact
            if form in ("inplace", "out="):
                kinds.remove("dtype")
            found += [Mutant(Site(form, i), kind) for i in range(count) for kind in kinds]
            if form not in ("inplace", "out=") and any(_has_two(t.sample) for t in self.trials):
                found.append(Mutant(Site(form, 0), "swap", "operands"))
        return found

    def _of_rules(self) -> list[Mutant]:
        sites = dict(self.probed)
        for trial in self.trials:
            for site, (saved, left_out) in trial.sites.items():
                known = sites.get(site, (0, []))
                sites[site] = max(saved, known[0]), left_out
        edges = {(s.node, s.edge) for s in sites}
        found = []
        for site, (saved, left_out) in sorted(sites.items()):
            found += [Mutant(site, kind) for kind in ("sign", "factor", "drop")]
            found += [Mutant(site, "swap", "saved values")] * (saved > 1)
            found += [Mutant(site, "swap", "edges")] * ((site.node, site.edge + 1) in edges)
            found += [Mutant(site, "term", t) for t in left_out]
        return found

    # ---- verdicts --------------------------------------------------------------------------------

    def judge(self, mutant: Mutant) -> tuple[str, str]:
        """The mutant's state, and what noticed it or why nothing could."""
        seen, visible, tried = Seen(), 0, []
        for trial in self._concerned(mutant):
            tried.append(trial)
            trial.known = False
            spoiled = self._spoiled(trial, mutant, seen)
            if same(spoiled, trial.ours):
                continue
            visible += 1
            ignored = FACTS if mutant.site.of_result and mutant.kind != "dtype" else ()
            part = trial.deviates(spoiled, ignored)
            if part:
                return KILLED, f"{trial.sample.note} {trial.form}: {part}"
        if mutant.kind in ("swap", "term") and tried and not seen.applied:
            return IMPOSSIBLE, "there are no two values to exchange, or no such call"
        reason = self._equivalent(mutant, seen, visible)
        if mutant.kind == "sign" and not visible and seen.applied >= 2 * len(tried) > 0:
            reason = reason or "passed an even number of times: the signs cancel"
        if not reason and tried and not mutant.site.of_result and not seen.applied:
            if all(_without_derivative(t.theirs) for t in tried):
                return IMPOSSIBLE, "torch has no derivative"
        if reason:
            return EQUIVALENT, reason
        if self.unclean:
            return UNJUDGED, "the op deviates from torch unspoiled"
        if any(t.known for t in tried):
            return UNJUDGED, "torch is wrong here, says the ledger"
        return SURVIVED, _why(len(tried), seen, visible)

    def _concerned(self, mutant: Mutant) -> Iterator[Trial]:
        for trial in self.trials:
            if mutant.site.of_result and trial.ours.error is None:
                if trial.form == mutant.site.node:
                    yield trial
            elif mutant.site in trial.sites:
                yield trial

    def _spoiled(self, trial: Trial, mutant: Mutant, seen: Seen) -> Record:
        ours = self.lab.ours
        if mutant.site.of_result:
            return trial.record(Spoiled(ours, self.row.key, mutant, seen))
        with planted(ours, mutant, seen):
            return trial.record(ours)

    def _other_rules(self, site: Site) -> bool:
        """Whether in other samples the same edge has another rule, or another node this rule."""
        found = {s for t in self.trials for s in t.sites} - {site}
        return any((s.node, s.edge) == (site.node, site.edge) or s.code == site.code for s in found)

    def _equivalent(self, mutant: Mutant, seen: Seen, visible: int) -> str:
        """Why no sample could notice the mutant; "" if some should."""
        if mutant.site.of_result and self.row.level == "shape":
            return "the values are undefined"
        if mutant.kind == "swap":
            if seen.distinct and not visible:
                return "commutative"
            return "commutative up to rounding" if seen.distinct else ""
        signed = mutant.site.of_result and visible  # the sign of a zero gradient is undocumented
        if seen.applied and seen.filled and not seen.nonzero and not signed:
            return "it is always zero"
        if seen.applied and not seen.filled and self._other_rules(mutant.site):
            return "a rule for empty tensors"
        if self.row.gauge and mutant.kind == "sign" and mutant.site.of_result:
            return "defined up to a sign"
        if mutant.site.of_result and not seen.applied:
            return "the result has no such part"
        return ""


def _without_derivative(theirs: Record) -> bool:
    """Whether torch says that there is none: its backward pass raises, or it records nothing."""
    return theirs.grad_error is not None or theirs.error is None and not theirs.grads


def _has_two(sample: Sample) -> bool:
    return len(sample.args) > 1 and all(isinstance(a, Arr) for a in sample.args[:2])


def _has_out(lab: Lab, sample: Sample) -> bool:
    """Whether both engines write this sample's result into `out=`."""
    for engine in (lab.theirs, lab.ours):
        record = run_out(engine, sample, "empty")
        if record is None or record.error is not None:
            return False
    return True


def _why(tried: int, seen: Seen, visible: int) -> str:
    if not tried:
        return "no sample asks for this gradient"
    if not seen.applied:
        return f"never ran in {tried} samples"
    if not seen.filled:
        return "met only empty tensors"
    return f"{visible} of {tried} samples changed, all within the bounds"
