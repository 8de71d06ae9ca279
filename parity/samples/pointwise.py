"""Cases of the pointwise ops: unary functions with their domain, binary and ternary functions.

Binary ops run the whole promotion table: every pair of dtypes for tensor with tensor, tensor with
0-d tensor, and every dtype with each kind of Python scalar.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from .spec import (
    ALL,
    BOOL,
    COMPLEX,
    FLOATS,
    HALF,
    INEXACT,
    INTS,
    REAL,
    Arr,
    B,
    Call,
    D,
    Domain,
    F,
    I,
    L,
    Options,
    Row,
    X,
    call,
    forward,
    only,
    row,
    table,
)

# fmt: off
NO_TENSOR = [call("a"), call(), call([1.0, 2.0])]


def unary(name: str, domain: Domain = "any", extra: Sequence[Call] = (),
          **options: Unpack[Options]) -> Row:
    """A function of one tensor, on `domain`; with "any", over the whole float range too."""
    reach = [forward(call(X(96, domain="wide"), note="whole range"))] if domain == "any" else []
    every: Options = {"level": "ulp", "complex_level": "ulp", **options}
    return row(name, call(X(3, 4, domain=domain)), call(X(domain=domain)),
        call(X(0, 3, domain=domain)),
               call(X(1, domain=domain)), call(X(2, 1, 3, domain=domain)),
               call(X(96, domain=domain)), *reach, *extra, bad=NO_TENSOR, **every)


def promotions() -> list[Call]:
    """Two-element calls over every pair of dtypes and every kind of Python scalar.

    Half with a complex scalar gives torch's complex32, which NumPy has not got: left out.
    """
    pos = "positive"
    pairs = [call(Arr((2,), a, pos), Arr((2,), b, pos)) for a in ALL for b in ALL]
    pairs += [call(Arr((2,), a, pos),
        Arr((), b, pos)) for a in ALL for b in ALL if a != b and not _complex32(a, b)]
    pairs += [call(Arr((), a, pos),
        Arr((2,), b, pos)) for a in ALL for b in ALL if a != b and not _complex32(b, a)]
    pairs += [call(Arr((40,), "float16", pos), Arr((), "float32", pos)),
        call(Arr((), "float32", pos), Arr((40,), "float16", pos))]
    for shape in ((2,), ()):
        pairs += [call(Arr(shape, a, pos), s) for a in ALL for s in (True, 2, 0.5,
            1j) if a != "float16" or s != 1j]
    return [forward(c) for c in pairs]


def _complex32(dim: str, zero_dim: str) -> bool:
    return dim == "float16" and zero_dim in COMPLEX


def special_pairs(dtypes: tuple[str, ...] = ("float32", "float64", "float16", "int32")) -> Call:
    """Every special value against every other."""
    return only(dtypes, call(X(22, 1, domain="special"), X(22, domain="special"),
        note="special pairs"), grad=False)


def binary(name: str, domain: Domain = "any", pairs: Call | None = None, scalar: bool = True,
           extra: Sequence[Call] = (), bad: Sequence[Call] = (),
           **options: Unpack[Options]) -> Row:
    """A function of two tensors that broadcast."""
    x = X(3, 4, domain=domain)
    scalars = [call(x, 2), call(x, 0.5)] if scalar else []
    scalars += [call(2, x), call(0.5, x)] if scalar else []
    every: Options = {"level": "ulp", "complex_level": "ulp", "special": False, **options}
    return row(name, call(x, x), call(X(3, 1, domain=domain), X(4, domain=domain)),
               call(X(domain=domain), X(domain=domain)), call(X(0, 4, domain=domain),
                   X(1, domain=domain)),
               call(X(2, 3, 1, domain=domain), X(domain=domain)),
               call(X(1, domain=domain), X(2, 1, 3, domain=domain)),
               *scalars, *extra, pairs or special_pairs(), *promotions(),
               bad=[call(X(3, 4), X(5)), call(X(2, 3), X(3, 2)), call(X(3), "a"), call(X(3)), *bad],
               **every)


FLOAT_PAIRS = special_pairs(("float32", "float64", "float16"))
HYPER = (-4.0, 4.0)

UNARY = [
    unary("abs", level="exact"), unary("absolute", level="exact"), unary("neg", level="exact"),
    unary("negative", level="exact"), unary("positive", level="exact", complex_level="exact"),
    unary("ceil", level="exact"), unary("floor", level="exact"), unary("trunc", level="exact"),
    unary("fix", level="exact"), unary("round", level="exact",
        extra=tuple(only(FLOATS + HALF, call(X(3, 4), decimals=d)) for d in (1, -1, 0, 2, -3))
        + (only(INTS + BOOL + COMPLEX, call(X(3, 4), decimals=1), grad=False),
           only(FLOATS + HALF, call(X(22, domain="special"), decimals=2), grad=False))),
        unary("frac", level="exact"),
    unary("sign", level="exact"), unary("sgn", level="exact"),
    unary("signbit", level="exact", grad=False),
    unary("sqrt", "positive"), unary("rsqrt", "positive"), unary("square", level="exact"),
    unary("reciprocal", "nonzero", level="exact"), unary("relu", level="exact"),
    unary("exp", HYPER), unary("exp2", HYPER), unary("expm1", HYPER), unary("log", "positive"),
    unary("log2", "positive"), unary("log10", "positive"), unary("log1p", "positive"),
    unary("sin", (-7.0, 7.0)), unary("cos", (-7.0, 7.0)), unary("tan", (-1.4, 1.4)),
    unary("sinh", HYPER),
    unary("cosh", HYPER), unary("tanh", (-2.0, 2.0)), unary("asin", "unit"), unary("acos", "unit"),
    unary("atan"), unary("asinh"), unary("acosh", (1.1, 9.0)), unary("atanh", "unit"),
    unary("arcsin", "unit"), unary("arccos", "unit"), unary("arctan"), unary("arcsinh"),
    unary("arccosh", (1.1, 9.0)), unary("arctanh", "unit"), unary("sinc", (-3.0, 3.0)),
    unary("sigmoid", HYPER), unary("logit", "prob", dtypes=REAL + BOOL, extra=(
        call(X(3, 4, domain="prob"), eps=0.125), call(X(3, 4, domain="prob"), 0.25))),
        unary("deg2rad"), unary("rad2deg"),
    unary("erf", (-3.0, 3.0), dtypes=REAL + BOOL), unary("erfc", (-3.0, 3.0), dtypes=REAL + BOOL),
    unary("erfinv", "unit", dtypes=REAL + BOOL), unary("lgamma", (0.2, 8.0), dtypes=REAL + BOOL),
    unary("digamma", (0.2, 8.0), dtypes=REAL + BOOL), unary("i0", HYPER, dtypes=REAL + BOOL),
    unary("angle"), unary("conj", level="exact", complex_level="exact"),
    unary("conj_physical", level="exact", complex_level="exact"),
    unary("real", level="exact", complex_level="exact"),
    unary("resolve_conj", level="exact", complex_level="exact"),
    unary("resolve_neg", level="exact", complex_level="exact"),
    unary("imag", level="exact", complex_level="exact", dtypes=COMPLEX + FLOATS, few=COMPLEX),
    unary("logical_not", level="exact", grad=False),
    unary("bitwise_not", level="exact", grad=False),
    unary("isfinite", level="exact", grad=False), unary("isinf", level="exact", grad=False),
    unary("isnan", level="exact", grad=False), unary("isposinf", level="exact", grad=False),
    unary("isneginf", level="exact", grad=False), unary("isreal", level="exact", grad=False),
    unary("special.expit", HYPER), unary("special.exp2", HYPER), unary("special.expm1", HYPER),
    unary("special.erf", (-3.0, 3.0)), unary("special.erfc", (-3.0, 3.0)),
    unary("special.erfinv", "unit"),
    unary("special.gammaln", (0.2, 8.0)), unary("special.digamma", (0.2, 8.0)),
    unary("special.psi", (0.2, 8.0)),
    unary("special.log1p", "positive"), unary("special.sinc", (-3.0, 3.0)),
    unary("special.round", level="exact"),
    unary("special.i0", HYPER), unary("special.i0e", HYPER), unary("special.i1", HYPER),
    unary("special.i1e", HYPER),
    unary("special.logit", "prob"), unary("special.ndtr", (-3.0, 3.0)),
    unary("special.ndtri", "prob"),
    unary("special.log_ndtr", (-3.0, 3.0)), unary("special.entr", "positive"),
    unary("special.erfcx", (-2.0, 3.0)),
    unary("special.bessel_j0", (0.1, 9.0), grad=False),
    unary("special.bessel_j1", (0.1, 9.0), grad=False),
    unary("special.bessel_y0", (0.1, 9.0), grad=False),
    unary("special.bessel_y1", (0.1, 9.0), grad=False),
    unary("special.modified_bessel_i0", HYPER, grad=False),
    unary("special.modified_bessel_i1", HYPER, grad=False),
    unary("special.modified_bessel_k0", (0.1, 4.0), grad=False),
    unary("special.modified_bessel_k1", (0.1, 4.0), grad=False),
    unary("special.scaled_modified_bessel_k0", (0.1, 4.0), grad=False),
    unary("special.scaled_modified_bessel_k1", (0.1, 4.0), grad=False),
    unary("special.spherical_bessel_j0", (0.1, 4.0), grad=False),
    unary("special.airy_ai", (-3.0, 3.0), grad=False),
]

INT_PAIRS = special_pairs(("int32", "int64", "uint8", "bool"))
BITS = INTS + BOOL


def bits(name: str) -> Row:
    """Bitwise functions: integers and bools only; the float dtypes must be refused."""
    return binary(name, (0.0, 7.0), level="exact", dtypes=BITS + FLOATS, few=("int32", "int64"),
        grad=False, pairs=INT_PAIRS)


POWERS = (-2, -1, -0.5, 0, 0.5, 1, 1.5, 3, 5, True)
_WHOLE = ("int64", "uint8", "int8")
ALPHA = (
    call(X(96), X(96), alpha=0.75), call(X(3, 4), X(4), alpha=-0.375), call(X(), X(3), alpha=-1),
    call(X(96), X(96), alpha=0), call(X(3, 4), X(3, 4), alpha=True),
    only(_WHOLE, call(X(3, 4), X(3, 4), alpha=3), grad=False),
    only(_WHOLE, call(X(3, 4), X(3, 4), alpha=0.5), grad=False),
    only(BOOL, call(X(3, 4), X(3, 4), alpha=True), grad=False),
    only(COMPLEX, call(X(3, 4), X(3, 4), alpha=0.5 + 1j)),
    only(FLOATS, call(X(3, 4), X(3, 4), alpha=1j)),
)
ROUNDED = tuple(call(X(3, 4, domain="nonzero"), X(3, 4, domain="nonzero"), rounding_mode=m)
                for m in ("floor", "trunc", None))
BAD_MODE = call(X(3), X(3), rounding_mode="up")

BINARY = [
    binary("add", level="exact", complex_level="exact",
        extra=(call(X(3, 4), X(3, 4), alpha=2), call(X(3, 4), 2, alpha=0.5), *ALPHA)),
    binary("sub", level="exact", complex_level="exact",
        extra=(call(X(3, 4), X(3, 4), alpha=2), *ALPHA)),
    binary("subtract", level="exact", complex_level="exact"),
    binary("rsub", level="exact", complex_level="exact"),
    binary("mul", level="exact"), binary("multiply", level="exact"),
    binary("div", "nonzero", level="exact", extra=ROUNDED, bad=[BAD_MODE]),
    binary("divide", "nonzero", level="exact", extra=ROUNDED, bad=[BAD_MODE]),
    binary("true_divide", "nonzero", level="exact"),
    binary("floor_divide", "nonzero", level="exact", pairs=FLOAT_PAIRS),
    binary("remainder", "nonzero", level="exact", pairs=FLOAT_PAIRS),
    binary("fmod", "nonzero", level="exact", pairs=FLOAT_PAIRS),
    binary("pow", "positive", pairs=FLOAT_PAIRS, extra=(
        *[only(INEXACT, call(X(2, 3, domain="positive"), n)) for n in POWERS],
        *[only(FLOATS + HALF, call(X(22, domain="special"), n), grad=False) for n in POWERS],
        only(_WHOLE, call(X(3, 4), -1), grad=False), only(_WHOLE, call(X(3, 4), 3), grad=False),
        only(BOOL, call(X(3), 2), grad=False), only(BOOL, call(X(3), False), grad=False),
        call(2, X(3, 4)), call(0.5, X(3, 4)), call(X(3, 4, domain="nonzero"), 3),
        call(X(3, 4, domain="nonzero"), -1),
        call(X(3, 4), 0), call(L([0.0, 1.0, -1.0, 2.0]), L([0.0, 0.0, 2.0, 3.0])),
        only(("int64", "int32"), call(X(3, 4), I(3, 4)), grad=False))),
    binary("float_power", "positive", pairs=FLOAT_PAIRS), binary("atan2", pairs=FLOAT_PAIRS),
    binary("arctan2", pairs=FLOAT_PAIRS),
    binary("hypot", pairs=FLOAT_PAIRS), binary("copysign", level="exact"),
    binary("nextafter", level="exact"),
    binary("heaviside", level="exact"),
    binary("ldexp", (-3.0, 3.0), level="exact", pairs=FLOAT_PAIRS),
    binary("logaddexp", pairs=FLOAT_PAIRS), binary("logaddexp2", pairs=FLOAT_PAIRS),
    binary("xlogy", "positive", pairs=FLOAT_PAIRS),
    binary("special.xlogy", "positive", pairs=FLOAT_PAIRS),
    binary("special.xlog1py", "positive", pairs=FLOAT_PAIRS),
    binary("special.zeta", (1.5, 6.0), pairs=FLOAT_PAIRS,
        extra=(call(X(3, 4, domain=(1.5, 6.0), grad=False), X(4, domain=(1.5, 6.0))),)),
    binary("maximum", "distinct", level="exact"), binary("minimum", "distinct", level="exact"),
    binary("fmax", "distinct", level="exact"),
    binary("fmin", "distinct", level="exact"),
    binary("gcd", "any", level="exact", dtypes=INTS + BOOL + FLOATS, few=("int64",), grad=False,
        pairs=INT_PAIRS),
    binary("lcm", "any", level="exact", dtypes=INTS + BOOL + FLOATS, few=("int64",), grad=False,
        pairs=special_pairs(("bool", "uint8"))),
    binary("logical_and", level="exact"),
    binary("logical_or", level="exact"),
    binary("logical_xor", level="exact"),
    bits("bitwise_and"), bits("bitwise_or"), bits("bitwise_xor"), bits("bitwise_left_shift"),
    bits("bitwise_right_shift"),
    binary("eq", "ties", level="exact"), binary("ne", "ties", level="exact"),
    binary("lt", "ties", level="exact"), binary("le", "ties", level="exact"),
    binary("gt", "ties", level="exact"), binary("ge", "ties", level="exact"),
    binary("not_equal", "ties", level="exact"), binary("less", "ties", level="exact"),
    binary("less_equal", "ties", level="exact"),
    binary("greater", "ties", level="exact"),
    binary("greater_equal", "ties", level="exact"),
]

DUNDER_LEVELS = {"add": "exact", "radd": "exact", "sub": "exact", "rsub": "exact", "mul": "exact",
    "rmul": "exact",
                 "truediv": "exact", "rtruediv": "exact", "floordiv": "exact", "rfloordiv": "exact",
                 "mod": "exact",
                 "rmod": "exact", "pow": "ulp", "rpow": "ulp", "eq": "exact", "ne": "exact",
                 "lt": "exact",
                 "le": "exact", "gt": "exact", "ge": "exact"}


def dunder(name: str, level: str) -> Row:
    """An operator, called as a method: with a tensor, and with each kind of Python scalar."""
    x = X(3, 4, domain="nonzero" if "pow" not in name else "positive")
    tensors = [] if name.startswith("r") else [call(x, x), call(x, X(domain="positive"))]
    scalars = [call(Arr((2,), a, "positive"), s) for a in ALL for s in (True, 2, 0.5,
        1j) if a != "float16" or s != 1j]
    return row(f"__{name}__", *tensors, call(x, 2), call(x, 0.5), *map(forward, scalars),
               forward(call(X(3), "a")), forward(call(X(3), None)),
               bad=[call(X(3, 4), X(5))] if tensors else [], level=level, complex_level="ulp",
               special=False)


def bit_dunder(name: str) -> Row:
    x = X(3, 4, domain=(0.0, 7.0))
    tensors = [] if name.startswith("r") and name != "rshift" else [call(x, x)]
    return row(f"__{name}__", *tensors, call(x, 2), bad=[call(X(3), X(4))] if tensors else [],
        dtypes=BITS + FLOATS, few=("int64",), grad=False, special=False)


DUNDERS = [dunder(n, level) for n, level in DUNDER_LEVELS.items()]
DUNDERS += [bit_dunder(n) for n in ("and", "or", "xor", "lshift", "rshift", "rand", "ror", "rxor",
    "rlshift", "rrshift")]
DUNDERS += [unary("__neg__", level="exact"), unary("__pos__", level="exact"),
    unary("__abs__", level="exact"),
            unary("__invert__", level="exact", dtypes=BITS + FLOATS, grad=False)]
DUNDERS += [row("__matmul__", call(X(3, 4), X(4, 2)), call(X(4), X(4)),
    bad=[call(X(3, 4), X(3, 4))], level="sum", special=False)]

POLES = [forward(call(1, L([-1.0, -2.0]), note="special poles"))]
CLAMP = (call(X(3, 4), -0.5, 1.5), call(X(3, 4), min=0), call(X(3, 4), max=1),
    call(X(3, 4), X(3, 4), X(3, 4)),
         call(X(3, 4), min=X(4), max=None), call(L([-1.0, 0.0, 1.0, 2.0]), 0, 1), call(X(3), 2, 1),
         call(X(0), 0, 1), forward(call(X(3, 4), min=X(4), max=1)),
         only(FLOATS + HALF, call(X(22, domain="special"), 0, 1), grad=False),
         only(FLOATS + HALF, call(X(22, domain="special"), -1, 0), grad=False),
         only(FLOATS, call(X(22, 1, domain="special"), X(22, domain="special")), grad=False),
         call(X(3, 4), float("nan"), 1), call(X(3, 4), 0, float("inf")),
         only(INTS + BOOL, call(X(3, 4), 1, 3), grad=False),
         only(INTS + BOOL, call(X(3, 4), X(4), X(3, 1)), grad=False),
         only(INTS + BOOL + COMPLEX, call(X(3, 4), 0.5), grad=False),
         call(X(3, 4), Arr((4,), "float64")), forward(call(X(3, 4), -1, X(4))),
         forward(call(X(1), X(3), X(2, 1))))  # torch's own backward fails on these shapes
ONE_LIMIT = (only(INTS + BOOL + COMPLEX, call(X(3, 4), 1), grad=False),
    only(FLOATS, call(X(22, 1, domain="special"), X(22, domain="special")), grad=False),
    call(X(3, 4), Arr((4,), "float64")), call(X(3), float("nan")), call(X(1), X(2, 3)),
    only(("int64",), call(X(3), 0.5), grad=False))
NO_LIMIT = [call(X(3)), call(X(3), X(4))]

OTHERS = [
    row("clamp", *CLAMP, bad=NO_LIMIT), row("clip", *CLAMP, bad=NO_LIMIT),
    row("clamp_min", call(X(3, 4), 0), call(X(3, 4), X(4)), call(X(), 0.5), *ONE_LIMIT,
        bad=[call(X(3), X(4))]),
    row("clamp_max", call(X(3, 4), 0), call(X(3, 4), X(4)), call(X(), 0.5), *ONE_LIMIT,
        bad=[call(X(3), X(4))]),
    row("lerp", call(X(3, 4), X(3, 4), 0.25), call(X(3, 4), X(4), 0.75),
        call(X(3, 4), X(3, 4), X(3, 4, domain="prob")),
        call(X(), X(), X()), call(X(0), X(0), 0.5), call(X(96), X(96), 0.375),
        call(X(96), X(96), X(96, domain=(-2.0, 2.0))), call(X(3, 4), X(3, 4), X()),
        call(X(3, 4), X(3, 4), 1.5), call(X(3, 4), X(3, 4), -2), call(X(3, 1), X(4), X(3, 4)),
        only(COMPLEX, call(X(3, 4), X(3, 4), 0.25 + 0.5j)), call(X(3, 4), X(3, 4), 0.25 + 0.5j),
        bad=[call(X(3), X(4), 0.5), call(X(3), F(3, dtype="float64"), 0.5), call(X(3), 1.0, 0.5),
            call(X(3), X(3), F(3, dtype="float64")), call(X(3), X(3), X(4))], level="ulp"),
    row("addcmul", call(X(3, 4), X(3, 4), X(3, 4)), call(X(3, 4), X(3, 1), X(4), value=2),
        call(X(), X(), X()), call(X(96), X(96), X(96)), call(X(96), X(96), X(96), value=0.375),
        call(X(96), X(96), X(96), value=-1), call(X(3, 4), X(3, 4), X(3, 4), value=0),
        call(X(3, 4), Arr((4,), "float64"), X(3, 1)), call(X(3, 4), I(3, 4), X(4)),
        only(INTS, call(X(3, 4), X(3, 4), X(3, 4), value=3), grad=False),
        only(INTS, call(X(3, 4), X(3, 4), X(3, 4), value=0.5), grad=False),
        only(COMPLEX, call(X(3, 4), X(3, 4), X(3, 4), value=0.5 + 1j)), call(X(1), X(3), X(2, 1)),
        bad=[call(X(3), X(4), X(3)), call(X(3), 2, X(3)), call(X(3), X(3), X(4))],
        level="ulp", complex_level="ulp"),
    row("addcdiv", call(X(3, 4), X(3, 4), X(3, 4, domain="nonzero")),
        call(X(3, 4), X(3, 1), X(4, domain="nonzero"), value=2),
        call(X(96), X(96), X(96, domain="nonzero")), call(X(1), X(3), X(2, 1, domain="nonzero")),
        call(X(96), X(96), X(96, domain="nonzero"), value=-0.375),
        call(X(3, 4), I(3, 4), X(4, domain="nonzero")),
        bad=[call(X(3), X(4), X(3)), call(I(3), I(3), I(3, low=1)), call(X(3), 2, X(3))],
        level="ulp",
        dtypes=INEXACT + INTS, special=False),
    row("nan_to_num", call(X(3, 4)), call(X(22, domain="special"), nan=0.5),
        call(X(22, domain="special"), 0.5, 2.0, -2.0),
        call(X(22, domain="special"), posinf=2.0), call(X()), bad=[call("a")]),
    row("polygamma", call(1, X(3, 4, domain=(0.3, 6.0))), *POLES, call(0, X(3, domain=(0.3, 6.0))),
        call(2, X(3, domain=(0.3, 6.0))),
        bad=[call(-1, X(3))], level="ulp", dtypes=FLOATS + HALF + INTS),
    row("mvlgamma", call(X(3, 4, domain=(3.0, 8.0)), 2), call(X(3, domain=(3.0, 8.0)), p=3),
        bad=[call(X(3), 0)],
        level="sum", dtypes=FLOATS + INTS, special=False),
    row("frexp", call(X(3, 4)), call(X(22, domain="special")), call(X()),
        dtypes=FLOATS + HALF + ("int64",), special=False),
    row("where", call(B(3, 4), X(3, 4), X(3, 4)), call(B(3, 1), X(4), X()),
        call(B(3, 4), X(3, 4), 0.5), call(B(3, 4), 2, X(3, 4)),
        call(B(3), 1.0, 2.0), call(B(3, 4)), call(B(0), X(0), X(0)),
        *[forward(call(B(2), Arr((2,), a), Arr((2,), b))) for a in ALL for b in ALL],
        bad=[call(B(3), X(4), X(3)), call(I(3), X(3), X(3)), call(F(3), X(3), X(3))]),
    row("complex", call(X(3, 4), X(3, 4)), call(X(), X()),
        bad=[call(X(3), F(3, dtype="float64")), call(I(3), I(3))],
        dtypes=FLOATS + ("int64",)),
    row("polar", call(X(3, 4, domain="positive"), X(3, 4)), bad=[call(X(3), F(3, dtype="float64"))],
        dtypes=FLOATS + ("int64",),
        level="ulp"),
    row("isclose", call(X(3, 4), X(3, 4)), call(X(3, 4, domain="ties"), X(4, domain="ties"), 0.5,
        0.5, True),
        call(L([1.0, float("nan"), float("inf")]), L([1.0, float("nan"), float("inf")]),
            equal_nan=True),
        bad=[call(X(3), X(3), rtol=-1.0), call(X(3), F(3, dtype="float64"))], grad=False),
    row("allclose", call(X(3, 4), X(3, 4)), call(X(3, 4, domain="ties"), X(4, domain="ties"), 0.5,
        2.0), call(X(0), X(0)),
        bad=[call(X(3), X(4))], grad=False, special=False),
    row("equal", call(X(3, 4), X(3, 4)), call(L([1.0, 2.0]), L([1.0, 2.0])), call(X(3), X(4)),
        call(X(0), X(0)),
        call(L([float("nan")]), L([float("nan")])), grad=False),
    row("isin", call(X(3, 4, domain="ties"), L([0.0, 1.0])), call(X(3, 4, domain="ties"), 1),
        call(2, X(3, domain="ties")),
        call(X(3, 4, domain="ties"), X(3, domain="ties"), invert=True),
        call(X(3, domain="ties"), X(0)), call(X(0), X(3)), call(X(), X(3, domain="ties")),
        call(X(3, domain="ties"), I(3)), call(X(3, 4, domain="ties"), X(2, 2), assume_unique=True),
        bad=[call(1, 2), call("a", X(3)), call(X(3))], dtypes=REAL, grad=False),
    row("softmax", call(X(3, 4), 1), call(X(3, 4), -2), call(X(), 0), call(X(0, 3), 1),
        call(X(3, 4), 1, dtype=D("float64")),
        bad=[call(X(3, 4), 2), call(I(3), 0)], level="sum", dtypes=INEXACT + ("int64",)),
    row("log_softmax", call(X(3, 4), 1), call(X(3, 4), -2), call(X(), 0), call(X(0, 3), 1),
        call(X(3, 4), 1, dtype=D("float64")),
        bad=[call(X(3, 4), 2), call(I(3), 0)], level="sum", dtypes=INEXACT + ("int64",)),
    row("prelu", call(X(3, 4), X(1)), call(X(3, 4), X(4)), bad=[call(X(3, 4), X(3))],
        dtypes=INEXACT + ("int64",)),
]

ROWS = table("pointwise", UNARY + BINARY + DUNDERS + OTHERS)
