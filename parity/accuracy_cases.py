"""Where the inexact pointwise functions are measured: one row each, a few regions per row.

A region is (low, high) for a function of one number, ((low, high), (low, high)) for two.  Regions that
span decades are sampled evenly in the logarithm, so that small numbers get their share.  Chosen are
the middle of the domain, both ends of it, and the neighbourhoods of zeros and poles.
"""

from __future__ import annotations

from typing import Any

# ruff: noqa: E501 - a row is a line
# fmt: off
AROUND = ((-1e-4, 1e-4), (-1.0, 1.0), (-10.0, 10.0))
RIGHT = ((1e-30, 1e-3), (0.01, 0.99), (0.9, 1.1), (1.0, 1e3), (1e3, 1e30))
ANGLES = ((-1e-4, 1e-4), (-3.2, 3.2), (-100.0, 100.0), (1e3, 1e5))
BESSEL = ((1e-4, 0.5), (0.5, 5.0), (5.0, 30.0), (30.0, 1e3))
GROWING = ((-1e-4, 1e-4), (-8.0, 8.0), (8.0, 80.0), (-80.0, -8.0))

UNARY: dict[str, tuple] = {
    "exp": ((-1e-4, 1e-4), (-10.0, 10.0), (-85.0, -10.0), (10.0, 85.0)),
    "exp2": (*AROUND, (-120.0, 120.0)), "expm1": (*AROUND, (-80.0, 80.0)),
    "log": RIGHT, "log2": RIGHT, "log10": RIGHT,
    "log1p": ((-0.99, -0.5), (-0.5, 0.5), (-1e-4, 1e-4), (0.5, 1e3), (1e3, 1e30)),
    "sqrt": ((1e-30, 1e30),), "rsqrt": ((1e-30, 1e30),), "reciprocal": ((1e-30, 1e30), (-10.0, -0.1)),
    "sin": ANGLES, "cos": ANGLES, "tan": ANGLES,
    "asin": ((-1e-4, 1e-4), (-1.0, 1.0), (0.99, 1.0)), "acos": ((-1e-4, 1e-4), (-1.0, 1.0), (0.99, 1.0), (-1.0, -0.99)),
    "atan": (*AROUND, (10.0, 1e6)), "sinh": (*AROUND, (10.0, 80.0)), "cosh": (*AROUND, (10.0, 80.0)), "tanh": AROUND,
    "asinh": (*AROUND, (10.0, 1e10)), "acosh": ((1.0, 1.01), (1.01, 10.0), (10.0, 1e10)), "atanh": ((-1e-4, 1e-4), (-0.9, 0.9), (0.9, 1.0)),
    "sigmoid": (*AROUND, (10.0, 80.0), (-80.0, -10.0)), "deg2rad": ((-360.0, 360.0),), "rad2deg": ((-10.0, 10.0),),
    "erf": (*AROUND, (1.0, 6.0)), "erfc": (*AROUND, (1.0, 9.0), (-6.0, -1.0)), "erfinv": ((-1e-4, 1e-4), (-0.9, 0.9), (0.9, 1.0), (-1.0, -0.999)),
    "lgamma": ((1e-6, 0.5), (0.5, 3.0), (3.0, 30.0), (30.0, 1e6), (-4.0, -0.01), (-40.0, -4.0)),
    "digamma": ((1e-6, 0.5), (0.5, 3.0), (3.0, 30.0), (30.0, 1e6), (-4.0, -0.01), (-40.0, -4.0)),
    "i0": GROWING, "special.i1": GROWING, "special.i0e": GROWING, "special.i1e": GROWING,
    "sinc": ((-1e-4, 1e-4), (-0.5, 0.5), (-10.0, 10.0)), "logit": ((1e-6, 0.1), (0.1, 0.9), (0.45, 0.55), (0.9, 1.0)),
    "special.erfcx": (*AROUND, (10.0, 1e4), (-5.0, -1.0), (-9.0, -5.0)), "special.entr": ((1e-30, 0.1), (0.1, 3.0), (3.0, 1e6)),
    "special.ndtr": (*AROUND, (-9.0, -1.0)), "special.ndtri": ((1e-30, 1e-3), (1e-3, 0.4), (0.4, 0.6), (0.6, 1.0)), "special.log_ndtr": (*AROUND, (-100.0, -1.0), (1.0, 6.0)),
    "special.bessel_j0": BESSEL, "special.bessel_j1": BESSEL, "special.bessel_y0": BESSEL, "special.bessel_y1": BESSEL,
    "special.modified_bessel_i0": GROWING, "special.modified_bessel_i1": GROWING, "special.modified_bessel_k0": ((1e-4, 2.0), (2.0, 80.0)), "special.modified_bessel_k1": ((1e-4, 2.0), (2.0, 80.0)),
    "special.scaled_modified_bessel_k0": ((1e-4, 2.0), (2.0, 1e4)), "special.scaled_modified_bessel_k1": ((1e-4, 2.0), (2.0, 1e4)),
    "special.spherical_bessel_j0": ((-1e-4, 1e-4), (-0.5, 0.5), (-10.0, 10.0)), "special.airy_ai": ((-2.0, 2.0), (2.0, 20.0), (-10.0, -2.0), (-100.0, -10.0)),
    "nn.functional.gelu": AROUND, "nn.functional.silu": (*AROUND, (-80.0, -10.0)), "nn.functional.mish": AROUND, "nn.functional.softplus": (*AROUND, (10.0, 30.0)),
    "nn.functional.logsigmoid": (*AROUND, (-80.0, -10.0), (10.0, 80.0)), "nn.functional.tanhshrink": AROUND, "nn.functional.softsign": AROUND,
    "nn.functional.elu": AROUND, "nn.functional.selu": AROUND, "nn.functional.celu": AROUND,
}

BINARY: dict[str, tuple] = {
    "pow": (((0.1, 10.0), (-5.0, 5.0)), ((1e-3, 1e3), (-8.0, 8.0)), ((0.99, 1.01), (-100.0, 100.0))),
    "float_power": (((0.1, 10.0), (-5.0, 5.0)),),
    "atan2": (((-10.0, 10.0), (-10.0, 10.0)), ((1e-6, 1e6), (1e-6, 1e6))), "hypot": (((-10.0, 10.0), (-10.0, 10.0)), ((1e-15, 1e15), (1e-15, 1e15))),
    "logaddexp": (((-10.0, 10.0), (-10.0, 10.0)), ((-0.8, -0.6), (-0.8, -0.6))), "logaddexp2": (((-10.0, 10.0), (-10.0, 10.0)), ((-1.1, -0.9), (-1.1, -0.9))),
    "xlogy": (((0.01, 10.0), (0.01, 10.0)), ((-3.0, 3.0), (0.9, 1.1))), "special.xlog1py": (((0.01, 10.0), (0.01, 10.0)), ((-3.0, 3.0), (-0.1, 0.1))),
    "igamma": (((0.1, 5.0), (0.1, 5.0)), ((5.0, 50.0), (1.0, 100.0)), ((200.0, 400.0), (150.0, 450.0))),
    "igammac": (((0.1, 5.0), (0.1, 5.0)), ((5.0, 50.0), (1.0, 100.0)), ((200.0, 400.0), (150.0, 450.0))),
    "special.zeta": (((1.01, 10.0), (0.1, 10.0)), ((1.5, 30.0), (0.5, 100.0))),
}

# The order is a number, not a tensor.
ORDERED: dict[str, tuple[tuple[Any, ...], tuple]] = {
    "polygamma": ((1, 2, 5), ((0.01, 1.0), (1.0, 30.0), (30.0, 1e4), (-3.9, -0.05))),
    "mvlgamma": ((2, 3), ((1.5, 10.0), (10.0, 1e4))),
}

# Names that mean the same function: measured once.
SAME = {
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "arctan2": "atan2",
    "special.erf": "erf", "special.erfc": "erfc", "special.erfinv": "erfinv", "special.gammaln": "lgamma", "special.digamma": "digamma",
    "special.psi": "digamma", "special.i0": "i0", "special.sinc": "sinc", "special.logit": "logit", "special.expit": "sigmoid",
    "special.exp2": "exp2", "special.expm1": "expm1", "special.log1p": "log1p", "special.xlogy": "xlogy", "special.gammainc": "igamma",
    "special.gammaincc": "igammac", "special.polygamma": "polygamma", "special.multigammaln": "mvlgamma", "__pow__": "pow", "__rpow__": "pow",
    "nn.functional.sigmoid": "sigmoid", "nn.functional.tanh": "tanh",
}
# fmt: on
