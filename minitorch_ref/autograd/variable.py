"""`Variable`, which a tensor was called before version 0.4."""

from ..tensor import Tensor as Variable

__all__ = ["Variable"]
