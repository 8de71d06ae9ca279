"""Modules as functions: called with other parameters, stacked to be mapped over."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from ..nn import Module
from ..nn.modules.batchnorm import _BatchNorm
from ..ops.joining import stack
from ..tensor import Tensor


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: dict[str, Tensor] | Sequence[dict[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """`module(*args, **kwargs)` with the tensors given by name in place of its own.

    `tie_weights`: a tensor that the module knows by several names is replaced under all of them.
    Raises ValueError for a name in two dictionaries; with `strict` RuntimeError for names that the
    module does not have, or that are missing.
    """
    given = _as_one(parameter_and_buffer_dicts)
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


def _as_one(dicts: Any) -> dict[str, Tensor]:
    if isinstance(dicts, dict):
        return dicts
    if not isinstance(dicts, Sequence):
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(dicts)}"
        )
    if not all(isinstance(d, dict) for d in dicts):
        raise ValueError(
            "Expected all elements of parameter_and_buffer_dicts to be dictionaries"
        )
    repeated = [name for name, n in Counter(name for d in dicts for name in d).items() if n > 1]
    if repeated:
        raise ValueError(
            f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous"
        )
    return {name: tensor for d in dicts for name, tensor in d.items()}


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


def stack_module_state(models: Any) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """(parameters, buffers) of alike models, each stacked along a new first dim.

    Raises RuntimeError for none, and for models of different classes or modes.
    """
    if len(models) == 0:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({m.training for m in models}) > 1:
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = [dict(m.named_parameters()) for m in models]
    buffers = [dict(m.named_buffers()) for m in models]
    return _stacked(parameters), _stacked(buffers)


def _stacked(tables: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    found = {}
    for name in tables[0]:
        tensors = [table[name] for table in tables]
        wanted = {t.requires_grad for t in tensors}
        if len(wanted) > 1:
            raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
        found[name] = stack(tensors).detach().requires_grad_(wanted.pop())
    return found


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Let the batch normalisations of `root` forget their running statistics, which vmap cannot map."""
    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
