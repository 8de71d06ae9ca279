"""What a comparison says: a verdict, one `Check` per thing compared, and how they add up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import IntEnum

WRONG = 2.0**62  # ULP: no error but nan or infinity where a number is due, or the reverse


class Verdict(IntEnum):
    """Ordered from best to worst: the verdict of many checks is the largest of theirs."""

    IDENTICAL = 0  # every bit
    EQUAL = 1  # within the bound, on both sides
    BETTER = 2  # torch is outside the bound, we are inside
    WORSE = 3  # we are outside the bound and further from the truth than torch
    MISMATCH = 4  # dtype, shape, view, nan position, exception …: no rounding explains it

    @property
    def ok(self) -> bool:
        return self <= Verdict.BETTER

    def __str__(self) -> str:
        return {0: "identical", 1: "equal within bound", 2: "better", 3: "worse", 4: "mismatch"}[
            int(self)
        ]


@dataclass
class Check:
    """One thing compared in one sample.

    part: "out", "grad[0]", "grad2[1]", "error", …   form: function, method, inplace, out=
    ours, theirs: errors in ULP against the oracle (without one, `oracle` is false: the distance, and 0).
    bound: the largest error allowed, in ULP, where it was needed.
    share_ours, share_theirs: the largest errors as shares of what each element is allowed.
    plain_ours, plain_theirs: the largest errors in ULP among results that are no cancellation.
    condition_ours, condition_theirs: Σ|∂y/∂x||x| / |y| of the results with these errors: how far
        their inputs' rounding reaches; large where terms cancel.
    choice: what the branch-flip classifier says of a failing check (choices.py).
    causes: which candidate causes reproduce the other side's bits (explain.py).
    """

    verdict: Verdict
    part: str
    form: str = "function"
    detail: str = ""
    ours: float | None = None
    theirs: float | None = None
    bound: float | None = None
    share_ours: float | None = None
    share_theirs: float | None = None
    plain_ours: float | None = None
    plain_theirs: float | None = None
    condition_ours: float | None = None
    condition_theirs: float | None = None
    oracle: bool = True
    known: str = ""
    choice: str = ""
    causes: str = ""

    def as_dict(self) -> dict:
        return {**asdict(self), "verdict": str(self.verdict)}


def kind_of(check: Check) -> str:
    """What sort of thing a check is about, for counting."""
    part = check.part
    if check.choice:
        return "discrete choices"
    if check.form.startswith("out="):
        return "out= form"
    for start, name in KINDS.items():
        if part.startswith(start):
            return name
    for end, name in ENDS.items():
        if part.endswith(end):
            return name
    return "values" if part.startswith("out") else "facts"


KINDS = {
    "error": "exceptions",
    "grad2": "second gradients",
    "grad": "gradients",
    "stream": "random stream",
    "version": "in-place facts",
    "returns": "in-place facts",
    "argument": "values",
    "inputs": "arguments written to",
    "structure": "structure",
}
ENDS = {
    ".dtype": "dtypes",
    ".shape": "shapes",
    ".requires_grad": "requires_grad",
    ".grad_fn": "grad_fn names",
    ".view": "views",
    ".stride": "strides",
}


@dataclass
class SampleResult:
    """All the checks of one sample."""

    note: str
    text: str
    kind: str
    dtype: str
    checks: list[Check]

    @property
    def verdict(self) -> Verdict:
        return max((c.verdict for c in self.checks if not c.known), default=Verdict.IDENTICAL)


@dataclass
class OpResult:
    """All the samples of one op."""

    namespace: str
    name: str
    family: str
    level: str
    samples: list[SampleResult]
    seconds: float = 0.0

    @property
    def op(self) -> str:
        return self.name if self.namespace == "torch" else f"{self.namespace}.{self.name}"

    @property
    def verdict(self) -> Verdict:
        return max((s.verdict for s in self.samples), default=Verdict.MISMATCH)

    def counts(self) -> dict[str, int]:
        """Samples by verdict, and how many carry a deviation that the ledger knows."""
        counts = {str(v): sum(s.verdict == v for s in self.samples) for v in Verdict}
        counts["known"] = sum(any(c.known for c in s.checks) for s in self.samples)
        return counts

    def _rounded(self, oracle: bool = True) -> Iterator[Check]:
        """The checks that are about rounding; no special values, and nothing that the ledger knows."""
        for sample in self.samples:
            if "special" not in sample.kind + sample.note:
                checks = (c for c in sample.checks if c.verdict != Verdict.MISMATCH and not c.known)
                yield from (c for c in checks if c.oracle is oracle)

    def worst(self, side: str) -> float:
        """The largest error that rounding made.

        side: "ours" or "theirs" in ULP; with "plain_" before it only of results that are no
            cancellation; with "share_" as a share of the bound; or "apart", the largest distance in
            ULP where there is no oracle that could tell whose error it is.
        """
        if side == "apart":
            found = [(c.ours, c.ours or 0.0) for c in self._rounded(oracle=False)]
        else:
            base = side.rpartition("_")[2]
            found = [(getattr(c, side), getattr(c, base)) for c in self._rounded()]
        return max((e for e, ulps in found if e is not None and ulps < WRONG), default=0.0)

    def condition(self, side: str) -> float:
        """Σ|∂y/∂x||x| / |y| of the result with the largest error in ULP of "ours" or "theirs"."""
        found = [(getattr(c, side) or 0.0, getattr(c, f"condition_{side}")) for c in self._rounded()]
        worst = max((f for f in found if f[0] < WRONG), key=lambda f: f[0], default=(0.0, None))
        return worst[1] or 1.0
