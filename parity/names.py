"""Other names that torch documents for a function: all mean the one on the right."""

from __future__ import annotations

OTHER_NAMES = {
    "absolute": "abs", "arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh",
    "arctan": "atan", "arctan2": "atan2", "arctanh": "atanh", "clip": "clamp", "concat": "cat",
    "concatenate": "cat", "divide": "div", "expit": "sigmoid", "fix": "trunc", "gammainc": "igamma",
    "gammaincc": "igammac", "gammaln": "lgamma", "ger": "outer", "greater": "gt",
    "greater_equal": "ge", "inverse": "inv", "less": "lt", "less_equal": "le", "moveaxis": "movedim",
    "multigammaln": "mvlgamma", "multiply": "mul", "negative": "neg", "not_equal": "ne",
    "psi": "digamma", "row_stack": "vstack", "subtract": "sub", "swapaxes": "transpose",
    "swapdims": "transpose", "true_divide": "div",
}  # fmt: skip
