"""The `*_copy` family: every view op with a result of its own.

One table: the op's name and the view that it copies.  The node is the view's, renamed.  `out=` is a
tensor, or a tuple of them for an op with several results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..autograd.graph import rename, requires_grad
from ..autograd.modes import state
from ..tensor import Tensor, wrap
from . import conversion, parts, shaping, splitting
from .common import wrap_dim
from .options import wrong_type
from .registry import op
from .table import broadcast_error
from .unrecorded import mark, without_derivative
from .writing import write_exactly


def _alias(input: Tensor) -> Tensor:
    out = input.view(input.shape)
    return rename(out, "AliasBackward0")


def _slice(
    input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    return parts.slice_view(input, wrap_dim(dim, input.ndim), slice(start, end, step))


def _expand(input: Tensor, size: Sequence[int], *, implicit: bool = False) -> Tensor:
    return shaping.expand(input, *size)


def _view(input: Tensor, size: Any = None, *, dtype: Any = None) -> Tensor:
    return input.contiguous().view(size if dtype is None else dtype)


def _detach(input: Tensor) -> Tensor:
    """torch defines no derivative for this copy, not even zero."""
    return without_derivative("detach_copy", input._array, input)


def _not_complex(view: Callable[..., Any]) -> Callable[..., Any]:
    """`view`, refusing complex results that would require grad, as torch's copy of it does."""

    def call(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        seen = view(input, *args, **kwargs)
        if seen.is_complex() and state.grad and requires_grad(input):
            raise RuntimeError(
                f"{view.__name__.strip('_')}_copy does not support automatic differentiation for "
                "outputs with complex dtype."
            )
        return seen

    return call


_VIEWS: dict[str, Callable[..., Any]] = {
    "alias": _alias, "as_strided": parts.as_strided, "detach": _detach,
    "diagonal": parts.diagonal, "expand": _expand, "permute": shaping.permute,
    "select": _not_complex(parts.select), "slice": _not_complex(_slice),
    "squeeze": shaping.squeeze, "t": shaping.t,
    "transpose": shaping.transpose, "unfold": parts.unfold, "unsqueeze": shaping.unsqueeze,
    "view": _view, "view_as_complex": _not_complex(conversion.view_as_complex),
    "view_as_real": conversion.view_as_real,
}  # fmt: skip
_MANY: dict[str, Callable[..., Any]] = {
    "split": splitting.split, "split_with_sizes": splitting.split_with_sizes,
    "unbind": splitting.unbind,
}  # fmt: skip


def _copied(seen: Tensor) -> Tensor:
    """What the view shows in memory of its own, made by the view's node."""
    out = wrap(seen._array.copy())
    if seen._node is not None:
        name = seen._node.name()
        out._node, out._nr, out._requires_grad = seen._node, seen._nr, True
        if not (name.endswith("_copy") or name == "NotImplemented"):
            rename(out, f"{name}_copy")
    return out


def _single(name: str, view: Callable[..., Any]) -> None:
    def call(input: Tensor, *args: Any, out: Tensor | None = None, **kwargs: Any) -> Tensor:
        if not isinstance(input, Tensor):
            raise wrong_type(name, "input", "Tensor", input, 1)
        if out is not None and not isinstance(out, Tensor):
            raise wrong_type(name, "out", "Tensor", out)
        if out is None:
            return _copied(view(input, *args, **kwargs))
        result = _copied(view(input.detach(), *args, **kwargs))
        return mark(write_exactly(out, result, name), f"{name}.out", input)

    _publish(name, call)


def _several(name: str, view: Callable[..., Any]) -> None:
    def call(input: Tensor, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        if not isinstance(input, Tensor):
            raise wrong_type(name, "input", "Tensor", input, 1)
        if isinstance(out, Tensor):
            raise wrong_type(name, "out", "tuple of Tensors", out)
        results = tuple([_copied(part) for part in view(input, *args, **kwargs)])
        if out is None:
            return results
        if len(out) != len(results):
            overload = {"split_copy": "split_copy_Tensor", "unbind_copy": "unbind_copy_int"}
            raise RuntimeError(
                f"{overload.get(name, name)}_out() expected an out= argument of size {len(results)}, "
                f"got size {len(out)}"
            )
        for target, result in zip(out, results):
            if name == "split_copy":  # the one that does not resize
                if target._array.shape != result._array.shape:
                    raise broadcast_error(target._array, result._array)
                target.detach().copy_(result.detach())
                mark(target, f"{name}.out", input)
            else:
                write_exactly(target, result.detach(), name)
        return None

    _publish(name, call)


def _publish(name: str, call: Any) -> None:
    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"`{name.removesuffix('_copy')}`, copied."
    op(call, method=False, own_out=True)


for _name, _function in _VIEWS.items():
    _single(f"{_name}_copy", _function)
for _name, _function in _MANY.items():
    _several(f"{_name}_copy", _function)
