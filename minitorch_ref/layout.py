"""Layouts and memory formats: the names torch has for how elements lie in memory."""

from __future__ import annotations


class layout:  # noqa: N801 - torch's own name
    """How a tensor is stored; this engine has strided tensors only."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name


class memory_format:  # noqa: N801 - torch's own name
    """An order of the dims in memory.  `order` lists dims from slowest to fastest; None: row-major."""

    def __init__(self, name: str, order: tuple[int, ...] | None) -> None:
        self._name, self.order = name, order

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name


strided = layout("strided")
contiguous_format = memory_format("contiguous_format", None)
preserve_format = memory_format("preserve_format", None)
channels_last = memory_format("channels_last", (0, 2, 3, 1))
channels_last_3d = memory_format("channels_last_3d", (0, 2, 3, 4, 1))


def format_dims(order: memory_format | None, ndim: int) -> tuple[int, ...]:
    """The dims from slowest to fastest in a memory format."""
    if order is preserve_format:
        raise RuntimeError("unsupported memory format Preserve")
    if order is None or order.order is None:
        return tuple(range(ndim))
    if len(order.order) != ndim:
        raise RuntimeError(f"required rank {len(order.order)} tensor to use {order._name} format")
    return order.order
