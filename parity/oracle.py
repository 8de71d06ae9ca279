"""The third value of every comparison: what the sample gives in higher precision.

float16, float32 and complex64 results: the same op, run by torch in float64 (complex128) on the
same numbers.  float64: mpmath, for elementwise functions.  An oracle is computed only when the two
engines' bits differ, once per sample; the graph of its run gives the bounds their Jacobian rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import bounds, precise, rounding, ulp
from .engines import Engine
from .precise_special import DOUBTFUL
from .record import Backward, Record, Value, run
from .samples.materialise import Inputs
from .samples.spec import Row, Sample
from .values import Bound

ROUNDED = 3  # runs with rounded intermediate results
NEIGHBOURS = 16
SIGNIFICANT = 15  # P(15 or more of 16 by chance) = 0.00026


@dataclass
class Neighbourhood:
    """A sign test: in how many neighbours our worst error exceeds torch's by more than 2 ULP.

    A neighbour is the sample with its numbers moved by up to one part in 128.  One sample's errors
    are luck where the result is ill-conditioned; being worse in nearly every neighbour is not.
    """

    runs: int = 0
    worse: int = 0
    ours: float = 0.0
    theirs: float = 0.0

    def add(self, ours: np.ndarray, theirs: np.ndarray) -> None:
        """Count one neighbour: the errors of both sides, in ULP, elementwise."""
        a, b = (float(np.max(e, initial=0)) for e in (ours, theirs))
        self.runs += 1
        self.worse += a > b + 2
        self.ours, self.theirs = max(self.ours, a), max(self.theirs, b)

    @property
    def decides(self) -> bool:
        """True if there were enough neighbours and we are not significantly worse in them."""
        return self.runs == NEIGHBOURS and self.worse < SIGNIFICANT


def _array(record: Record, part: str) -> np.ndarray | None:
    found = {**record.outputs, **record.grads, **record.seconds}.get(part)
    return found.array if isinstance(found, Value) else None


class Oracle:
    """Values and bounds for one sample; `torch` is the engine that is run in float64."""

    def __init__(self, ours: Engine, torch: Engine, sample: Sample, row: Row, form: str) -> None:
        self.ours, self.torch, self.sample, self.row, self.form = ours, torch, sample, row, form
        self._around: list[tuple[Record, Record, Oracle]] | None = None
        self._run: tuple[Record, Any] | None = None
        self._rounded: list[Record] | None = None

    def _wider(self, nudge: int | None = None) -> tuple[Record, Any]:
        if self._run is None:
            kept: list = []
            record = self._run_wider(kept, nudge)
            self._run = record, kept[0] if kept else None
        return self._run

    def _run_wider(self, kept: list | None = None, nudge: int | None = None) -> Record:
        """The sample in double precision."""
        module = self.torch.module
        before = module.get_default_dtype()
        module.set_default_dtype(module.float64)
        try:
            host = Engine("torch", module)
            sample = replace(self.sample, grad=self.row.grad, second=self.sample.second)
            return run(host, sample, self.form, wider=True, keep=kept, nudge=nudge)
        finally:
            module.set_default_dtype(before)

    def value(self, part: str, theirs: np.ndarray) -> np.ndarray | None:
        """The precise counterpart of torch's array `theirs`, or None."""
        if self.row.random:
            return None
        if theirs.dtype.name in ("float64", "complex128"):
            return self._precise(part, theirs)
        if self.sample.name in DOUBTFUL and (found := self._precise(part, theirs)) is not None:
            return found
        record = self._wider()[0]
        found = {**record.outputs, **record.grads, **record.seconds}.get(part)
        if (
            found is None
            or not hasattr(found, "array")
            or found.array.dtype.itemsize <= theirs.dtype.itemsize
        ):
            return None
        return found.array if found.array.dtype.kind == theirs.dtype.kind else None

    def _precise(self, part: str, theirs: np.ndarray) -> np.ndarray | None:
        """mpmath's answer for a float64 sample of plain positional arguments."""
        if self.sample.kwargs or any(isinstance(a, (list, tuple, dict)) for a in self.sample.args):
            return None
        host = Engine("torch", self.torch.module)
        inputs = Inputs(host, self.sample)
        args = [host.array(a) if host.is_tensor(a) else a for a in inputs.args]
        if part == "out":
            return precise.evaluate(self.sample.name, args, theirs)
        if part.startswith("grad["):
            which = int(part[5:-1])
            leaves = [
                i for i, a in enumerate(inputs.args) if any(a is leaf for leaf in inputs.leaves)
            ]
            cots = self._cotangents()
            if which < len(leaves) and len(cots) == 1:
                return precise.derivative(self.sample.name, args, leaves[which], cots[0], theirs)
        return None

    def _cotangents(self) -> list[np.ndarray]:
        kept = self._wider()[1]
        return [self.torch.array(c) for c in kept[2].cots.values()] if kept else []

    def near(self, part: str) -> Neighbourhood:
        """Our error in `part` beside torch's, over close variations of the sample."""
        if self._around is None:
            self._around = [self._neighbour(seed) for seed in range(1, NEIGHBOURS + 1)]
        found = Neighbourhood()
        for ours, theirs, exact in self._around:
            a, b = (_array(r, part) for r in (ours, theirs))
            truth = exact.value(part, b) if b is not None else None
            if (
                a is None
                or b is None
                or truth is None
                or not a.shape == b.shape == truth.shape
                or a.dtype != b.dtype
            ):
                continue
            found.add(ulp.error(a, truth), ulp.error(b, truth))
        return found

    def _neighbour(self, seed: int) -> tuple[Record, Record, Oracle]:
        """Both engines on one neighbour, and its oracle.

        In ULP an error hardly depends on the precision: float64 samples are measured in float32,
        where there is an oracle for everything.
        """
        narrow = {"float64": "float32", "complex128": "complex64"}.get(
            self.sample.dtype, self.sample.dtype
        )
        sample = replace(self.sample, dtype=narrow)
        exact = Oracle(self.ours, self.torch, sample, self.row, self.form)
        exact._run = exact._wider(nudge=seed)
        ours, theirs = (run(e, sample, self.form, nudge=seed) for e in (self.ours, self.torch))
        return ours, theirs, exact

    def bound(self, part: str, theirs: np.ndarray) -> Bound:
        """A function from flat indices to allowed error in ULP of torch's dtype, and condition."""
        normwise = self.row.level == "factorization"

        def allowed(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            found = self._sensitivity(part, theirs, rows, normwise)
            weight, terms = found or (np.zeros(len(rows)), np.ones(len(rows)))
            size = np.abs(theirs.reshape(-1)).astype(np.float64)
            size = np.where(np.isfinite(size), size, 0)
            largest = float(np.max(size, initial=0))
            size = size[rows]
            real = np.dtype(
                theirs.dtype.name.replace("complex64", "float32").replace("complex128", "float64")
            )
            factor = bounds.allowance(terms, self.row.depth, theirs.dtype.name)
            with np.errstate(over="ignore"):  # next to nothing may be off by any number of ULP
                error = factor * (weight + (largest if normwise else size))
                within = np.minimum(error / ulp.spacing(size, real), 1e300)
            return within, bounds.condition(weight, size)

        return Bound(allowed, lambda: self._reach(part, theirs))

    def _sensitivity(
        self, part: str, theirs: np.ndarray, rows: np.ndarray, normwise: bool
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """bounds.sensitivity of `part`; of a gradient that has no graph, bounds.of_gradient."""
        kept, torch = self._wider()[1], self.torch.module
        found = self._tensor(part, kept) if kept is not None else None
        if found is None or found[0].numel() != theirs.size:
            return None
        if found[0].dtype not in (torch.float64, torch.complex128):
            return None
        known = bounds.sensitivity(torch, *found, rows, normwise)
        if known is not None or not part.startswith("grad"):
            return known
        _, inputs, backward = kept
        sources, cots = (
            (backward.outs, backward.cots)
            if part in backward.grads
            else (backward.grads, backward.cots2)
        )
        leaves = inputs.leaves + list(backward.cots.values())
        leaf = leaves[int(part.partition("[")[2][:-1])]
        outs = [sources[path] for path in cots]
        return bounds.of_gradient(torch, outs, list(cots.values()), leaf, rows)

    def _reach(self, part: str, theirs: np.ndarray) -> np.ndarray | None:
        """How many ULP of a float32 the roundings of torch's own steps move each element, by run."""
        exact = _array(self._wider()[0], part)
        if exact is None or exact.shape != theirs.shape or exact.dtype.kind not in "fc":
            return None
        if self._rounded is None:
            self._rounded = [self._rounded_run(seed) for seed in range(1, ROUNDED + 1)]
        moved = [_array(record, part) for record in self._rounded]
        real = np.dtype(np.float32)
        unit = ulp.spacing(np.where(np.isfinite(exact), np.abs(exact), 0), real)
        with np.errstate(all="ignore"):
            apart = [np.abs(m - exact) / unit for m in moved if m is not None and m.shape == exact.shape]
            return np.nan_to_num(np.array(apart), nan=0.0, posinf=1e150) if apart else None

    def _rounded_run(self, seed: int) -> Record:
        """The oracle's run with every intermediate result rounded at random (rounding.py)."""
        with rounding.Rounded(self.torch.module, seed):
            return self._run_wider()

    def _tensor(self, part: str, kept: Any) -> tuple[Any, list] | None:
        """The float64 tensor behind `part` and the tensors that it is a function of."""
        outs, inputs, backward = kept
        assert isinstance(backward, Backward)
        if part in outs and self.torch.is_tensor(outs[part]):
            return outs[part], inputs.leaves
        leaves = inputs.leaves + list(backward.cots.values())
        if backward.grads.get(part) is not None:
            return backward.grads[part], leaves
        if backward.seconds.get(part) is not None:
            return backward.seconds[part], leaves + list(backward.cots2.values())
        return None
