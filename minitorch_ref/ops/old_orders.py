"""Argument orders of torch's first years, which it still takes, with a warning the first time.

Numbers stood before the tensors that they multiply: `addmm(beta, input, alpha, mat1, mat2)`,
`x.add_(alpha, other)`, `addcmul(input, value, tensor1, tensor2)`.  Here the numbers among the
arguments become the keywords of today, in the order in which they come.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..settings import warn_once
from ..tensor import Tensor


def reordered(
    function: Callable[..., Any], name: str, args: tuple[Any, ...], numbers: tuple[str, ...],
    keywords: dict[str, Any],
) -> Any:  # fmt: skip
    """`function` of an old-fashioned argument list.  Raises TypeError if it is not one of those."""
    tensors = [x for x in args if isinstance(x, Tensor)]
    given = [x for x in args if not isinstance(x, Tensor)]
    wrong = len(given) > len(numbers) or not all(isinstance(x, (int, float, complex)) for x in given)
    if wrong or not given or isinstance(args[-1], (int, float, complex)):
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got "
            f"({', '.join(type(x).__name__ for x in args)})"
        )
    named = dict(zip(numbers, given))
    warn_once(
        f"This overload of {name} is deprecated:\n\t{name}({_signature(args, named)})\n"
        "Consider using one of the following signatures instead:\n"
        f"\t{name}({', '.join(['Tensor'] * len(tensors))}, *, "
        f"{', '.join(f'Number {n} = 1' for n in numbers)})"
    )
    return function(*tensors, **named, **keywords)


def _signature(args: tuple[Any, ...], named: dict[str, Any]) -> str:
    names = iter(named)
    return ", ".join("Tensor" if isinstance(x, Tensor) else f"Number {next(names)}" for x in args)


def old_order(*numbers: str, tensors: int = 3) -> Callable[[Any], Any]:
    """Let an op of so many tensors take its `numbers` among them."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__

        @functools.wraps(function)
        def call(*args: Any, **keywords: Any) -> Any:
            if len(args) > tensors:
                return reordered(function, name, args, numbers, keywords)
            return function(*args, **keywords)

        return call

    return decorate
