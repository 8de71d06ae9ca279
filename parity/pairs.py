"""Pairing the records of two trails, and how far apart paired records are.

Records are paired by what they are (forward, backward or step, and the op) and, where one side has
more, by the nearest pair that fits: one with equal outputs before one with equal names.  Only a
window of each trail is in memory.  Distances are in ULP of the tensor's largest element.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

WINDOW = 64  # how far ahead the pairing looks
FAR = float("inf")


@dataclass
class Pair:
    """Two records that are the same step of the program."""

    a: dict
    b: dict

    @property
    def inputs(self) -> float:
        """How far apart the inputs are, in ULP; 0 if they have the same bits."""
        return _apart(self.a["in"], self.b["in"], self._any_order)

    @property
    def outputs(self) -> float:
        """How far apart the outputs are, in ULP; infinite if they are of another dtype or shape."""
        if self.a.get("value") != self.b.get("value"):
            return FAR
        return _apart(self.a["out"], self.b["out"], self._any_order)

    @property
    def arguments(self) -> bool:
        """Whether the numbers among the arguments, and the random stream, agree."""
        return all(self.a.get(k) == self.b.get(k) for k in ("args",)) and not self.stream

    @property
    def stream(self) -> bool:
        """Whether the random stream stood elsewhere before the call."""
        return bool(self.a.get("rng") and self.b.get("rng") and self.a["rng"] != self.b["rng"])

    @property
    def layout(self) -> bool:
        """Whether both drew the same words, into memory of another order (channels-last, say)."""
        orders = [[t.get("o") for t in r["in"] + r["out"]] for r in (self.a, self.b)]
        return bool(self.a.get("rng")) and not self.stream and orders[0] != orders[1]

    @property
    def _any_order(self) -> bool:
        return self.a["way"] == "backward"


@dataclass
class Unpaired:
    """Records with no partner: how many on each side, and the first few."""

    counts: list[int] = field(default_factory=lambda: [0, 0])
    kept: tuple[list[dict], list[dict]] = ((), ())  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.kept = ([], [])

    def add(self, side: int, record: dict) -> None:
        """Count one on side 0 or 1."""
        self.counts[side] += 1
        if len(self.kept[side]) < 8:
            self.kept[side].append(record)


def _apart(a: list[dict], b: list[dict], any_order: bool) -> float:
    """The largest distance between paired summaries; extra tensors on one side do not count.

    Gradients come in any order, some transposed (torch's `linear` transposes its weight apart), so
    they are paired by shape, equal bits first.
    """
    if any_order:
        mine, theirs = [t["d"] for t in a], [t["d"] for t in b]
        b = [t for t in b if not _take(mine, t["d"])]
        a = [t for t in a if not _take(theirs, t["d"])]
        a, b = (sorted(side, key=lambda t: t.get("f", [0])[-1]) for side in (a, b))
        shapes = {tuple(t["s"]) for t in a}
        groups = [[[t for t in side if tuple(t["s"]) == s] for side in (a, b)] for s in shapes]
        couples = [couple for x, y in groups for couple in zip(x, y, strict=False)]
    else:
        couples = list(zip(a, b, strict=False))
    return max((distance(x, y) for x, y in couples), default=0.0)


def _take(items: list, wanted: Any) -> bool:
    if wanted in items:
        items.remove(wanted)
        return True
    return False


def distance(a: dict, b: dict) -> float:
    """Between two summaries: 0 for the same bits, else ULPs of the largest element, at least 1."""
    if a["d"] == b["d"] and a["t"] == b["t"] and a["s"] == b["s"]:
        return 0.0
    if a["t"] != b["t"] or a["s"] != b["s"] or a.get("nan") != b.get("nan"):
        return FAR
    kind = a["t"].replace("complex64", "float32").replace("complex128", "float64")
    if not kind.startswith("float") or "v" not in a or "f" not in a or "f" not in b:
        return FAR
    x, y = (np.array(t["v"] + t["f"]) for t in (a, b))
    size = max(abs(v) for v in a["f"] + b["f"])
    unit = float(np.spacing(np.dtype(kind).type(max(size, float(np.finfo(kind).tiny)))))
    with np.errstate(all="ignore"):
        off = np.abs(x - y)
        off = off[np.isfinite(off)]
    return max(1.0, float(off.max(initial=0.0)) / unit)


# ---- pairing -------------------------------------------------------------------------------------


def align(a: Iterator[dict], b: Iterator[dict], unpaired: Unpaired) -> Iterator[Pair]:
    """Pairs in order; what has no partner is noted in `unpaired`."""
    left: deque[dict] = deque()
    right: deque[dict] = deque()
    while True:
        _fill(left, a)
        _fill(right, b)
        if not left and not right:
            return
        for side, (queue, count) in enumerate(zip((left, right), _next_pair(left, right))):
            for _ in range(count):
                unpaired.add(side, queue.popleft())
        if left and right:
            yield Pair(left.popleft(), right.popleft())


def _fill(queue: deque, source: Iterator[dict]) -> None:
    while len(queue) < WINDOW:
        record = next(source, None)
        if record is None:
            return
        queue.append(record)


def key_of(record: dict) -> tuple:
    return record["way"], record["op"].rstrip("_")


def _shapes(record: dict) -> tuple:
    return tuple(
        (t["t"], tuple(t["s"])) for t in record["in" if record["way"] == "backward" else "out"]
    )


def _next_pair(left: deque, right: deque) -> tuple[int, int]:
    """How many records to drop on each side before the heads are a pair."""
    if not left or not right:
        return len(left), len(right)
    best: tuple[float, int, int] | None = None
    for i, x in enumerate(left):
        for j in range(len(right)):
            cost = i + j
            if best is not None and cost >= best[0]:
                break
            y = right[j]
            if key_of(x) != key_of(y):
                continue
            outputs = [t["d"] for t in x["out"]] == [t["d"] for t in y["out"]]
            if not outputs:  # a pair that looks alike, but a little further there may be a better
                cost += 0 if i == j == 0 and _shapes(x) == _shapes(y) else 2
                cost += 0 if _shapes(x) == _shapes(y) else 8
            if best is None or cost < best[0]:
                best = cost, i, j
        if best is not None and i >= best[0]:
            break
    return (best[1], best[2]) if best else (len(left), len(right))
