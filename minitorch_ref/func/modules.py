"""Modules as functions: called with other parameters, stacked to be mapped over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..nn import Module
from ..nn.modules.batchnorm import _BatchNorm
from ..nn.utils.stateless import called_with
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
    return called_with(module, given, args, kwargs, tie_weights, strict)


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
