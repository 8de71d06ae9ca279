"""Softmax over very many classes: frequent ones at once, rare ones in clusters.

The head decides among the frequent classes and the clusters; inside a cluster a smaller projection of
the input decides.  A class's probability is the product of both (Grave et al. 2017).
"""

from __future__ import annotations

import itertools
from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from ...ops.joining import cat
from ...tensor import Tensor
from .. import functional as F
from .container import ModuleList, Sequential
from .linear import Linear
from .module import Module

_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])


class AdaptiveLogSoftmaxWithLoss(Module):
    """(N, in_features) and N classes → the log-probability of each, and minus their mean.

    `cutoffs`: where each cluster begins, classes in order of frequency; cluster i works in
    in_features / div_valueⁱ dims.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.cutoffs = [*_checked(list(cutoffs), n_classes), n_classes]
        self.in_features = in_features
        self.n_classes = n_classes
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        options: Any = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **options)
        self.tail = ModuleList()
        for i, (low, high) in enumerate(itertools.pairwise(self.cutoffs)):
            inner = int(in_features // (div_value ** (i + 1)))
            first = Linear(in_features, inner, bias=False, **options)
            self.tail.append(Sequential(first, Linear(inner, high - low, bias=False, **options)))

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        self.head.reset_parameters()
        for first, second in map(list, self.tail):  # type: ignore[call-overload]
            first.reset_parameters()
            second.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        """Raises RuntimeError for shapes that do not fit, and for classes that there are not."""
        _check(input_, target_)
        batched = target_.dim() > 0
        input = input_ if batched else input_.unsqueeze(0)
        target = target_ if batched else target_.unsqueeze(0)
        if target.numel() and not bool(((target >= 0) & (target < self.n_classes)).all()):
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{target.min().item()}, {target.max().item()}] were found. "
            )
        places = target.clone()  # in the head: the class itself, or its cluster
        inside = input.new_zeros(target.size(0))
        for i, (low, high) in enumerate(itertools.pairwise(self.cutoffs)):
            rows = ((target >= low) & (target < high)).nonzero().squeeze(1)
            if rows.numel():
                places[rows] = self.shortlist_size + i
                chances = F.log_softmax(self.tail[i](input.index_select(0, rows)), dim=1)
                own = chances.gather(1, (target[rows] - low).unsqueeze(1)).squeeze(1)
                inside = inside.index_copy(0, rows, own)
        head = F.log_softmax(self.head(input), dim=1)
        output = inside + head.gather(1, places.unsqueeze(1)).squeeze(1)
        loss = (-output).mean()
        return _ASMoutput(output if batched else output.squeeze(0), loss)

    def _get_full_log_prob(self, input: Tensor, head_output: Tensor) -> Tensor:
        """(N, n_classes), given what the head said."""
        head = F.log_softmax(head_output, dim=1)
        size = self.shortlist_size
        parts = [head[:, :size]]
        for i, cluster in enumerate(self.tail):
            parts.append(F.log_softmax(cluster(input), dim=1) + head[:, size + i].unsqueeze(1))
        return cat(parts, 1)

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probability of every class: (N, in_features) → (N, n_classes)."""
        return self._get_full_log_prob(input, self.head(input))

    def predict(self, input: Tensor) -> Tensor:
        """The likeliest class of each row; the clusters are asked only if the head names one."""
        head = self.head(input)
        output = head.argmax(1)
        rare = output >= self.shortlist_size
        if not rare.any():
            return output
        output[rare] = self._get_full_log_prob(input[rare], head[rare]).argmax(1)
        return output


def _checked(cutoffs: list[int], n_classes: int) -> list[int]:
    if not cutoffs:
        raise ValueError("cutoffs should be a sequence of length larger than 0")
    increasing = all(a < b for a, b in itertools.pairwise(cutoffs))
    fit = min(cutoffs) > 0 and max(cutoffs) <= n_classes - 1
    if not increasing or not fit or any(int(c) != c for c in cutoffs):
        raise ValueError(
            "cutoffs should be a sequence of unique, positive integers sorted in an increasing "
            "order, where each value is between 1 and n_classes-1"
        )
    return cutoffs


def _check(input: Tensor, target: Tensor) -> None:
    dims = target.dim()
    if dims > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if dims == 1 and input.size(0) != target.size(0):
        raise RuntimeError("Input and target should have the same size in the batch dimension.")
    if input.dim() != dims + 1:
        raise RuntimeError(
            f"{dims}D target tensor expects {dims + 1}D input tensors, but found inputs with size "
            f"{input.size()}"
        )
