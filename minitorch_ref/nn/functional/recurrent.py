"""Recurrent networks: a cell says how one step changes the state; the rest walks it along a sequence.

The input's part of every gate, x·W_ihᵀ + b_ih, does not depend on the state: it is one product for
the whole sequence, and a step adds h·W_hhᵀ + b_hh.  A sequence is a list of steps, each with as
many rows as sequences that are still running: always the whole batch for a padded tensor, fewer
and fewer for a packed one.  So one walk serves both, forwards and backwards.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...autograd.graph import rename
from ...dtypes import float32
from ...ops.joining import cat, stack
from ...ops.registry import op
from ...tensor import Tensor, wrap
from .dropout import noisy
from .linear import linear

State = tuple[Tensor, ...]  # the output of a step first: (h,) or, for an LSTM, (h, c)
Step = Callable[[Tensor, State, "Weights"], State]


@dataclass(frozen=True)
class Weights:
    """One layer's weights in one direction; `w_hr` projects an LSTM's output."""

    w_ih: Tensor
    w_hh: Tensor
    b_ih: Tensor | None = None
    b_hh: Tensor | None = None
    w_hr: Tensor | None = None

    def of_input(self, x: Tensor) -> Tensor:
        return linear(x, self.w_ih, self.b_ih)

    def of_state(self, h: Tensor) -> Tensor:
        return linear(h, self.w_hh, self.b_hh)


# ---- cells: gates of the input, state, weights → state -----------------------------------------


def _lstm(gates: Tensor, state: State, weights: Weights) -> State:
    """c' = f·c + i·g, h' = o·tanh(c')  (Hochreiter & Schmidhuber 1997, with forget gates)."""
    h, c = state
    i, f, g, o = (weights.of_state(h) + gates).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    return (h if weights.w_hr is None else linear(h, weights.w_hr)), c


def _gru(gates: Tensor, state: State, weights: Weights) -> State:
    """h' = (1 − z)·n + z·h, with the reset gate r inside n  (Cho et al. 2014, cuDNN's variant)."""
    (h,) = state
    r_x, z_x, n_x = gates.chunk(3, -1)
    r_h, z_h, n_h = weights.of_state(h).chunk(3, -1)
    z = (z_h + z_x).sigmoid()
    n = (n_x + n_h * (r_h + r_x).sigmoid()).tanh()
    return ((h - n) * z + n,)


def _tanh(gates: Tensor, state: State, weights: Weights) -> State:
    return ((weights.of_state(state[0]) + gates).tanh(),)


def _relu(gates: Tensor, state: State, weights: Weights) -> State:
    return ((weights.of_state(state[0]) + gates).relu(),)


# ---- walking -------------------------------------------------------------------------------------


def _walk(
    step: Step, gates: list[Tensor], start: State, weights: Weights, reverse: bool
) -> tuple[list[Tensor], State]:
    """Every step's output, and each sequence's state when it ended.

    Going forwards, rows that end are put aside; going backwards, rows join as they begin.
    """
    outputs: list[Any] = [None] * len(gates)
    ended: list[State] = []
    state = start
    if reverse and gates[-1].size(0) < start[0].size(0):
        state = tuple([s.narrow(0, 0, gates[-1].size(0)) for s in start])
    for t in range(len(gates))[:: -1 if reverse else 1]:
        rows, running = gates[t].size(0), state[0].size(0)
        if rows < running:
            ended.append(tuple([s.narrow(0, rows, running - rows) for s in state]))
            state = tuple([s.narrow(0, 0, rows) for s in state])
        elif rows > running:
            new = [s.narrow(0, running, rows - running) for s in start]
            state = tuple([cat(pair) for pair in zip(state, new)])
        state = step(gates[t], state, weights)
        outputs[t] = state[0]
    if ended:
        state = tuple([cat(parts) for parts in zip(state, *reversed(ended))])
    return outputs, state


def _layers(
    step: Step, x: Tensor, sizes: list[int] | None, starts: list[State],
    weights: list[Weights], dropout: float, train: bool, bidirectional: bool,
) -> tuple[Tensor, list[State]]:  # fmt: skip
    """All layers of `x`: (T, N, *), or packed, (rows, *), with the `sizes` of its steps."""
    finals: list[State] = []
    directions = 2 if bidirectional else 1
    layers = len(weights) // directions
    for layer in range(layers):
        results = []
        for direction in range(directions):
            place = layer * directions + direction
            gates = weights[place].of_input(x)
            steps = list(gates.unbind(0) if sizes is None else gates.split(sizes))
            outputs, final = _walk(step, steps, starts[place], weights[place], direction == 1)
            results.append(stack(outputs) if sizes is None else cat(outputs))
            finals.append(final)
        x = cat(results, -1) if bidirectional else results[0]
        if dropout and train and layer < layers - 1:
            x = noisy(x, dropout, train, False, channels=False, alpha=False)
    return x, finals


# ---- torch.lstm, torch.gru, ... --------------------------------------------------------------------

_PADDED = (
    "input", "hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional",
    "batch_first",
)  # fmt: skip
_PACKED = (
    "data", "batch_sizes", "hx", "params", "has_biases", "num_layers", "dropout", "train",
    "bidirectional",
)  # fmt: skip


def _arguments(name: str, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name; a packed call has a tensor of batch sizes before the state."""
    is_packed = "batch_sizes" in kwargs or (
        isinstance(args[1], Tensor) if name == "lstm" and len(args) > 1
        else len(args) > 2 and isinstance(args[2], Tensor)
    )  # fmt: skip
    names = _PACKED if is_packed else _PADDED
    given = dict(zip(names, args)) | kwargs
    if len(args) > len(names) or set(given) != set(names):
        raise TypeError(
            f"{name}() received an invalid combination of arguments: expected ({', '.join(names)})"
        )
    return given


def _weights(
    params: Sequence[Tensor], has_biases: bool, projected: bool, layers: int, is_lstm: bool
) -> list[Weights]:
    """torch's flat list of parameters, cut into layers.  Raises RuntimeError for a wrong number."""
    per = (4 if has_biases else 2) + projected
    if len(params) % per:
        if is_lstm:
            raise RuntimeError(
                f"MatrixRef: ArrayRef size {len(params)} not divisible by stride {per}"
            )
        raise RuntimeError("got an incorrect number of RNN parameters")
    if len(params) // per < layers:
        raise RuntimeError("Expected more hidden states in stacked_rnn")
    found = []
    for start in range(0, layers * per, per):
        own = list(params[start : start + per])
        w_hr = own.pop() if projected else None
        b_ih, b_hh = own[2:] if has_biases else (None, None)
        found.append(Weights(own[0], own[1], b_ih, b_hh, w_hr))
    return found


def _run(name: str, step: Step, args: tuple, kwargs: dict[str, Any]) -> tuple[Tensor, ...]:
    """One call of torch.lstm and its kin."""
    given = _arguments(name, args, kwargs)
    states: State = tuple(given["hx"]) if name == "lstm" else (given["hx"],)
    if name == "lstm" and len(states) != 2:
        raise RuntimeError("lstm expects two hidden states")
    projected = name == "lstm" and states[0].size(2) != states[1].size(2)
    both = 2 if given["bidirectional"] else 1
    count = given["num_layers"] * both
    weights = _weights(given["params"], given["has_biases"], projected, count, name == "lstm")
    if any(s.size(0) < count for s in states):
        raise RuntimeError("Expected more hidden states in stacked_rnn")
    starts = list(zip(*[s.unbind(0) for s in states]))
    x = given["data"] if "data" in given else given["input"]
    sizes = given["batch_sizes"].tolist() if "batch_sizes" in given else None
    batch_first = given.get("batch_first", False)
    x = x.transpose(0, 1) if batch_first else x
    if sizes is None and x.size(0) == 0:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    options = given["dropout"], given["train"], given["bidirectional"]
    out, finals = _layers(step, x, sizes, starts, weights, *options)
    fused = name == "lstm" and sizes is None and not projected and both == 1
    if fused and x.dtype is float32:  # what torch has one kernel for
        rename(out, "MkldnnRnnLayerBackward0")
    if batch_first:
        out = out.transpose(0, 1)
        out = out if name == "lstm" else rename(out, "TransposeBackward1")  # torch: in place
    return out, *[stack(parts) for parts in zip(*finals)]


def _network(name: str, step: Step, what: str) -> Callable[..., tuple[Tensor, ...]]:
    def function(*args: Any, **kwargs: Any) -> tuple[Tensor, ...]:
        return _run(name, step, args, kwargs)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"{what}: (input, hx, params, has_biases, num_layers, dropout, train, bidirectional,\n"
        "    batch_first), or (data, batch_sizes, hx, ...) packed → output, final states.\n"
        "    Raises RuntimeError for sizes and numbers that do not fit."
    )
    return op(function, method=False)


lstm = _network("lstm", _lstm, "Long short-term memory")
gru = _network("gru", _gru, "Gated recurrent units")
rnn_tanh = _network("rnn_tanh", _tanh, "Elman's network with tanh")
rnn_relu = _network("rnn_relu", _relu, "Elman's network with relu")


# ---- torch.lstm_cell, ... ----------------------------------------------------------------------------


def _check_cell(x: Tensor, states: State, w_ih: Tensor, w_hh: Tensor) -> None:
    """Raise torch's RuntimeErrors for sizes that do not fit."""
    if x.size(1) != w_ih.size(1):
        raise RuntimeError(
            f"input has inconsistent input_size: got {x.size(1)} expected {w_ih.size(1)}"
        )
    for number, state in enumerate(states):
        if x.size(0) != state.size(0):
            raise RuntimeError(
                f"Input batch size {x.size(0)} doesn't match hidden{number} batch size "
                f"{state.size(0)}"
            )
        if state.size(1) != w_hh.size(1):
            raise RuntimeError(
                f"hidden{number} has inconsistent hidden_size: got {state.size(1)}, "
                f"expected {w_hh.size(1)}"
            )


@op(method=False)
def lstm_cell(
    input: Tensor, hx: Sequence[Tensor], w_ih: Tensor, w_hh: Tensor,
    b_ih: Tensor | None = None, b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """One step of an LSTM: input (N, in), hx = (h, c), each (N, hidden) → the next (h, c)."""
    if len(hx) != 2:
        raise RuntimeError("lstm_cell expects two hidden states")
    state, weights = (hx[0], hx[1]), Weights(w_ih, w_hh, b_ih, b_hh)
    _check_cell(input, state, w_ih, w_hh)
    h, c = _lstm(weights.of_input(input), state, weights)
    return h, c


def _cell(
    step: Step, input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor,
    b_ih: Tensor | None = None, b_hh: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """One step: input (N, in), state hx (N, hidden) → the next state."""
    weights = Weights(w_ih, w_hh, b_ih, b_hh)
    _check_cell(input, (hx,), w_ih, w_hh)
    return step(weights.of_input(input), (hx,), weights)[0]


def _single(name: str, step: Step) -> Callable[..., Tensor]:
    function = functools.partial(_cell, step)
    functools.update_wrapper(function, _cell)
    return op(function, method=False, name=name)


gru_cell = _single("gru_cell", _gru)
rnn_tanh_cell = _single("rnn_tanh_cell", _tanh)
rnn_relu_cell = _single("rnn_relu_cell", _relu)


# ---- packing -----------------------------------------------------------------------------------------


def packed(input: Tensor, lengths: list[int]) -> tuple[Tensor, list[int]]:
    """(T, N, *) and decreasing lengths → rows (Σ lengths, *), step by step, and rows per step."""
    sizes = [sum(n > t for n in lengths) for t in range(max(lengths))]
    rows = [t * len(lengths) + n for t, size in enumerate(sizes) for n in range(size)]
    data = input.flatten(0, 1)[wrap(np.array(rows, np.int64))]
    return rename(data, "PackPaddedSequenceBackward0"), sizes


def padded(data: Tensor, sizes: list[int], value: float, length: int) -> tuple[Tensor, list[int]]:
    """The reverse: (length, N, *) filled up with `value`, and the length of every sequence."""
    batch = sizes[0]
    whole = data.new_full((length * batch, *data.shape[1:]), value)
    rows = [t * batch + n for t, size in enumerate(sizes) for n in range(size)]
    filled = whole.index_copy(0, wrap(np.array(rows, np.int64)), data)
    return filled.unflatten(0, (length, batch)), [
        sum(size > n for size in sizes) for n in range(batch)
    ]
