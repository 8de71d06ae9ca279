"""CTCLoss, as a layer."""

from __future__ import annotations

from typing import Any

from ...tensor import Tensor
from .. import functional as F
from .loss import _Loss


class CTCLoss(_Loss):
    """−log of the probability of label sequences, however they are spread over the input frames."""

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__(None, None, reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(
        self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any
    ) -> Tensor:
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction,
            self.zero_infinity,
        )  # fmt: skip
