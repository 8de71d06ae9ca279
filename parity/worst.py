"""The ten largest errors of a run, by three yardsticks, and the ten largest distances without an oracle.

ulp     in units in the last place of the result.  Where terms cancel, what is left is small and so is
        its unit: such an entry is marked, with the ULP that roundings of its terms make of it.
plain   in the same units, only among results that are no cancellation (values.CANCELS).
share   as a share of what the sample's own data allow each element: 1 is the bound.
apart   in ULP apart from each other, in float64 where nothing can tell whose error it is.

What the ledger knows is left out: it is in the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .outcome import OpResult
from .values import CANCELS

YARDSTICKS = {
    "ulp": "in ULP, cancellations included",
    "plain": "in ULP, where nothing cancels",
    "share": "as a share of the bound",
}
APART = "in ULP apart, in float64 where there is no oracle"
PREFIX = {"ulp": "", "plain": "plain_", "share": "share_"}
MOST = 10


@dataclass(frozen=True)
class Row:
    """One op by one yardstick; `ulp` is our error in ULP or, in torch's list, torch's."""

    op: str
    ours: float
    torch: float
    ulp: float
    condition: float

    @property
    def cancels(self) -> bool:
        """Whether the result with our largest error in ULP is a cancellation."""
        return self.condition > CANCELS

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers for the JSON result."""
        return {**vars(self), "cancels": self.cancels}


def ranking(results: Sequence[OpResult], yardstick: str, side: str) -> list[Row]:
    """The ten ops with the largest errors of `side` ("ours" or "theirs")."""
    prefix = PREFIX[yardstick]
    sizes = [(r.worst(prefix + side), r) for r in results]
    chosen = sorted((x for x in sizes if x[0]), key=lambda x: -x[0])[:MOST]
    return [
        Row(
            r.op.removeprefix("module."),
            r.worst(f"{prefix}ours"),
            r.worst(f"{prefix}theirs"),
            r.worst(side),
            r.condition(side),
        )
        for _, r in chosen
    ]


def apart(results: Sequence[OpResult]) -> list[tuple[str, float]]:
    """The ten ops whose results without an oracle are furthest from each other."""
    sizes = [(r.op.removeprefix("module."), r.worst("apart")) for r in results]
    return sorted((x for x in sizes if x[1]), key=lambda x: -x[1])[:MOST]


def as_dict(results: Sequence[OpResult]) -> dict[str, Any]:
    """All lists, for the JSON result."""
    return {
        "apart": [{"op": op, "ulp": ulp} for op, ulp in apart(results)],
        **_sides(results),
    }


def _sides(results: Sequence[OpResult]) -> dict[str, Any]:
    return {
        name: {
            "ours": [row.as_dict() for row in ranking(results, name, "ours")],
            "torch": [row.as_dict() for row in ranking(results, name, "theirs")],
        }
        for name in YARDSTICKS
    }


def number(value: float) -> str:
    """Three digits."""
    if value < 1e4:
        return f"{value:.3g}" if value < 1e3 else f"{value:,.0f}"
    return f"{value:.1e}".replace("e+0", "e").replace("e+", "e")


def tables(results: Sequence[OpResult]) -> list[Any]:
    """For the terminal: one table for each yardstick, our ten worst ops beside torch's."""
    return [_table(results, name, title) for name, title in YARDSTICKS.items()]


def _table(results: Sequence[OpResult], name: str, title: str) -> Any:
    from itertools import zip_longest

    from rich.table import Table

    table = Table(title=f"largest errors {title}: our ten worst ops and torch's", title_justify="left")
    extra = "ULP" if name == "share" else "roundings make"
    for column in ("op", "ours", "torch", extra, "", "op", "torch", "ours", extra):
        if column == extra and name == "plain":
            continue
        left = column in ("op", "")
        room = {"": 1, extra: 6 if name == "share" else 16}.get(column, 6)  # names give way, not numbers
        table.add_column(
            column, justify="left" if left else "right", no_wrap=True, min_width=room,
            max_width=27 if column == "op" else None,
        )  # fmt: skip
    columns = []
    for side in ("ours", "theirs"):
        rows = ranking(results, name, side)
        pairs = [(r, (r.ours, r.torch) if side == "ours" else (r.torch, r.ours)) for r in rows]
        columns.append([(r.op, *map(number, pair), *_extra(r, name)) for r, pair in pairs])
    blank = ("",) * (3 if name == "plain" else 4)
    for ours, theirs in zip_longest(*columns, fillvalue=blank):
        table.add_row(*ours, "", *theirs)
    return table


def _extra(row: Row, name: str) -> list[str]:
    if name == "share":
        return [number(row.ulp)]
    return [f"cancels: {number(row.condition)}" if row.cancels else ""] if name == "ulp" else []
