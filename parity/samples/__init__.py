"""parity's cases as data: one row per op, multiplied into samples.

`ROWS[(namespace, name)]` is everything known about an op; `samples_for(key)` lists what to run.
"""

from __future__ import annotations

from . import (
    creation,
    decompositions,
    distributions,
    extras,
    functional,
    indexing,
    linear,
    native,
    others,
    pointwise,
    recurrent,
    reduction,
    sequences,
    shaping,
    solving,
    special,
    spectral,
)
from .expand import samples_of
from .spec import Row, Sample

TABLES = (
    pointwise, reduction, shaping, indexing, creation, linear, decompositions, solving,
    functional, native, extras, special, spectral, others, recurrent, sequences,
    distributions,
)  # fmt: skip

ROWS: dict[tuple[str, str], Row] = {}
for _table in TABLES:
    _twice = ROWS.keys() & _table.ROWS.keys()
    if _twice:
        raise ValueError(f"more than one table has a row for {sorted(_twice)}")
    ROWS.update(_table.ROWS)


def row_for(key: tuple[str, str]) -> Row | None:
    """The row of an op; method-only ops, which registries keep under "Tensor", share torch's."""
    namespace, name = key
    return ROWS.get(("torch", name) if namespace == "Tensor" else key)


def samples_for(key: tuple[str, str]) -> list[Sample]:
    """The samples of the op `key` = (namespace, name); an empty list when it has no row."""
    row = row_for(key)
    return [] if row is None else list(samples_of(row))
