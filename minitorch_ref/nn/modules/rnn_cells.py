"""The cells of recurrent networks: one step of an RNN, an LSTM or a GRU, for loops of one's own."""

from __future__ import annotations

import math
from typing import Any

from ...ops.creation import empty, zeros
from ...tensor import Tensor
from .. import init
from ..functional import recurrent
from ..parameter import Parameter
from .module import Module


def reset(module: Any) -> None:
    """All parameters uniform in ±1/√hidden_size."""
    bound = 1.0 / math.sqrt(module.hidden_size) if module.hidden_size > 0 else 0
    for weight in module.parameters():
        init.uniform_(weight, -bound, bound)


class RNNCellBase(Module):
    """What the cells share: the parameters of `num_chunks` gates."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        options = {"device": device, "dtype": dtype}
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty((rows, input_size), **options))
        self.weight_hh = Parameter(empty((rows, hidden_size), **options))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(empty(rows, **options)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """All parameters uniform in ±1/√hidden_size."""
        reset(self)

    def _weights(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def _check_dims(self, what: str, value: Tensor) -> None:
        if value.dim() not in (1, 2):
            name = type(self).__name__
            raise ValueError(f"{name}: Expected {what} to be 1D or 2D, got {value.dim()}D instead")

    def _step(self, function: Any, input: Tensor, hx: Tensor | None) -> Tensor:
        """One step of a cell with one state, (N, in) or (in)."""
        self._check_dims("input", input)
        if hx is not None:
            self._check_dims("hidden", hx)
        batched = input.dim() == 2
        x = input if batched else input.unsqueeze(0)
        if hx is None:
            hx = zeros((x.size(0), self.hidden_size), dtype=x.dtype)
        elif not batched:
            hx = hx.unsqueeze(0)
        out = function(x, hx, *self._weights())
        return out if batched else out.squeeze(0)

    def extra_repr(self) -> str:
        """The sizes, and what is not at its default."""
        kind = self.__dict__.get("nonlinearity", "tanh")
        sizes = f"{self.input_size}, {self.hidden_size}"
        sizes += "" if self.bias is True else f", bias={self.bias}"
        return sizes if kind == "tanh" else f"{sizes}, nonlinearity={kind}"


class RNNCell(RNNCellBase):
    """One step of an RNN: (N, in) and (N, hidden), or without N, → the next hidden state."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step(getattr(recurrent, f"rnn_{self.nonlinearity}_cell"), input, hx)


class GRUCell(RNNCellBase):
    """One step of a GRU: (N, in) and (N, hidden), or without N, → the next hidden state."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step(recurrent.gru_cell, input, hx)


class LSTMCell(RNNCellBase):
    """One step of an LSTM: (N, in) and a pair (h, c) of (N, hidden), or without N, → (h, c)."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        self._check_dims("input", input)
        for i, value in enumerate(hx or ()):
            self._check_dims(f"hx[{i}]", value)
        batched = input.dim() == 2
        x = input if batched else input.unsqueeze(0)
        if hx is None:
            nothing = zeros((x.size(0), self.hidden_size), dtype=x.dtype)
            hx = nothing, nothing
        elif not batched:
            hx = hx[0].unsqueeze(0), hx[1].unsqueeze(0)
        h, c = recurrent.lstm_cell(x, hx, *self._weights())
        return (h, c) if batched else (h.squeeze(0), c.squeeze(0))
