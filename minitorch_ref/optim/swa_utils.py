"""Averages of a model's weights over its training: equal ones (SWA) or exponential ones (EMA).

    SWA    avg ← avg + (new − avg) / (n + 1)        Izmailov et al. 2018
    EMA    avg ← decay · avg + (1 − decay) · new    Polyak & Juditsky 1992

An averaged model is a copy beside the trained one.  Its batch norms have seen other weights than it
has, so their statistics are taken anew (`update_bn`); `SWALR` anneals to the constant rate of SWA.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any

from ..autograd.modes import no_grad
from ..nn.modules.batchnorm import _BatchNorm
from ..nn.modules.module import Module
from ..ops.from_data import tensor
from ..tensor import Tensor
from .lr_scheduler.base import LRScheduler, per_group

__all__ = [
    "AveragedModel", "SWALR", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn",
    "get_swa_multi_avg_fn", "update_bn",
]  # fmt: skip

One = Callable[[Tensor, Tensor, Any], Tensor]
Many = Callable[[list[Tensor], list[Tensor], Any], None]


def _checked(decay: float) -> float:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] range."
        )
    return decay


def get_ema_multi_avg_fn(decay: float = 0.999) -> Many:
    """An exponential average, in place over a list of tensors."""
    _checked(decay)

    @no_grad()
    def ema_update(averaged: list[Tensor], current: list[Tensor], _: Any) -> None:
        inexact = averaged[0].is_floating_point() or averaged[0].is_complex()
        for old, new in zip(averaged, current, strict=True):
            if inexact:
                old.lerp_(new, 1 - decay)
            else:
                old.copy_(old * decay + new * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn() -> Many:
    """An equal average, in place over a list of tensors."""

    @no_grad()
    def swa_update(averaged: list[Tensor], current: list[Tensor], num_averaged: Any) -> None:
        inexact = averaged[0].is_floating_point() or averaged[0].is_complex()
        for old, new in zip(averaged, current, strict=True):
            if inexact:
                old.lerp_(new, float(1 / (num_averaged + 1)))
            elif isinstance(num_averaged, Tensor):
                old.addcdiv_(new - old, num_averaged + 1)
            else:
                old.add_(new - old, alpha=1.0 / (num_averaged + 1))

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> One:
    """An exponential average of one tensor."""
    _checked(decay)

    @no_grad()
    def ema_update(averaged: Tensor, current: Tensor, _: Any) -> Tensor:
        return decay * averaged + (1 - decay) * current

    return ema_update


def get_swa_avg_fn() -> One:
    """An equal average of one tensor."""

    @no_grad()
    def swa_update(averaged: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        return averaged + (current - averaged) / (num_averaged + 1)

    return swa_update


class AveragedModel(Module):
    """A copy of `model` that `update_parameters` moves towards it.

    avg_fn(averaged, current, n) gives one new tensor; multi_avg_fn(averaged, current, n) changes lists
    in place; at most one of them (AssertionError).  Neither: equal weights.  Buffers are averaged too
    if `use_buffers`, else they follow the model's.
    """

    n_averaged: Tensor

    def __init__(
        self, model: Module, device: Any = None, avg_fn: One | None = None,
        multi_avg_fn: Many | None = None, use_buffers: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The averaged model's."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take `model` into the average; the first one is copied."""
        own = _averaged(self.module, self.use_buffers)
        new = _averaged(model, self.use_buffers)
        if self.n_averaged == 0:
            for a, b in zip(own, new, strict=False):
                a.copy_(b)
        elif self.multi_avg_fn is not None:
            for kind in dict.fromkeys(a.dtype for a in own):
                pairs = [(a, b) for a, b in zip(own, new, strict=False) if a.dtype is kind]
                self.multi_avg_fn([a for a, _ in pairs], [b for _, b in pairs], self.n_averaged)
        else:
            average = self.avg_fn or get_swa_avg_fn()
            for a, b in zip(own, new, strict=False):
                a.copy_(average(a, b, self.n_averaged))
        if not self.use_buffers:
            for a, b in zip(self.module.buffers(), model.buffers(), strict=True):
                a.detach().copy_(b.detach())
        self.n_averaged += 1


def _averaged(model: Module, buffers: bool) -> list[Tensor]:
    every = chain(model.parameters(), model.buffers()) if buffers else model.parameters()
    return [t.detach() for t in every]


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Take the statistics of `model`'s batch norms anew, in one pass over the loader.

    A batch is a tensor, or a list or tuple that starts with one.
    """
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    if not norms:
        return
    momenta, was_training = [m.momentum for m in norms], model.training
    model.train()
    for m in norms:
        m.reset_running_stats()
        m.momentum = None  # the plain mean of all batches
    for batch in loader:
        inputs = batch[0] if isinstance(batch, list | tuple) else batch
        model(inputs if device is None else inputs.to(device))
    for m, momentum in zip(norms, momenta, strict=True):
        m.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """From each group's rate to `swa_lr` in `anneal_epochs`, along a cosine or a line; then constant.

    `swa_lr`: one for all groups or a list.  ValueError for another strategy or a negative length.
    """

    def __init__(
        self, optimizer: Any, swa_lr: Any, anneal_epochs: int = 10, anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        rates = per_group("swa_lr", optimizer, swa_lr)
        for rate, group in zip(rates, optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                "anneal_strategy must be one of 'cos' or 'linear', "
                f"instead got {anneal_strategy}"
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(
                f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}"
            )
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def anneal_func(self, t: float) -> float:
        """How far from the old rate (0) to the new one (1)."""
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list[Any]:
        """The groups' next rates, from the present ones: the start is worked out backwards."""
        self._warn_if_called_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        length = max(1, self.anneal_epochs)
        before, now = (self.anneal_func(max(0, min(1, n / length))) for n in (step - 1, step))
        rates = []
        for group in self.optimizer.param_groups:
            new = group["swa_lr"]
            start = new if before == 1 else (group["lr"] - before * new) / (1 - before)
            rates.append(new * now + start * (1 - now))
        return rates
