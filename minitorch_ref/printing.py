"""Torch's text for a tensor: `tensor_repr`, and the options that `set_printoptions` changes.

The idea: one pass over the shown values chooses a `NumberFormat` (whole numbers, fixed point or
scientific, and the common width), and a recursion over the dims lays the formatted values out.
The rules for choosing are those of `torch/_tensor_str.py`; all arithmetic on the values is done on
float64 copies, where every float16 and float32 is exact.  Everything below `tensor_repr` takes
plain arrays.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np

from . import dtypes

# --- options -----------------------------------------------------------------------------------


@dataclasses.dataclass
class PrintOptions:
    """What `set_printoptions` sets; `sci_mode=None` lets the values decide."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES: dict[str, dict[str, float]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}

_options = PrintOptions()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: Literal["default", "short", "full"] | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print; `profile` first, then the values given explicitly.

    As in torch, `sci_mode` is always set: leaving it out returns the choice to the values.
    An unknown profile is ignored, as torch ignores it.
    """
    changes: dict[str, Any] = dict(_PROFILES.get(profile or "", {}))
    given = {"precision": precision, "threshold": threshold,
             "edgeitems": edgeitems, "linewidth": linewidth}  # fmt: skip
    changes.update((name, value) for name, value in given.items() if value is not None)
    for name, value in changes.items():
        setattr(_options, name, value)
    _options.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """The current options, as keywords for `set_printoptions`."""
    return dataclasses.asdict(_options)


@contextmanager
def printoptions(**kwargs: Any) -> Iterator[None]:
    """`set_printoptions(**kwargs)` for the length of a `with` block."""
    before = get_printoptions()
    set_printoptions(**kwargs)
    try:
        yield
    finally:
        set_printoptions(**before)


# --- one number --------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class NumberFormat:
    """How every value of one tensor prints.

    `kind`: "exact" (integers and bools), "whole" (floats without fraction: `3.`), "fixed", "sci".
    """

    kind: Literal["exact", "whole", "fixed", "sci"]
    precision: int
    width: int = 1

    def text(self, value: float) -> str:
        """`value` right-aligned in the common width (zeros and non-finite values may exceed it)."""
        return self.bare(value).rjust(self.width)

    def bare(self, value: float) -> str:
        if self.kind == "exact":
            return str(value)
        if self.kind == "sci":
            return f"{value:.{self.precision}e}"
        if self.kind == "fixed":
            return f"{value:.{self.precision}f}"
        # The point is what tells a float tensor of whole numbers from an int tensor.
        return f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"


def choose_format(values: np.ndarray) -> NumberFormat:
    """The format that suits `values` (real, any shape): torch's rules.

    Zeros and non-finite values have no say; the other floats print in scientific notation when
    they span more than three decades, exceed 1e8 or fall below 1e-4.
    """
    precision = _options.precision
    if values.dtype.kind != "f":
        return _fit(NumberFormat("exact", precision), values.reshape(-1))
    exact = values.reshape(-1).astype(np.float64)
    telling = exact[np.isfinite(exact) & (exact != 0)]
    if telling.size == 0:
        return NumberFormat("whole", precision)
    if _options.sci_mode if _options.sci_mode is not None else _needs_exponent(telling):
        kind: Literal["whole", "fixed", "sci"] = "sci"
    else:
        kind = "whole" if (telling == np.ceil(telling)).all() else "fixed"
    return _fit(NumberFormat(kind, precision), telling)


def _needs_exponent(telling: np.ndarray) -> bool:
    magnitudes = np.abs(telling)
    low, high = magnitudes.min(), magnitudes.max()
    with np.errstate(over="ignore"):  # 1e300 / 5e-324
        return bool(high / low > 1000.0 or high > 1.0e8 or low < 1.0e-4)


def _fit(number: NumberFormat, values: np.ndarray) -> NumberFormat:
    width = max((len(number.bare(value)) for value in values.tolist()), default=1)
    return dataclasses.replace(number, width=max(1, width))


@dataclasses.dataclass(frozen=True)
class ComplexFormat:
    """Real and imaginary parts each have a format of their own."""

    real: NumberFormat
    imag: NumberFormat

    @property
    def width(self) -> int:
        return self.real.width + self.imag.width + 1  # the final j

    def text(self, value: complex) -> str:
        imag = self.imag.text(value.imag).lstrip() + "j"
        sign = "" if imag[0] in "+-" else "+"
        return self.real.text(value.real) + sign + imag


# --- the layout --------------------------------------------------------------------------------


def array_text(array: np.ndarray, indent: int) -> str:
    """The bracketed values of `array`, continued lines indented by `indent` columns.

    Arrays of more than `threshold` elements show `edgeitems` at both ends of every dim.
    """
    if array.size == 0:
        return "[]"
    summarize = array.size > _options.threshold
    shown = _edges(array) if summarize else array
    number: NumberFormat | ComplexFormat
    if array.dtype.kind == "c":
        number = ComplexFormat(choose_format(shown.real), choose_format(shown.imag))
    else:
        number = choose_format(shown)
    return _layout(array, indent, summarize, number)


def _edges(array: np.ndarray) -> np.ndarray:
    """The part of a summarised array that is shown."""
    edge = _options.edgeitems
    for dim, size in enumerate(array.shape):
        if size > 2 * edge:
            index = np.concatenate([np.arange(edge), np.arange(size - edge, size)])
            array = np.take(array, index, axis=dim)
    return array


def _layout(
    array: np.ndarray, indent: int, summarize: bool, number: NumberFormat | ComplexFormat
) -> str:
    if array.ndim == 0:
        return number.text(array.item())
    edge = _options.edgeitems
    cut = summarize and len(array) > 2 * edge
    ends = [array[:edge], array[len(array) - edge :]] if cut else [array]
    if array.ndim == 1:
        parts = [[number.text(value) for value in end.tolist()] for end in ends]
        # torch's blank before the dots, except where nothing but the dots is shown
        return _lines(_join(parts, " ..." if edge else "..."), indent, number.width)
    parts = [[_layout(row, indent + 1, summarize, number) for row in end] for end in ends]
    separator = "," + "\n" * (array.ndim - 1) + " " * (indent + 1)
    return "[" + separator.join(_join(parts, "...")) + "]"


def _join(parts: list[list[str]], dots: str) -> list[str]:
    return parts[0] if len(parts) == 1 else [*parts[0], dots, *parts[1]]


def _lines(values: list[str], indent: int, width: int) -> str:
    """A row, broken where the next value (with its comma and blank) would pass the line width."""
    per_line = max(1, math.floor((_options.linewidth - indent) / (width + 2)))
    rows = [", ".join(values[i : i + per_line]) for i in range(0, len(values), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(rows) + "]"


# --- the whole text ----------------------------------------------------------------------------


def tensor_repr(t: Any) -> str:
    """`repr` of a tensor: values, then size, dtype, grad_fn or requires_grad where they tell more.

    `t` needs `_array`, `dtype`, `grad_fn` (None or a node with a name) and `requires_grad`.
    """
    name = "tensor" if _is_plain(t) else type(t).__name__
    prefix = name + "("
    suffixes = value_suffixes(t._array, t.dtype)
    history = _grad_fn_name(t)
    if history is not None:
        suffixes.append(f"grad_fn=<{history}>")
    elif t.requires_grad:
        suffixes.append("requires_grad=True")
    return _add_suffixes(prefix + array_text(t._array, len(prefix)), suffixes, len(prefix))


def parameter_repr(t: Any) -> str:
    """`repr` of an nn.Parameter."""
    return "Parameter containing:\n" + tensor_repr(t)


def value_suffixes(array: np.ndarray, dtype: dtypes.dtype) -> list[str]:
    """The suffixes that say what the values alone do not: size of an empty tensor, odd dtypes."""
    default = dtypes.get_default_dtype()
    implied = {default, dtypes.int64, dtypes.bool_}
    implied.add(dtypes.complex128 if default == dtypes.float64 else dtypes.complex64)
    suffixes = []
    if array.size == 0:
        implied = {default}  # no element shows whether these are ints
        if array.ndim != 1:
            suffixes.append(f"size={array.shape}")
    elif not _options.edgeitems:
        suffixes.append(f"size={array.shape}")
    if dtype not in implied:
        suffixes.append(f"dtype={dtype!r}")
    return suffixes


def _is_plain(t: Any) -> bool:
    """Tensor and Parameter print as `tensor(`; other subclasses under their own name."""
    return type(t).__name__ in ("Tensor", "Parameter") and type(t).__module__.startswith(
        __package__ or ""
    )


def _grad_fn_name(t: Any) -> str | None:
    try:
        node = t.grad_fn
    except RuntimeError:  # a view whose history an in-place write has made unusable
        return "Invalid"
    return None if node is None else node.name()


def _add_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    """Append `, suffix` for each, on a new line wherever it would pass the line width."""
    column = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if column + len(suffix) + 2 > _options.linewidth:
            text += ",\n" + " " * indent + suffix
            column = indent + len(suffix)
        else:
            text += ", " + suffix
            column += len(suffix) + 2
    return text + ")"
