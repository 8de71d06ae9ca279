"""The functions that torch also has one level up, as `torch.<name>`, with arguments of their own.

torch's C++ layer takes weights before statistics, `train` for `training`, and reductions as
numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...ops.registry import op
from ...ops.unrecorded import without_derivative
from ...tensor import Tensor
from . import activation, adaptive, binary, loss, margin, normalization, slopes
from .distance import cosine_similarity, pairwise_distance, pdist
from .dropout import noisy
from .linear import bilinear
from .padding import constant_pad_nd
from .sparse import lookup
from .vision import channel_shuffle, pixel_shuffle, pixel_unshuffle

__all__ = [  # the same in both places; those with arguments of their own are defined below
    "bilinear", "channel_shuffle", "constant_pad_nd", "cosine_similarity", "pairwise_distance",
    "pdist", "pixel_shuffle", "pixel_unshuffle",
]  # fmt: skip

_REDUCTIONS = ("none", "mean", "sum")

# ---- activations ---------------------------------------------------------------------------------

selu = op(activation.plain_selu, name="selu", method=False)
celu = op(activation.plain_celu, name="celu", method=False)
rrelu = op(slopes.plain_rrelu, name="rrelu", method=False)
threshold = op(activation.plain_threshold, name="threshold", method=False)
selu_, celu_, threshold_ = activation.selu_, activation.celu_, activation.threshold_
rrelu_ = slopes.rrelu_

# ---- channels ----------------------------------------------------------------------------------------


@op(method=False)
def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """`channel_shuffle` by torch's own kernel, which has no derivative."""
    data = channel_shuffle(input.detach(), groups)._array
    return without_derivative("native_channel_shuffle", data, input)


# ---- pooling -------------------------------------------------------------------------------------


@op(method=False)
def adaptive_max_pool1d(input: Tensor, output_size: Any) -> tuple[Tensor, Tensor]:
    """nn.functional's adaptive_max_pool1d, with the places of the maxima always."""
    return adaptive.adaptive_max_pool1d(input, output_size, return_indices=True)


# ---- dropout -------------------------------------------------------------------------------------


def _check(p: float) -> None:
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p}")


def _dropping(name: str, channels: bool, alpha: bool) -> tuple[Any, Any]:
    """The function `name(input, p, train)` and its in-place form."""

    def function(input: Tensor, p: float, train: bool) -> Tensor:
        _check(p)
        return noisy(input, p, train, False, channels, alpha)

    def written(input: Tensor, p: float, train: bool) -> Tensor:
        _check(p)
        return noisy(input, p, train, True, channels, alpha)

    function.__name__, written.__name__ = name, f"{name}_"
    function.__doc__ = f"`nn.functional`'s {name} with torch's arguments (input, p, train)."
    written.__doc__ = f"In-place form of `{name}`."
    return op(function, method=False), written


dropout, dropout_ = _dropping("dropout", channels=False, alpha=False)
alpha_dropout, alpha_dropout_ = _dropping("alpha_dropout", channels=False, alpha=True)
feature_dropout, feature_dropout_ = _dropping("feature_dropout", channels=True, alpha=False)
feature_alpha_dropout, feature_alpha_dropout_ = _dropping(
    "feature_alpha_dropout", channels=True, alpha=True
)

# ---- normalisation -------------------------------------------------------------------------------


@op(method=False)
def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """`nn.functional.batch_norm`; also takes a single value per channel."""
    return normalization.batch_norm_of(
        input, running_mean, running_var, weight, bias, training, momentum, eps
    )


@op(method=False)
def instance_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """`nn.functional.instance_norm`."""
    return normalization.instance_norm_of(
        input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps
    )


@op(method=False)
def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    """`nn.functional.layer_norm`."""
    return normalization.layer_norm(input, normalized_shape, weight, bias, eps)


@op(method=False)
def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    """`nn.functional.group_norm`."""
    return normalization.group_norm(input, num_groups, weight, bias, eps)


rms_norm = op(normalization.rms_norm, name="rms_norm", method=False)

# ---- embedding -----------------------------------------------------------------------------------


@op(method=False)
def embedding(
    weight: Tensor,
    indices: Tensor,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """weight[indices]; no gradient for the row `padding_idx` (−1: for no row)."""
    padding = padding_idx if 0 <= padding_idx < len(weight) else None
    return lookup(weight, indices, padding, scale_grad_by_freq)


# ---- losses --------------------------------------------------------------------------------------


def _numbered(function: Callable[..., Tensor], *order: str) -> Callable[..., Tensor]:
    """`function` with the arguments in `order`; the last is the reduction's number, 0 (none)."""

    def call(*args: Any, **kwargs: Any) -> Tensor:
        given = dict(zip(order, args)) | kwargs
        given["reduction"] = _REDUCTIONS[given.get("reduction", 0)]
        return function(**given)

    call.__name__ = function.__name__
    call.__doc__ = f"`nn.functional.{function.__name__}`, the reduction given as 0 (none), 1 or 2."
    return op(call, method=False)


binary_cross_entropy_with_logits = _numbered(
    binary.binary_cross_entropy_with_logits, "input", "target", "weight", "pos_weight", "reduction"
)
cosine_embedding_loss = _numbered(
    margin.cosine_embedding_loss, "input1", "input2", "target", "margin", "reduction"
)
hinge_embedding_loss = _numbered(
    margin.hinge_embedding_loss, "input", "target", "margin", "reduction"
)
margin_ranking_loss = _numbered(
    margin.margin_ranking_loss, "input1", "input2", "target", "margin", "reduction"
)
triplet_margin_loss = _numbered(
    margin.triplet_margin_loss,
    "anchor", "positive", "negative", "margin", "p", "eps", "swap", "reduction",
)  # fmt: skip
kl_div = _numbered(loss.kl_div, "input", "target", "reduction")
poisson_nll_loss = _numbered(
    loss.poisson_nll_loss, "input", "target", "log_input", "full", "eps", "reduction"
)
