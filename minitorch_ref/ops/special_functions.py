"""Special functions: erf and gamma families, Bessel functions with a gradient, xlogy, sinc, logit.

One row each: name, kernel, gradient rule as in torch's derivatives.yaml.  The kernels are those of
`kernels/special.py`.  Most functions have two names, torch.erf and torch.special.erf; the one idea
of this file is that a name is a row, and a second name is an entry of the table at its end.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd.graph import record, rename
from ..autograd.inplace import in_place
from ..dtypes import BOOL, COMPLEX, FLOATING, float16, to_floating
from ..kernels import slopes
from ..kernels import special as k
from ..kernels.layout import arranged
from ..quiet import fp
from ..tensor import Tensor, wrap
from . import arithmetic, pointwise, reduction, softmax
from .common import cast_array, is_number
from .conversion import cast
from .curves import steep
from .pointwise import (
    conj,
    eq,
    exp,
    gt,
    le,
    log,
    logical_and,
    logical_not,
    logical_or,
    lt,
    masked,
    mul,
    ne,
    neg,
    plain_add,
    plain_div,
    plain_sub,
    reciprocal,
    sgn,
)
from .refusals import bad_argument, no_derivative, no_kernel
from .registry import op
from .table import binary, unary

# ruff: noqa: E501 - a row is a line


# ---- what an op refuses --------------------------------------------------------------------------


def no_half(name: str, kernel: Any) -> Any:
    """`kernel`, refusing half precision in torch's words."""

    def call(*arrays: Any) -> Any:
        if any(np.asarray(a).dtype.char == "e" for a in arrays):
            raise NotImplementedError(f"\"{name}\" not implemented for 'Half'")
        return kernel(*same_type(*arrays))

    return call


def same_type(*arrays: Any) -> list[np.ndarray]:
    """The operands of a row (one may be a number) as arrays of one type: that of the arrays."""
    kinds = [a.dtype for a in arrays if isinstance(a, np.ndarray)]
    kind = np.dtype("f2") if np.dtype("f2") in kinds else kinds[0]
    return [np.asarray(a, kind) for a in arrays]


def by_type(kernel: Any) -> Any:
    """`kernel` on operands brought to one type."""
    return lambda *arrays: kernel(*same_type(*arrays))


def one_tensor(name: str) -> Any:
    """Refuse a pair of numbers."""

    def check(input: Any, other: Any) -> None:
        if not isinstance(input, Tensor) and not isinstance(other, Tensor):
            kinds = ", ".join(type(x).__name__ for x in (input, other))
            raise TypeError(f"{name}() received an invalid combination of arguments - got ({kinds})")

    return check


def _square(x: Tensor) -> Tensor:
    return mul(x, x)


def _erf_bend(x: Tensor) -> Tensor:
    return mul(mul(x, -2 * _SLOPE), exp(neg(_square(x))))


def _erfcx_bend(x: Tensor) -> Tensor:
    y = erfcx(x)
    return plain_add(mul(y, 2.0), mul(mul(x, 2.0), plain_sub(mul(mul(x, 2.0), y), _SLOPE)))


def _log_ndtr_bend(x: Tensor) -> Tensor:
    """−s (x + s) with s = φ(x)/Φ(x)."""
    exponent = neg(plain_add(log_ndtr(x), mul(_square(x), 0.5)))
    s = mul(exp(exponent), 1 / math.sqrt(2 * math.pi))
    return neg(mul(s, plain_add(x, s)))


# ---- one operand ---------------------------------------------------------------------------------
# fmt: off

_SLOPE = 2 / math.sqrt(math.pi)  # of erf at 0
REAL = "buif"  # the kinds of types without complex numbers
SPECIAL: dict[str, Any] = {"namespace": "special", "inplace": False}


def _special(name: str, kernel: Any, rule: Any = None, node: str = "NotImplemented", half: bool = True) -> Any:
    """A row of torch.special: fractions only, no complex numbers, half precision if `half`."""
    if not half:
        kernel = no_half(f"{name}_cpu", kernel)
    return unary(name, kernel, rule, "float", node=node, kinds=REAL, quoted=f"{name}_cpu", **SPECIAL)


erf = unary("erf", k.erf, lambda g, input: steep(g, input, slopes.erf, _erf_bend), "float", kinds=REAL, quoted="erf_vml_cpu")
erfc = unary("erfc", k.erfc, lambda g, input: neg(steep(g, input, slopes.erf, _erf_bend)), "float", kinds=REAL, quoted="erfc_vml_cpu")
erfinv = unary("erfinv", k.erfinv, lambda g, out: mul(mul(exp(_square(out)), 0.5 * math.sqrt(math.pi)), g), "float", kinds=REAL, quoted="erfinv_vml_cpu")
lgamma = unary("lgamma", k.lgamma, lambda g, input: mul(g, digamma(input)), "float", kinds=REAL, quoted="lgamma_vml_cpu")
digamma = unary("digamma", k.scipy_function("psi"), lambda g, input: mul(g, polygamma(1, input)), "float", kinds=REAL, quoted="digamma")
i0 = unary("i0", k.modified_bessel("i", 0), lambda g, input: mul(g, i1(input)), "float", kinds=REAL, quoted="i0_vml_cpu")
sinc = unary("sinc", k.sinc, lambda g, input: _sinc_gradient(g, input), "float")

i0e = _special("i0e", k.modified_bessel("i", 0, True), lambda g, input, out: mul(g, plain_sub(i1e(input), mul(sgn(input), out))), "SpecialI0EBackward0")
i1 = _special("i1", k.modified_bessel("i", 1), lambda g, input, out: _i1_gradient(g, input, out), "SpecialI1Backward0")
i1e = _special("i1e", k.modified_bessel("i", 1, True), lambda g, input, out: _i1e_gradient(g, input, out), "SpecialI1EBackward0")
erfcx = _special("erfcx", k.scipy_function("erfcx"), lambda g, input: steep(g, input, slopes.erfcx, _erfcx_bend), "SpecialErfcxBackward0", half=False)
entr = _special("entr", k.entr, lambda g, input: mul(g, neg(plain_add(log(input), 1))), "SpecialEntrBackward0")
ndtri = _special("ndtri", k.ndtri, lambda g, out: mul(mul(g, math.sqrt(2 * math.pi)), exp(mul(_square(out), 0.5))), "SpecialNdtriBackward0", half=False)
log_ndtr = _special("log_ndtr", k.log_ndtr, lambda g, input: steep(g, input, slopes.log_ndtr, _log_ndtr_bend), "SpecialLogNdtrBackward0", half=False)
ndtr = unary("ndtr", k.ndtr, lambda g, input: mul(mul(exp(mul(_square(input), -0.5)), 1 / math.sqrt(2 * math.pi)), g), "float", node="MulBackward1", kinds=REAL, quoted="erf_vml_cpu", out_rule="copied", **SPECIAL)

# ---- two operands ----------------------------------------------------------------------------------

_xlogy = binary("xlogy", by_type(k.xlogy), lambda g, input, other: _log_weight(xlogy, g, input, other, 0), lambda g, input, other: plain_div(mul(g, input), other), "float", kinds=REAL, quoted="xlogy_cpu", check=one_tensor("xlogy"), number_node="XlogyBackward2", publish=False)
_xlog1py = binary("xlog1py", by_type(k.xlog1py), lambda g, input, other: _log_weight(xlog1py, g, input, other, -1), lambda g, input, other: plain_div(mul(g, input), plain_add(other, 1)), "float", kinds=REAL, quoted="xlog1py_cpu", check=one_tensor("xlog1py"), node="SpecialXlog1PyBackward0", number_node="SpecialXlog1PyBackward2", publish=False)
igamma = binary("igamma", by_type(k.igamma), no_derivative("igamma: input"), lambda g, input, other: mul(g, _gamma_density(input, other)), kinds="f", quoted="igamma_cpu", numbers="none")
igammac = binary("igammac", by_type(k.igammac), no_derivative("igammac: input"), lambda g, input, other: neg(mul(g, _gamma_density(input, other))), kinds="f", quoted="igammac_cpu", numbers="none")
_zeta = binary("zeta", no_half("zeta_cpu", k.zeta), no_derivative("zeta"), lambda g, input, other: mul(g, mul(neg(_tensor(input, other)), zeta(plain_add(_tensor(input, other), 1), other))), "float", kinds=REAL, quoted="zeta_cpu", check=one_tensor("zeta"), node="SpecialZetaBackward0", number_node="SpecialZetaBackward2", publish=False)
# fmt: on


def _number_first(row: Any, node: str, **forms: Any) -> Any:
    """Publish `row`, recorded as `node` when its first operand is a number."""

    def call(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
        result = row(input, other, out=out)
        return result if out is not None or isinstance(input, Tensor) else rename(result, node)

    call.__name__ = call.__qualname__ = row.__name__
    call.__doc__, call.in_place = row.__doc__, row.in_place  # type: ignore[attr-defined]
    return op(call, own_out=True, **forms)


xlogy = _number_first(_xlogy, "XlogyBackward1", inplace=True)
xlog1py = _number_first(_xlog1py, "SpecialXlog1PyBackward1", **SPECIAL)
zeta = _number_first(_zeta, "SpecialZetaBackward1", **SPECIAL)


# ---- pieces of rules -----------------------------------------------------------------------------


def _tensor(x: Any, like: Tensor) -> Tensor:
    """An operand that may be a number, as a tensor."""
    return x if isinstance(x, Tensor) else wrap(np.asarray(x, like._array.dtype))


def _log_weight(function: Any, g: Tensor, x: Any, y: Any, edge: int) -> Tensor:
    """g · log y; zero, not nan, where x = 0 and y is at or below the edge of the logarithm."""
    slope = function(g, y)
    outside = le(y, edge) if isinstance(y, Tensor) else y <= edge
    if outside is False:
        return slope
    inside = eq(x, 0) if outside is True else logical_and(eq(x, 0), outside)
    return masked(slope, logical_not(inside))


def _gamma_density(a: Tensor, x: Tensor) -> Tensor:
    """dP(a, x)/dx = xᵃ⁻¹ e⁻ˣ / Γ(a)"""
    return record(
        "ExpBackward0",
        fp.quiet(slopes.gamma_density, a._array, x._array),
        a=(a, lambda g, a, x, out: mul(mul(g, out), plain_sub(log(x), digamma(a)))),
        x=(x, lambda g, a, x, out: mul(mul(g, out), plain_sub(plain_div(plain_sub(a, 1), x), 1))),
    )


def _sinc_gradient(g: Tensor, x: Tensor) -> Tensor:
    """(πx·cos πx − sin πx) / πx², and 0 at zero."""
    angle = mul(x, math.pi)
    squares = mul(_square(x), math.pi)
    top = plain_sub(mul(angle, pointwise.cos(angle)), pointwise.sin(angle))
    return masked(mul(g, conj(plain_div(top, squares))), ne(squares, 0))


def _away_from_zero(x: Tensor) -> tuple[Tensor, Tensor]:
    """1 where |x| exceeds the precision (else 0), and x with 1 for what does not."""
    far = gt(pointwise.abs(x), float(np.finfo(x._array.dtype).eps))
    near = cast(logical_not(far), x.dtype)
    return far, plain_add(masked(x, far), near)


def _no_half_gradient(name: str, x: Tensor) -> None:
    if x.dtype is float16:
        raise no_kernel(f"{name}_backward", x.dtype.np)


def _half_at_zero(slope: Tensor, far: Tensor) -> Tensor:
    """`slope` where x is `far` from zero; there the derivatives of I₁ and I₁ₑ are 1/2."""
    return plain_add(masked(slope, far), mul(cast(logical_not(far), slope.dtype), 0.5))


def _i1_gradient(g: Tensor, x: Tensor, out: Tensor) -> Tensor:
    """I₀(x) − I₁(x)/x"""
    _no_half_gradient("i1", x)
    far, safe = _away_from_zero(x)
    return mul(g, _half_at_zero(plain_sub(i0(safe), plain_div(out, safe)), far))


def _i1e_gradient(g: Tensor, x: Tensor, out: Tensor) -> Tensor:
    """The same scaled by e⁻|x|: I₀ₑ(x) − I₁ₑ(x)·(sgn x + 1/x)."""
    _no_half_gradient("i1e", x)
    far, safe = _away_from_zero(x)
    factor = plain_add(sgn(safe), reciprocal(safe))
    return mul(g, _half_at_zero(plain_sub(i0e(safe), mul(out, factor)), far))


# ---- with a signature of their own ---------------------------------------------------------------


@op(inplace=True, out=True)
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """log(x / (1 − x)), x limited to [eps, 1 − eps] if eps is given; nan outside [0, 1] if not."""
    x = _fractions("logit", "logit_cpu", input)
    if eps is not None and not is_number(eps):
        raise TypeError(f"logit(): argument 'eps' must be float, not {type(eps).__name__}")
    if eps is not None and eps < 0:
        eps = None
    data = arranged(fp.quiet(k.logit, x, eps), input._array)
    low, high = (0.0, 1.0) if eps is None else (eps, 1.0 - eps)

    def rule(g: Tensor, input: Tensor) -> Tensor:
        inside = logical_not(logical_or(lt(input, low), gt(input, high)))
        slope = plain_div(g, mul(input, plain_sub(1, input)))
        if eps is not None:
            return masked(slope, inside)
        return slope.masked_fill(logical_not(inside), math.nan)

    return record("LogitBackward0", data, input=(input, rule))


def _fractions(name: str, kernel: str, input: Any) -> np.ndarray:
    """The operand's array in a floating type.  Raises NotImplementedError for complex numbers."""
    if not isinstance(input, Tensor):
        raise bad_argument(name, "input", 1, input)
    if input.dtype.category == COMPLEX:
        raise no_kernel(kernel, input.dtype.np)
    return cast_array(input._array, to_floating(input.dtype))


def polygamma(n: int, input: Tensor) -> Tensor:
    """The n-th derivative of digamma.  Raises RuntimeError for a negative n."""
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool):
        raise TypeError(
            f"polygamma(): argument 'n' (position 1) must be int, not {type(n).__name__}"
        )
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    kernel = {0: "digamma", 1: "trigamma"}.get(n, "polygamma")
    data = fp.quiet(k.polygamma, int(n), _fractions("polygamma", kernel, input))
    rule = lambda g, input: mul(g, polygamma(n + 1, input))  # noqa: E731
    return record("PolygammaBackward0", data, input=(input, rule))


polygamma = op(polygamma, method=False, out=True)


def _polygamma_method(self: Tensor, n: int) -> Tensor:
    """The n-th derivative of digamma: the order is the argument here."""
    return polygamma(n, self)


Tensor.polygamma = _polygamma_method  # type: ignore[attr-defined]
Tensor.polygamma_ = in_place(_polygamma_method, "polygamma_")  # type: ignore[attr-defined]


@op(inplace=True, out=True)
def mvlgamma(input: Tensor, p: int) -> Tensor:
    """log of the p-variate gamma function: Σ lgamma(x − j/2) over j < p, and p(p−1)/4 · log π."""
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    if input.dtype.category == BOOL:
        raise RuntimeError("The input tensor may not be a boolean tensor.")
    x = _fractions("mvlgamma", "arange_cpu", input)
    data = fp.quiet(k.mvlgamma, x, int(p))
    shifts = [-0.5 * j for j in range(p)]

    def rule(g: Tensor, input: Tensor) -> Tensor:
        total = digamma(input)
        for shift in shifts[1:]:
            total = plain_add(total, digamma(plain_add(input, shift)))
        return mul(g, total)

    return record("MvlgammaBackward0", data, input=(input, rule))


@op(namespace="special", out="same")
def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """torch.round for fractions only, as torch.special has it."""
    if not isinstance(input, Tensor):
        raise bad_argument("special_round", "input", 1, input)
    if input.dtype.category != FLOATING:
        raise no_kernel("round_vml_cpu", input.dtype.np)
    return rename(arithmetic.round(input, decimals=decimals), "RoundBackward1")


# ---- second names ----------------------------------------------------------------------------------

for _name, _same in {
    "erf": erf, "erfc": erfc, "erfinv": erfinv, "gammaln": lgamma, "digamma": digamma, "psi": digamma,
    "polygamma": polygamma, "multigammaln": mvlgamma, "gammainc": igamma, "gammaincc": igammac,
    "i0": i0, "sinc": sinc, "logit": logit, "xlogy": xlogy,
    "exp2": pointwise.exp2, "expm1": pointwise.expm1, "log1p": pointwise.log1p,
    "expit": arithmetic.sigmoid,
    "logsumexp": reduction.logsumexp, "softmax": softmax.softmax, "log_softmax": softmax.log_softmax,
}.items():  # fmt: skip
    op(_same, name=_name, namespace="special", own_out=True)
