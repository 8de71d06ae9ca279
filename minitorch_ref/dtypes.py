"""The element types, and the rules by which two of them meet.

The one idea: torch ranks operands before it ranks types.  A tensor with dimensions outranks a 0-d
tensor, which outranks a Python number; the lower ranks only matter when they bring a higher
*category* (bool < integer < floating < complex).  `result_type` is that rule, and every op asks it
before its kernel runs, so that no kernel ever has to repair a type afterwards.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

# Categories, in the order in which they outrank each other.
BOOL, INTEGER, FLOATING, COMPLEX = range(4)
_CATEGORY = {"b": BOOL, "i": INTEGER, "u": INTEGER, "f": FLOATING, "c": COMPLEX}


class dtype:  # noqa: N801 - torch's own name
    """An element type.  `np` is the NumPy type that carries it; `legacy` names `torch.<legacy>`."""

    __slots__ = ("name", "np", "legacy", "title", "category", "__weakref__")

    def __init__(self, name: str, np_name: str, legacy: str, title: str) -> None:
        self.name = name
        self.np = np.dtype(np_name)
        self.legacy = legacy
        self.title = title  # the word torch's error messages use: "Float", "Long", ...
        self.category = _CATEGORY[self.np.kind]

    @property
    def is_floating_point(self) -> builtins.bool:
        return self.category == FLOATING

    @property
    def is_complex(self) -> builtins.bool:
        return self.category == COMPLEX

    @property
    def is_signed(self) -> builtins.bool:
        return self.np.kind in "ifc"

    @property
    def itemsize(self) -> builtins.int:
        return self.np.itemsize

    def to_real(self) -> dtype:
        """The type of a complex type's parts; any other type is its own."""
        return {"complex64": float32, "complex128": float64}.get(self.name, self)

    def to_complex(self) -> dtype:
        """The complex type whose parts have this type."""
        if self.category == COMPLEX:
            return self
        return complex128 if self is float64 else complex64

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return "bool_" if self.name == "bool" else self.name

    def __copy__(self) -> dtype:
        return self

    def __deepcopy__(self, memo: Any) -> dtype:
        return self


class _UnsupportedDtype(dtype):
    """A torch type that NumPy cannot hold.  It can be named and compared, never stored."""

    def __init__(self, name: str) -> None:
        self.name, self.legacy, self.title = name, "BFloat16Tensor", "BFloat16"
        self.category = FLOATING

    @property
    def np(self) -> np.dtype:  # type: ignore[override]
        raise TypeError(
            f"torch.{self.name} is not supported: NumPy has no such type; "
            "use torch.float16 (same size) or torch.float32 (same range)"
        )

    itemsize = property(lambda self: 2)  # type: ignore[assignment]
    is_signed = property(lambda self: True)  # type: ignore[assignment]


bool_ = dtype("bool", "?", "BoolTensor", "Bool")
uint8 = dtype("uint8", "u1", "ByteTensor", "Byte")
int8 = dtype("int8", "i1", "CharTensor", "Char")
int16 = dtype("int16", "i2", "ShortTensor", "Short")
int32 = dtype("int32", "i4", "IntTensor", "Int")
int64 = dtype("int64", "i8", "LongTensor", "Long")
float16 = dtype("float16", "f2", "HalfTensor", "Half")
float32 = dtype("float32", "f4", "FloatTensor", "Float")
float64 = dtype("float64", "f8", "DoubleTensor", "Double")
complex64 = dtype("complex64", "c8", "ComplexFloatTensor", "ComplexFloat")
complex128 = dtype("complex128", "c16", "ComplexDoubleTensor", "ComplexDouble")
bfloat16 = _UnsupportedDtype("bfloat16")

half, float_, double = float16, float32, float64
short, int_, long = int16, int32, int64
cfloat, cdouble = complex64, complex128

ALL = (
    bool_, uint8, int8, int16, int32, int64, float16, float32, float64, complex64, complex128
)  # fmt: skip
BY_NAME = {d.name: d for d in ALL}
BY_LEGACY = {f"torch.{d.legacy}": d for d in ALL}
# Several NumPy type characters share one size ('l' and 'q' are both int64), hence both spellings.
_BY_NUMPY = {d.np: d for d in ALL}
BY_CHAR = {c: _BY_NUMPY[np.dtype(c)] for c in "?bBhilqefdFD"}


def of_array(array: np.ndarray) -> dtype:
    """The dtype of a NumPy array.  Raises TypeError for a type that torch lacks."""
    try:
        return BY_CHAR[array.dtype.char]
    except KeyError:
        raise TypeError(
            f"can't convert np.ndarray of type {array.dtype}. The only supported types are: "
            "float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint8, "
            "and bool."
        ) from None


# ---- the default dtype -------------------------------------------------------------------------

_default = [float32]


def get_default_dtype() -> dtype:
    """The floating type that Python floats, and integers turned into fractions, become."""
    return _default[0]


def set_default_dtype(d: dtype) -> None:
    """Make `d` the default floating type.  Raises TypeError if it is not a floating type."""
    if not isinstance(d, dtype):
        raise TypeError(f"invalid dtype object: expected a torch.dtype, got {type(d).__name__}")
    if not d.is_floating_point:
        raise TypeError(
            f"only floating-point types are supported as the default type, but got {d!r}"
        )
    _default[0] = d


# ---- promotion ---------------------------------------------------------------------------------


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest type that both types can be turned into, by torch's lattice."""
    if type1 is type2:
        return type1
    low, high = sorted((type1, type2), key=lambda d: d.category)
    if low.category == high.category:
        return BY_CHAR[np.promote_types(low.np, high.np).char]
    if high.category == COMPLEX and low is float64:
        return complex128
    return high  # unlike NumPy: an integer never widens a floating type


def can_cast(from_: dtype, to: dtype) -> builtins.bool:
    """Whether torch lets a result of type `from_` be written into a tensor of type `to`."""
    return from_.category <= to.category


def dtype_of_number(value: Any) -> dtype:
    """The type a Python or NumPy number brings into an operation."""
    if isinstance(value, (builtins.bool, np.bool_)):
        return bool_
    if isinstance(value, (builtins.int, np.integer)):
        return int64
    if isinstance(value, (builtins.float, np.floating)):
        return _default[0]
    if isinstance(value, (builtins.complex, np.complexfloating)):
        return _default[0].to_complex()
    raise TypeError(f"expected a Tensor or a number, but got {type(value).__name__}")


def _outrank(higher: dtype | None, lower: dtype | None) -> dtype | None:
    """The type two ranks of operands give together: the higher rank wins within a category."""
    if higher is None or lower is None:
        return higher or lower
    if higher.category == COMPLEX:
        return higher
    if higher.category == FLOATING:
        return higher.to_complex() if lower.category == COMPLEX else higher
    if higher.category == BOOL or lower.category >= FLOATING:
        return promote_types(higher, lower)
    return higher


def result_type(*operands: Any) -> dtype:
    """The dtype of an op over `operands` (tensors and Python numbers), as torch promotes them."""
    with_dims = zero_dim = number = None
    for x in operands:
        array = getattr(x, "_array", None)
        if array is None:
            d = dtype_of_number(x)
            number = d if number is None else promote_types(number, d)
        elif array.ndim:
            d = BY_CHAR[array.dtype.char]
            with_dims = d if with_dims is None else promote_types(with_dims, d)
        else:
            d = BY_CHAR[array.dtype.char]
            zero_dim = d if zero_dim is None else promote_types(zero_dim, d)
    result = _outrank(with_dims, _outrank(zero_dim, number))
    if result is None:
        raise TypeError("result_type() needs at least one tensor or number")
    return result


def to_floating(d: dtype) -> dtype:
    """`d` itself if it can hold fractions, else the default floating type."""
    return d if d.category >= FLOATING else _default[0]


# ---- numeric limits ----------------------------------------------------------------------------


class finfo:  # noqa: N801 - torch's own name
    """Limits of a floating type: bits, eps, max, min, tiny, smallest_normal, resolution."""

    def __init__(self, type: dtype | None = None) -> None:  # noqa: A002 - torch's keyword
        type = _default[0] if type is None else type
        if type.category < FLOATING:
            raise TypeError(
                f"torch.finfo() requires a floating point input type. "
                f"Use torch.iinfo to handle '{type.name}'"
            )
        info = np.finfo(type.to_real().np)
        self.dtype = type.to_real().name
        self.bits = info.bits
        self.eps, self.max, self.min = float(info.eps), float(info.max), float(info.min)
        self.tiny = self.smallest_normal = float(info.smallest_normal)
        self.resolution = 10.0**-info.precision

    def __repr__(self) -> str:
        fields = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        shown = ", ".join(f"{f}={getattr(self, f):g}" for f in fields)
        return f"finfo({shown}, dtype={self.dtype})"


class iinfo:  # noqa: N801 - torch's own name
    """Limits of an integer type: bits, max, min."""

    def __init__(self, type: dtype) -> None:  # noqa: A002 - torch's keyword
        if type.category != INTEGER:
            raise TypeError(
                f"torch.iinfo() requires an integer input type. "
                f"Use torch.finfo to handle '{type.name}'"
            )
        info = np.iinfo(type.np)
        self.dtype, self.bits = type.name, info.bits
        self.max, self.min = builtins.int(info.max), builtins.int(info.min)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
