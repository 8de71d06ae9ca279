"""What all distributions share: parameters of one shape, probabilities and log odds, triangles."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Number
from typing import Any

import minitorch_ref as torch

from ..tensor import Tensor

__all__ = [
    "broadcast_all", "clamp_probs", "euler_constant", "lazy_property", "logits_to_probs",
    "probs_to_logits", "tril_matrix_to_vec", "vec_to_tril_matrix",
]  # fmt: skip

euler_constant = 0.57721566490153286060


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Tensors of one shape; numbers take the first tensor's dtype, or the default one.

    Raises ValueError for what is neither a number nor a tensor.
    """
    if not all(isinstance(v, (Tensor, Number)) for v in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects "
            "implementing __torch_function__."
        )
    tensors = [v for v in values if isinstance(v, Tensor)]
    if len(tensors) < len(values):
        kind = tensors[0].dtype if tensors else torch.get_default_dtype()
        values = tuple(v if isinstance(v, Tensor) else torch.as_tensor(v, dtype=kind) for v in values)
    return tuple(torch.broadcast_tensors(*values))


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities kept off 0 and 1, so that their log odds are finite."""
    eps = torch.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """log p, or for single chances the log odds log(p / (1-p))."""
    kept = clamp_probs(probs)
    return torch.log(kept) - torch.log1p(-kept) if is_binary else torch.log(kept)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """The inverse: a softmax over the last dim, or for single chances the sigmoid."""
    return torch.sigmoid(logits) if is_binary else torch.softmax(logits, dim=-1)


class lazy_property:
    """An attribute worked out when first asked for, and kept in the instance from then on."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with torch.enable_grad():
            value = self.function(instance)
        setattr(instance, self.name, value)
        return value


def sum_rightmost(value: Any, dims: int) -> Any:
    """The sum over the last `dims` dims."""
    if dims == 0:
        return value
    return value.reshape(value.shape[: value.dim() - dims] + (-1,)).sum(-1)


def standard_normal(shape: Any, like: Tensor) -> Tensor:
    """Normal numbers of mean 0 and variance 1, of `like`'s dtype."""
    return torch.empty(shape, dtype=like.dtype).normal_()


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The part of a batch of matrices on and below diagonal `diag`, row after row."""
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    place = torch.arange(n)
    return mat[..., place < place.view(-1, 1) + (diag + 1)]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """The inverse: a batch of square matrices, zero above diagonal `diag`."""
    length = vec.shape[-1]
    side = (
        -(1 + 2 * diag) + ((1 + 2 * diag) ** 2 + 8 * length + 4 * abs(diag) * (diag + 1)) ** 0.5
    ) / 2
    if not round(side) - side <= torch.finfo(vec.dtype).eps:
        raise ValueError(
            f"The size of last dimension is {length} which cannot be expressed as "
            "the lower triangular part of a square D x D matrix."
        )
    n = round(side)
    place = torch.arange(n)
    matrix = vec.new_zeros(vec.shape[:-1] + (n, n))
    matrix[..., place < place.view(-1, 1) + (diag + 1)] = vec
    return matrix


_sum_rightmost, _standard_normal = sum_rightmost, standard_normal  # torch's names
