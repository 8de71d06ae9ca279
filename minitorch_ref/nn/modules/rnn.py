"""Recurrent layers: RNN, LSTM and GRU over whole sequences.

The arithmetic is in functional/recurrent.py.  Here: the parameters, in torch's order and under its
names (weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, weight_hr_l0, then "_reverse", then l1),
and what shapes a call may have.
"""

from __future__ import annotations

import numbers
import warnings
from typing import Any

from ...ops.creation import empty, zeros
from ...tensor import Tensor
from ..functional import recurrent
from ..parameter import Parameter
from ..utils.rnn import PackedSequence
from .module import Module
from .rnn_cells import reset

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class RNNBase(Module):
    """What RNN, LSTM and GRU share; `mode` is "RNN_TANH", "RNN_RELU", "LSTM" or "GRU"."""

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_options(dropout)
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for suffix in ("", "_reverse") if bidirectional else ("",):
                self._add_layer(layer, suffix, {"device": device, "dtype": dtype})
        self.reset_parameters()

    def _check_options(self, dropout: Any) -> None:
        """Raise torch's errors for options that make no layer."""
        number = isinstance(dropout, numbers.Number) and not isinstance(dropout, bool)
        if not number or not 0 <= dropout <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an "
                "element being zeroed"
            )
        if dropout > 0 and self.num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero "
                f"dropout expects num_layers greater than 1, but got dropout={dropout} and "
                f"num_layers={self.num_layers}",
                stacklevel=4,
            )
        kinds: dict[str, type] = {"bias": bool, "batch_first": bool, "input_size": int, "hidden_size": int}
        for name, kind in kinds.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                got = type(value).__name__
                raise TypeError(f"{name} should be of type {kind.__name__}, got: {got}")
            if kind is int and getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if self.proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if self.mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + self.mode)

    def _add_layer(self, layer: int, suffix: str, options: Any) -> None:
        """The parameters of one layer in one direction."""
        gates = _GATES[self.mode] * self.hidden_size
        size_in = self.input_size if layer == 0 else self._real_size * self._directions
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (gates, size_in), "weight_hh": (gates, self._real_size),
        }  # fmt: skip
        if self.bias:
            shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        names = {f"{kind}_l{layer}{suffix}": shape for kind, shape in shapes.items()}
        for name, shape in names.items():
            setattr(self, name, Parameter(empty(shape, **options)))
        self._all_weights.append(list(names))

    @property
    def _real_size(self) -> int:
        return self.proj_size or self.hidden_size

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, a list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights(self) -> list[Parameter]:
        return [weight for weights in self.all_weights for weight in weights]

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    def __getstate__(self) -> dict[str, Any]:
        """With the two lists in it that torch keeps as attributes, so that it reads these files."""
        names, weights = self._flat_weights_names, self._flat_weights
        return {**vars(self), "_flat_weights_names": names, "_flat_weights": weights}

    def __setstate__(self, state: dict[str, Any]) -> None:
        derived = ("_flat_weights_names", "_flat_weights")
        super().__setstate__({name: value for name, value in state.items() if name not in derived})

    def flatten_parameters(self) -> None:
        """Nothing to do: only cuDNN wants its weights in one block."""

    def reset_parameters(self) -> None:
        """All parameters uniform in ±1/√hidden_size."""
        reset(self)

    # ---- what a call may look like ---------------------------------------------------------------

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Raises ValueError for another dtype, RuntimeError for other sizes, than the weights'."""
        own = self._flat_weights[0].dtype
        if input.dtype != own:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({own}). "
                f"Convert input: input.to({own}), or convert model: model.to({input.dtype})"
            )
        expected = 2 if batch_sizes is not None else 3
        if input.dim() != expected:
            raise RuntimeError(f"input must have {expected} dimensions, got {input.dim()}")
        if self.input_size != input.size(-1):
            raise RuntimeError(
                "input.size(-1) must be equal to input_size. "
                f"Expected {self.input_size}, got {input.size(-1)}"
            )

    def _state_size(self, input: Tensor, batch_sizes: Tensor | None, size: int) -> tuple[int, ...]:
        rows = input.size(0 if self.batch_first else 1) if batch_sizes is None else batch_sizes[0]
        return self.num_layers * self._directions, int(rows), size

    def get_expected_hidden_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, ...]:
        """(layers · directions, batch, size of the output)."""
        return self._state_size(input, batch_sizes, self._real_size)

    def check_hidden_size(
        self,
        hx: Tensor,
        expected_hidden_size: tuple[int, ...],
        msg: str = "Expected hidden size {}, got {}",
    ) -> None:
        """Raises RuntimeError for another shape."""
        if hx.size() != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raises what `check_input` and `check_hidden_size` raise."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The states of the batch in another order."""
        return hx if permutation is None else hx.index_select(1, permutation)

    def _zeros(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        return zeros(self.get_expected_hidden_size(input, batch_sizes), dtype=input.dtype)

    def _batched_state(self, hx: Any, batched: bool) -> Any:
        """A given state with its batch dim.  Raises RuntimeError for other numbers of dims."""
        wanted = 3 if batched else 2
        if hx.dim() != wanted:
            kind = "batched 3-D" if batched else "unbatched 2-D"
            raise RuntimeError(
                f"For {kind} input, hx should also be {wanted}-D but got {hx.dim()}-D tensor"
            )
        return hx if batched else hx.unsqueeze(1)

    # ---- the call --------------------------------------------------------------------------------

    def _network(self, *args: Any) -> tuple[Tensor, Any]:
        """The function of this mode: output, and the final states as `hx` is given."""
        function = getattr(recurrent, self.mode.lower())
        output, *finals = function(*args)
        return output, tuple(finals) if self.mode == "LSTM" else finals[0]

    def _options(self) -> tuple[Any, ...]:
        """What the functions take after the state."""
        return (
            self._flat_weights, self.bias, self.num_layers, self.dropout, self.training,
            self.bidirectional,
        )  # fmt: skip

    def forward(self, input: Any, hx: Any = None) -> Any:
        """input (T, N, in), (N, T, in) if batch_first, (T, in), or packed → output, final state."""
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        if input.dim() not in (2, 3):
            what, end = type(self).__name__, " tensor" if self.mode.startswith("RNN") else ""
            raise ValueError(
                f"{what}: Expected input to be 2D or 3D, got {input.dim()}D{end} instead"
            )
        batched, batch_dim = input.dim() == 3, 0 if self.batch_first else 1
        x = input if batched else input.unsqueeze(batch_dim)
        start = self._zeros(x, None) if hx is None else self._batched_state(hx, batched)
        self.check_forward_args(x, start, None)
        output, final = self._network(x, start, *self._options(), self.batch_first)
        return (output, final) if batched else (output.squeeze(batch_dim), _unbatched(final))

    def _forward_packed(self, input: PackedSequence, hx: Any) -> tuple[PackedSequence, Any]:
        data, sizes, order, back = input
        start = self._zeros(data, sizes) if hx is None else self.permute_hidden(hx, order)
        self.check_forward_args(data, start, sizes)
        output, final = self._network(data, sizes, start, *self._options())
        return PackedSequence(output, sizes, order, back), self.permute_hidden(final, back)

    def extra_repr(self) -> str:
        """The sizes, and what is not at its default."""
        defaults = {
            "proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0,
            "bidirectional": False,
        }  # fmt: skip
        changed = [f"{k}={getattr(self, k)}" for k, v in defaults.items() if getattr(self, k) != v]
        return ", ".join([str(self.input_size), str(self.hidden_size), *changed])


def _unbatched(state: Any) -> Any:
    return tuple([s.squeeze(1) for s in state]) if isinstance(state, tuple) else state.squeeze(1)


def _refuse_projection(kwargs: Any) -> None:
    if "proj_size" in kwargs:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


class RNN(RNNBase):
    """h' = tanh(W_ih·x + b_ih + W_hh·h + b_hh), or relu of it: Elman's network.

    RNN(input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True, batch_first=False,
    dropout=0.0, bidirectional=False)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse_projection(kwargs)
        if len(args) > 3:
            nonlinearity, args = args[3], args[:3] + args[4:]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        super().__init__(f"RNN_{nonlinearity.upper()}", *args, **kwargs)
        self.nonlinearity = nonlinearity


class GRU(RNNBase):
    """Gated recurrent units.

    GRU(input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0,
    bidirectional=False)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse_projection(kwargs)
        super().__init__("GRU", *args, **kwargs)


class LSTM(RNNBase):
    """Long short-term memory; the state is a pair (h, c), each (layers · directions, N, size).

    LSTM(input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0,
    bidirectional=False, proj_size=0)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, ...]:
        """(layers · directions, batch, hidden_size)."""
        return self._state_size(input, batch_sizes, self.hidden_size)

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raises what `check_input` and `check_hidden_size` raise."""
        self.check_input(input, batch_sizes)
        wanted = self.get_expected_hidden_size, self.get_expected_cell_size
        for i, size in enumerate(wanted):
            msg = f"Expected hidden[{i}] size {{}}, got {{}}"
            self.check_hidden_size(hidden[i], size(input, batch_sizes), msg)

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The states of the batch in another order."""
        return hx if permutation is None else tuple([h.index_select(1, permutation) for h in hx])

    def _zeros(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        wanted = self.get_expected_hidden_size, self.get_expected_cell_size
        return tuple([zeros(size(input, batch_sizes), dtype=input.dtype) for size in wanted])

    def _batched_state(self, hx: Any, batched: bool) -> Any:
        wanted = 3 if batched else 2
        if any(h.dim() != wanted for h in hx[:2]):
            kind = "batched 3-D" if batched else "unbatched 2-D"
            raise RuntimeError(
                f"For {kind} input, hx and cx should also be {wanted}-D but got "
                f"({hx[0].dim()}-D, {hx[1].dim()}-D) tensors"
            )
        return hx if batched else (hx[0].unsqueeze(1), hx[1].unsqueeze(1))
