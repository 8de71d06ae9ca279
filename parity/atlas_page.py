"""The atlas as a page, as JSON, and as a table on the terminal.

The page carries the records as JSON and draws them itself (templates/plots.js): the maps are a few
letters each, so the whole atlas is one small file that works without a server or a network.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from . import atlas, atlas_points
from .accuracy_cases import SAME
from .session import write_atomically
from .values import LIMIT


def embedded(records: list[dict[str, Any]]) -> dict[str, Any]:
    """What a page needs to draw `records`."""
    types = sorted({r["dtype"] for r in records if r["dtype"].startswith("float")})
    ticks = {name: atlas_points.ticks(np.dtype(name)) for name in types}
    return {"records": [atlas._short(r) for r in records], "ticks": ticks, "same": SAME}


def keeps(record: dict[str, Any]) -> bool:
    """Whether our worst error is no larger than torch's, or 2 ULP."""
    ours, theirs = record["ours"], record["theirs"]
    return ours["worst"] <= max(theirs["worst"], LIMIT) and ours["wrong"] <= theirs["wrong"]


def render(data: dict[str, Any]) -> str:
    """The page as HTML."""
    from .report import environment

    records = data["records"]
    return (
        environment()
        .get_template("atlas.html.j2")
        .render(
            **data,
            embedded=embedded(records),
            functions=len({r["name"] for r in records}),
            points=sum(r["points"] for r in records),
            closer=sum(keeps(r) for r in records),
        )
    )


def write(data: dict[str, Any], folder: Path) -> Path:
    """Write atlas.html and atlas.json into `folder`; the page's path."""
    page = folder / "atlas.html"
    html = render(data)
    write_atomically(folder / "atlas.json", atlas.as_json(data))
    write_atomically(page, html)
    return page


def show(records: Iterable[dict[str, Any]], limit: int = 10) -> None:
    """The records that break the contract, and the largest errors of both sides."""
    from rich.console import Console
    from rich.table import Table

    records = list(records)
    console = Console(width=None if Console().is_terminal else 130)
    beyond = sorted((r for r in records if not keeps(r)), key=lambda r: -r["ours"]["worst"])
    for title, rows in (
        (f"{len(beyond)} of {len(records)} beyond 2 ULP and torch's own worst", beyond),
        ("our largest errors", sorted(records, key=lambda r: -r["ours"]["worst"])),
        ("torch's largest errors", sorted(records, key=lambda r: -r["theirs"]["worst"])),
    ):
        table = Table(title=f"{title}, in ULP: worst (99 %) and wrong in kind", title_justify="left")
        for name in ("function", "part", "type", "ours", "torch", "our worst at"):
            table.add_column(name, justify="right" if name in ("ours", "torch") else "left")
        for r in rows[:limit]:
            table.add_row(
                r["name"], r["part"], r["dtype"], *(_text(r[s]) for s in ("ours", "theirs")), r["at"]
            )  # fmt: skip
        if rows:
            console.print(table)


def _text(side: dict[str, Any]) -> str:
    wrong = f" {side['wrong']} wrong" if side["wrong"] else ""
    return f"{side['worst']:.3g} ({side['p99']:.2g}){wrong}"
