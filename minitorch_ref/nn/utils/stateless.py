"""Calling a module with other tensors than its own; `torch.func.functional_call` is the way to it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

from ...tensor import Tensor
from ..modules.module import Module


def called_with(
    module: Module,
    given: dict[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """`module(*args, **kwargs)` with the tensors given by name in place of its own.

    `tie_weights`: a tensor that the module knows by several names is replaced under all of them.
    With `strict` RuntimeError for names that the module does not have, or that are missing.
    """
    own: dict[str, Tensor] = {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }
    unexpected, missing = [n for n in given if n not in own], [n for n in own if n not in given]
    if tie_weights:
        given = _tied(given, own)
        missing = [n for n in missing if n not in given]
    if strict and (unexpected or missing):
        raise RuntimeError(
            f"Error(s) in reparametrizing for {type(module).__name__}:"
            + _listed("Unexpected", unexpected)
            + _listed("Missing", missing)
        )
    given = {name: tensor for name, tensor in given.items() if name in own}
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    with _replaced(module, given):
        return module(*arguments, **(kwargs or {}))


def _listed(which: str, names: list[str]) -> str:
    return f"\n\t{which} key(s): {', '.join(map(repr, sorted(names)))}." if names else ""


def _tied(given: dict[str, Tensor], own: dict[str, Tensor]) -> dict[str, Tensor]:
    """`given`, under all the names that the module has for what each replaces."""
    names: dict[int, list[str]] = {}
    for name, tensor in own.items():
        names.setdefault(id(tensor), []).append(name)
    tied = dict(given)
    for group in names.values():
        chosen = [given[name] for name in group if name in given]
        if any(t is not chosen[0] for t in chosen):
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(n for n in group if n in given)}, "
                "which are tied. Consider using tie_weights=False"
            )
        tied |= {name: chosen[0] for name in group if chosen}
    return tied


@contextlib.contextmanager
def _replaced(module: Module, tensors: dict[str, Tensor]) -> Iterator[None]:
    """The module's tensors, replaced by name until the context ends."""
    places = []
    for name, tensor in tensors.items():
        path, _, last = name.rpartition(".")
        owner = module.get_submodule(path)
        table = owner._parameters if last in owner._parameters else owner._buffers
        places.append((table, last, table[last]))
        table[last] = tensor  # type: ignore[assignment]
    try:
        yield
    finally:
        for table, last, before in reversed(places):
            table[last] = before  # type: ignore[assignment]


def functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """`torch.func.functional_call`, under the name it had before."""
    warnings.warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be removed "
        "in a future version of PyTorch. Please use `torch.func.functional_call` instead which is a "
        "drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return called_with(module, parameters_and_buffers, args, kwargs, tie_weights, strict)
