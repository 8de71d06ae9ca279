"""The language in which parity's cases are written: arguments as recipes, calls, rows.

A tensor argument is an `Arr`: shape, dtype, domain of values, memory layout.  It holds no data.
`parity.samples.materialise` turns it into a NumPy array whose values depend on nothing but the
op, the note of the sample and the argument's position, so a sample is small, printable, picklable
and the same in every process; each engine then wraps the same bytes with `from_numpy`.

A `Row` is all that parity knows about one op: its calls, written once.  `expand.py` multiplies
them by dtypes, layouts and special values, so adding an op is adding a row.

Python floats in calls must be exact in float16 (0.5, 1.25, …): the float64 oracle sees the same
number as the float32 op.  A test holds every row to that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypedDict, Unpack

FLOATS = ("float32", "float64")
HALF = ("float16",)
COMPLEX = ("complex64", "complex128")
INTS = ("uint8", "int8", "int16", "int32", "int64")
BOOL = ("bool",)
REAL = FLOATS + HALF + INTS
ALL = REAL + BOOL + COMPLEX
INEXACT = FLOATS + HALF + COMPLEX
Domain = str | tuple[float, float]  # a name (materialise.py), or an interval
LAYOUTS = ("transposed", "sliced", "expanded", "offset")


@dataclass(frozen=True)
class Arr:
    """A tensor argument: `dtype` None means the dtype that the sample is made for."""

    shape: tuple[int, ...] = ()
    dtype: str | None = None
    domain: Domain = "any"
    layout: str = "contiguous"
    values: Any = None
    grad: bool = True

    def __repr__(self) -> str:
        parts = [f"{list(self.shape)}" if self.values is None else f"{self.values}"]
        parts += [self.dtype or "·"]
        parts += [str(self.domain)] if self.domain != "any" and self.values is None else []
        parts += [self.layout] if self.layout != "contiguous" else []
        return f"<{' '.join(parts)}>"


@dataclass(frozen=True)
class Sym:
    """A name to look up on the engine's namespace: a dtype, `strided`, `inf`, …"""

    path: str

    def __repr__(self) -> str:
        return self.path


@dataclass(frozen=True)
class Gen:
    """A random generator seeded with `seed`."""

    seed: int


@dataclass(frozen=True)
class Raw:
    """The NumPy array of a recipe, handed over as it is."""

    arr: Arr


@dataclass(frozen=True)
class Call:
    """Positional and keyword arguments of one call, and a note that names it in reports.

    only: the dtypes it runs in, if not those of its row.  grad: False for a forward-only call.
    """

    args: tuple = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    only: tuple[str, ...] | None = None
    grad: bool = True


@dataclass(frozen=True)
class Row:
    """One op: how it is called well and badly, and how exact it must be.

    level: "exact"  bit-identical to torch
           "ulp"    oracle level, elementwise: within 2 ULP, or no worse than torch
           "sum"    oracle level with the bound γₙ·(|J||x|) of a sum over n terms besides
           "factorization"  the same in norm, γₙ·(‖J‖‖A‖ + ‖y‖): backward-stable matrix algorithms
    complex_level: the level for complex results where it differs (complex × and ÷ round inside).
    depth: roundings between an input and the output that are not part of a sum (level "sum").
    dtypes: what the first two calls are repeated for; the other calls use `few`.
    grad: False where torch defines none, or where a gradient makes no sense.
    form: "method" where the function of that name is something else (`torch.dtype`).
    random: seed both engines before each call and compare where the streams stand after it.
    gauge: how outputs that are defined up to a phase or an order are made comparable (gauge.py).
    """

    name: str
    calls: tuple[Call, ...]
    bad: tuple[Call, ...] = ()
    namespace: str = "torch"
    level: str = "exact"
    complex_level: str = ""
    dtypes: tuple[str, ...] = ALL
    few: tuple[str, ...] = FLOATS
    grad: bool = True
    second: bool = True
    random: bool = False
    depth: int = 4
    layouts: bool = True
    special: bool = True
    family: str = ""
    form: str = ""
    gauge: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.namespace, self.name


class Options(TypedDict, total=False):
    """What a table may say of a row besides its calls: see Row."""

    level: str
    complex_level: str
    dtypes: tuple[str, ...]
    few: tuple[str, ...]
    grad: bool
    second: bool
    random: bool
    depth: int
    layouts: bool
    special: bool
    form: str
    gauge: str


@dataclass(frozen=True)
class Sample:
    """One call for one dtype: what the engines run."""

    namespace: str
    name: str
    note: str
    args: tuple
    kwargs: dict[str, Any]
    dtype: str
    bad: bool = False
    grad: bool = True
    second: bool = True
    kind: str = "call"
    gauge: str = ""

    @property
    def op(self) -> str:
        return self.name if self.namespace == "torch" else f"{self.namespace}.{self.name}"

    def __str__(self) -> str:
        words = [repr(a) for a in self.args] + [f"{k}={v!r}" for k, v in self.kwargs.items()]
        return f"{self.op}({', '.join(words)}) [{self.note}]"


# ---- short spellings for the tables --------------------------------------------------------------


def X(*shape: int, domain: Domain = "any", layout: str = "contiguous", grad: bool = True) -> Arr:
    """A tensor of the sample's own dtype."""
    return Arr(shape, None, domain, layout, None, grad)


def F(*shape: int, dtype: str = "float32", domain: Domain = "any", grad: bool = True) -> Arr:
    """A floating tensor whatever the sample's dtype."""
    return Arr(shape, dtype, domain, "contiguous", None, grad)


def I(*shape: int, low: int = 0, high: int = 4, dtype: str = "int64") -> Arr:  # noqa: E743
    """An integer tensor with values low … high−1."""
    return Arr(shape, dtype, (low, high - 1), "contiguous", None, False)


def B(*shape: int) -> Arr:
    """A boolean tensor."""
    return Arr(shape, "bool", "any", "contiguous", None, False)


def L(values: Any, dtype: str | None = None, grad: bool = True) -> Arr:
    """A tensor of the literal `values`, in the sample's dtype unless one is given."""
    return Arr((), dtype, "any", "contiguous", values, grad)


def D(name: str) -> Sym:
    """A dtype by name."""
    return Sym(name)


def call(*args: Any, note: str = "", **kwargs: Any) -> Call:
    """A call of the op."""
    return Call(args, kwargs, note)


def only(dtypes: tuple[str, ...], wanted: Call, grad: bool = True) -> Call:
    """`wanted` run in `dtypes` alone, whatever its row says."""
    return replace(wanted, only=dtypes, grad=wanted.grad and grad)


def forward(wanted: Call) -> Call:
    """`wanted` without gradients."""
    return replace(wanted, grad=False)


def row(name: str, *calls: Call, bad: Sequence[Call] = (), **options: Unpack[Options]) -> Row:
    """A table row; a dotted name carries its namespace (`linalg.norm`, `nn.functional.relu`)."""
    namespace, _, last = name.rpartition(".")
    return Row(last, calls, tuple(bad), namespace or "torch", **options)


class RowMaker(Protocol):
    """`row`, or a function like it."""

    def __call__(
        self, name: str, *calls: Call, bad: Sequence[Call] = (), **options: Unpack[Options]
    ) -> Row: ...


def rows_with(namespace: str = "", **usual: Unpack[Options]) -> RowMaker:
    """`row` for a family of ops: in a namespace, with defaults of its own."""
    prefix = f"{namespace}." if namespace else ""

    def make(
        name: str, *calls: Call, bad: Sequence[Call] = (), **options: Unpack[Options]
    ) -> Row:
        every: Options = {**usual, **options}
        return row(prefix + name, *calls, bad=bad, **every)

    return make


def table(family: str, rows: list[Row]) -> dict[tuple[str, str], Row]:
    """Rows by (namespace, name), each stamped with its family's name."""
    found = {r.key: replace(r, family=family) for r in rows}
    if len(found) != len(rows):
        names = [r.key for r in rows]
        raise ValueError(
            f"{family}: more than one row for {sorted({k for k in names if names.count(k) > 1})}"
        )
    return found
