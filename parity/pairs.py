"""Pairing the records of two trails, and how far apart paired records are.

Records are paired by what they are (forward, backward or step, the op, the line of the program and
the first input's shape) and by their neighbours: one side may have more, in between or altogether.
Only a window of each trail is in memory.  Distances are in ULP of the tensor's largest element.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

WINDOW = 512  # how far ahead the pairing looks
LEFT_OUT = 1 / 64  # of a pair; more would end the pairing where one side does much more
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
        return not (self.stream or differing_args(self.a, self.b))

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
    """Records with no partner: how many on each side, the first few, and those of late."""

    counts: list[int] = field(default_factory=lambda: [0, 0])
    kept: tuple[list[dict], list[dict]] = field(default_factory=lambda: ([], []))
    recent: list[tuple[int, dict]] = field(default_factory=list)  # since they were last taken

    def add(self, side: int, record: dict) -> None:
        """Count one on side 0 or 1."""
        self.counts[side] += 1
        if len(self.kept[side]) < 8:
            self.kept[side].append(record)
        if len(self.recent) < WINDOW:
            self.recent.append((side, record))

    def take(self) -> list[tuple[int, dict]]:
        """Those that came since the last call, as (side, record)."""
        found, self.recent = self.recent, []
        return found


def _apart(a: list[dict], b: list[dict], any_order: bool) -> float:
    """The largest distance between paired summaries; extra tensors on one side do not count.

    Gradients come in any order, some transposed (torch's `linear` transposes its weight apart), so
    they are paired by shape, equal bits first.
    """
    if any_order:
        mine, theirs = [t["d"] for t in a], [t["d"] for t in b]
        b = [t for t in b if not _take(mine, t["d"])]
        a = [t for t in a if not _take(theirs, t["d"])]
        return max(_nearest(a, b), default=0.0)
    return max((distance(x, y) for x, y in zip(a, b, strict=False)), default=0.0)


def _nearest(a: list[dict], b: list[dict]) -> Iterator[float]:
    """The distances of the closest pairs of one shape, each tensor used once."""
    few, many = sorted((a, list(b)), key=len)
    many = list(many)
    for x in few:
        found = [(distance(x, y), i) for i, y in enumerate(many) if x["s"] == y["s"]]
        if found:
            yield min(found)[0]
            del many[min(found)[1]]


def differing_args(a: dict, b: dict) -> bool:
    """Whether two records were given other numbers; one side may leave defaults out."""
    x, y = a.get("args") or [], b.get("args") or []
    return len(x) == len(y) and x != y


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
    """Pairs in order; what has no partner is noted in `unpaired`.

    Of each window a longest common subsequence is paired (a program's loop repeats itself, so the
    longest common *run* would pair one turn with another).  Of what is paired only the first three
    quarters are used, the rest is paired again in the next window.
    """
    sides: tuple[deque[dict], deque[dict]] = (deque(), deque())
    while True:
        more = [_fill(queue, source) for queue, source in zip(sides, (a, b), strict=True)]
        if not sides[0] and not sides[1]:
            return
        limit = WINDOW * 3 // 4 if any(more) else WINDOW
        done = [0, 0]
        for i, j in common([key_of(r) for r in sides[0]], [key_of(r) for r in sides[1]]):
            if max(i, j) >= limit and done != [0, 0]:
                break
            _drop(sides, unpaired, [i - done[0], j - done[1]])
            yield Pair(sides[0].popleft(), sides[1].popleft())
            done = [i + 1, j + 1]
        if done == [0, 0] or not any(more):  # nothing fits, or nothing follows
            most = WINDOW // 2 if any(more) else WINDOW
            _drop(sides, unpaired, [min(most, len(queue)) for queue in sides])


def common(a: list[tuple], b: list[tuple]) -> Iterator[tuple[int, int]]:
    """A longest common subsequence that leaves out little, as index pairs, each as early as can be.

    What is left out before the last pair counts, if little: both sides go through a program's loop,
    and a turn of one must not be paired with a later turn of the other because that costs no pair.
    """
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        yield start, start
        start += 1
    numbers: dict[tuple, int] = {}
    x, y = ([numbers.setdefault(k, len(numbers)) for k in keys[start:]] for keys in (a, b))
    if not x or not y:
        return
    equal = np.array(x)[:, None] == np.array(y)
    worth = _worth(equal)
    i = j = 0
    while i < len(x) and j < len(y) and worth[i, j] > 0:
        if equal[i, j] and worth[i, j] == worth[i + 1, j + 1] + 1:
            yield start + i, start + j
            i, j = i + 1, j + 1
        elif worth[i, j] == worth[i + 1, j] - LEFT_OUT:
            i += 1
        else:
            j += 1


def _worth(equal: np.ndarray) -> np.ndarray:
    """worth[i, j]: the most pairs of x[i:] and y[j:], less LEFT_OUT for each item passed over."""
    rows, columns = equal.shape
    worth = np.zeros((rows + 1, columns + 1), np.float32)  # sixty-fourths of 512: exact
    toll = LEFT_OUT * np.arange(columns, dtype=np.float32)
    for i in range(rows - 1, -1, -1):
        best = np.maximum(worth[i + 1, :-1] - LEFT_OUT, (worth[i + 1, 1:] + 1) * equal[i])
        ahead = np.maximum.accumulate((best - toll)[::-1])[::-1] + toll
        worth[i, :-1] = np.maximum(ahead, 0)
    return worth


def _drop(sides: tuple[deque, deque], unpaired: Unpaired, counts: list[int]) -> None:
    for side, (queue, count) in enumerate(zip(sides, counts, strict=True)):
        for _ in range(count):
            unpaired.add(side, queue.popleft())


def _fill(queue: deque, source: Iterator[dict]) -> bool:
    """Fill the window; whether there may be more."""
    while len(queue) < WINDOW:
        record = next(source, None)
        if record is None:
            return False
        queue.append(record)
    return True


def key_of(record: dict) -> tuple:
    """What makes two records the same step: the op, its direction, its line, its first input's shape.

    (Helpers of an engine may call one op for one tensor or for all of them together.)
    """
    forward = record["way"] == "forward" and record["in"]
    shape = tuple(record["in"][0]["s"]) if forward else ()
    return record["way"], record["op"].rstrip("_"), record["at"].rpartition("/")[2], shape
