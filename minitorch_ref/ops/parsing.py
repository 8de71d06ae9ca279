"""What torch's argument parser accepts, and refuses, beyond an op's own signature.

The parser knows NumPy's name `axis` for `dim`.  The ops that reduce or write take care of that
themselves; the others of torch's own table are listed here and wrapped once, when all are defined.
It also keeps functions stricter than methods (`x.reshape(2, 3)` is right, `torch.reshape(x, 2, 3)`
is not), takes the argument orders of old, and warns of functions that are on their way out.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..settings import warn_once
from ..tensor import Tensor
from .numpy_names import with_numpy_names
from .old_orders import old_order
from .registry import REGISTRY
from .writing import exact_out

_WITH_DIM = (
    "unbind", "squeeze", "unsqueeze", "stack", "chunk", "select", "narrow", "tensor_split",
    "repeat_interleave", "diff", "unflatten", "scatter", "trapezoid", "cumulative_trapezoid",
    "split_with_sizes", "unsafe_split", "index_fill", "select_scatter", "slice_scatter", "gradient",
    "norm_except_dim", "nuclear_norm", "frobenius_norm", "narrow_copy",
)  # fmt: skip
_METHODS_IN_PYTHON = ("unflatten",)  # torch's parser does not see these
_TAKE_ONE_SHAPE = {"reshape": "shape", "permute": "dims"}


_OLD_ORDERS = {
    "addmm": ("beta", "alpha"), "addmv": ("beta", "alpha"), "addr": ("beta", "alpha"),
    "addbmm": ("beta", "alpha"), "baddbmm": ("beta", "alpha"),
    "addcmul": ("value",), "addcdiv": ("value",),
}  # fmt: skip
_LEAVING = " and will be removed in a future PyTorch release."
_RETIRED = {
    "qr": f"torch.qr is deprecated in favor of torch.linalg.qr{_LEAVING}\n"
    "The boolean parameter 'some' has been replaced with a string parameter 'mode'.\n"
    "Q, R = torch.qr(A, some)\nshould be replaced with\n"
    "Q, R = torch.linalg.qr(A, 'reduced' if some else 'complete')",
    "lu": "torch.lu is deprecated in favor of torch.linalg.lu_factor / torch.linalg.lu_factor_ex"
    f"{_LEAVING}\nLU, pivots = torch.lu(A, compute_pivots)\nshould be replaced with\n"
    "LU, pivots = torch.linalg.lu_factor(A, compute_pivots)\nand\n"
    "LU, pivots, info = torch.lu(A, compute_pivots, get_infos=True)\nshould be replaced with\n"
    "LU, pivots, info = torch.linalg.lu_factor_ex(A, compute_pivots)",
    "cholesky": f"torch.cholesky is deprecated in favor of torch.linalg.cholesky{_LEAVING}\n"
    "L = torch.cholesky(A)\nshould be replaced with\nL = torch.linalg.cholesky(A)\nand\n"
    "U = torch.cholesky(A, upper=True)\nshould be replaced with\nU = torch.linalg.cholesky(A).mH\n"
    "This transform will produce equivalent results for all valid (symmetric positive definite) "
    "inputs.",
    "triangular_solve": "torch.triangular_solve is deprecated in favor of "
    "torch.linalg.solve_triangularand will be removed in a future PyTorch release.\n"
    "torch.linalg.solve_triangular has its arguments reversed and does not return a copy of one of "
    "the inputs.\nX = torch.triangular_solve(B, A).solution\nshould be replaced with\n"
    "X = torch.linalg.solve_triangular(A, B).",
    "lu_solve": "torch.lu_solve is deprecated in favor of torch.linalg.lu_solveand will be removed in a "
    "future PyTorch release.\nNote that torch.linalg.lu_solve has its arguments reversed.\n"
    "X = torch.lu_solve(B, LU, pivots)\nshould be replaced with\n"
    "X = torch.linalg.lu_solve(LU, pivots, B)",
    "nuclear_norm": "at::nuclear_norm is deprecated and it is just left for JIT compatibility. It will "
    "be removed in a future PyTorch release. Please use `linalg.matrix_norm(A, 'nuc', dim, keepdim)` "
    "instead",
    "frobenius_norm": "at::frobenius_norm is deprecated and it is just left for JIT compatibility. It "
    "will be removed in a future PyTorch release. Please use `linalg.vector_norm(A, 2., dim, keepdim)` "
    "instead",
    "chain_matmul": f"torch.chain_matmul is deprecated{_LEAVING} Use torch.linalg.multi_dot instead, "
    "which accepts a list of two or more tensors rather than multiple parameters.",
}


def with_one_shape(function: Callable[..., Any], name: str, argument: str) -> Callable[..., Any]:
    """`function(input, shape)`, refusing sizes given one by one, as torch's functions do."""

    @functools.wraps(function)
    def call(input: Any, *sizes: Any, **keyword: Any) -> Any:
        if len(sizes) > 1:
            given = len(sizes) + 1
            raise TypeError(f"{name}() takes 2 positional arguments but {given} were given")
        if sizes and not isinstance(sizes[0], (tuple, list)):
            raise TypeError(
                f"{name}(): argument '{argument}' (position 2) must be tuple of ints, "
                f"not {type(sizes[0]).__name__}"
            )
        return function(input, *sizes, **keyword)

    return call


def with_traced_nuclear_out(function: Callable[..., Any]) -> Callable[..., Any]:
    """`norm`, whose "nuc" is copied into `out`, gradient included; the other norms refuse that."""
    copied = exact_out(copies=True)(function)

    @functools.wraps(function)
    def call(*args: Any, out: Tensor | None = None, **kwargs: Any) -> Any:
        if out is None:
            return function(*args, **kwargs)
        nuclear = isinstance(p := kwargs.get("p", (*args, None, None)[1]), str) and p == "nuc"
        return (copied if nuclear else function)(*args, out=out, **kwargs)

    return call


def with_warning(function: Callable[..., Any], message: str) -> Callable[..., Any]:
    """`function`, warning the first time it is called."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        warn_once(message)
        return function(*args, **kwargs)

    return call


def _wrap(name: str, wrapper: Callable[[Any], Any], method: bool = True) -> None:
    """Replace what the registry publishes as the function, and method, of that name."""
    entry = REGISTRY["torch", name]
    call = wrapper(entry.call)
    REGISTRY["torch", name] = entry._replace(call=call)
    if method and entry.method:
        own = getattr(Tensor, name)  # a few methods are not their functions
        setattr(Tensor, name, call if own is entry.call else wrapper(own))


for _name in _WITH_DIM:
    _wrap(_name, with_numpy_names, method=_name not in _METHODS_IN_PYTHON)
for _name, _argument in _TAKE_ONE_SHAPE.items():
    _wrap(_name, functools.partial(with_one_shape, name=_name, argument=_argument), method=False)
for _name, _message in _RETIRED.items():
    _wrap(_name, functools.partial(with_warning, message=_message))
_wrap("norm", with_traced_nuclear_out)
for _name, _numbers in _OLD_ORDERS.items():
    _wrap(_name, old_order(*_numbers))
    setattr(Tensor, f"{_name}_", old_order(*_numbers)(getattr(Tensor, f"{_name}_")))
