"""What the tables of nn.functional share: their namespace and their usual dtypes."""

from __future__ import annotations

from .spec import FLOATS, HALF, Call, Row, row

NET = FLOATS + HALF
INFERIOR = FLOATS + HALF + ("int64",)


def fun(name: str, *calls: Call, bad: tuple = (), **options: object) -> Row:
    return row(
        f"nn.functional.{name}", *calls, bad=bad, **{"level": "sum", "dtypes": INFERIOR, **options}
    )
