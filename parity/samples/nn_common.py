"""What the tables of nn.functional share: their namespace and their usual dtypes."""

from __future__ import annotations

from .spec import FLOATS, HALF, rows_with

NET = FLOATS + HALF

fun = rows_with("nn.functional", level="sum", dtypes=FLOATS + HALF + ("int64",))
