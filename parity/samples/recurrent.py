"""Cases of recurrent networks and their cells: torch's flat functions, padded and packed."""

from __future__ import annotations

from typing import Any

from .spec import FLOATS, Arr, Call, L, Row, X, call, row, table

SIZES = L([3, 2, 2, 1], "int64")  # a packed batch: 8 rows, of sequences of lengths 4, 3, 1


def weights(gates: int, *sizes: int, hidden: int = 3, bias: bool = True, proj: int = 0) -> list[Arr]:
    """torch's flat list of parameters of layers whose inputs have these sizes."""
    rows, found = gates * hidden, []
    for size in sizes:
        found += [X(rows, size), X(rows, proj or hidden)]
        found += [X(rows), X(rows)] if bias else []
        found += [X(proj, hidden)] if proj else []
    return found


def options(layers: int = 1, bias: bool = True, both: bool = False, drop: float = 0.0) -> tuple:
    return bias, layers, drop, drop > 0, both


def network(name: str, gates: int, state: Any) -> Row:
    """One kind of network; `state(*shape)` gives its hx."""
    return row(
        name,
        call(X(4, 2, 5), state(1, 2, 3), weights(gates, 5), *options(), False),
        call(X(2, 4, 5), state(2, 2, 3), weights(gates, 5, 3), *options(2), True),
        call(X(3, 2, 5), state(2, 2, 3), weights(gates, 5, 5), *options(both=True), False),
        call(
            X(3, 2, 5), state(1, 2, 3), weights(gates, 5, bias=False), *options(bias=False), False
        ),
        call(
            X(3, 2, 5), state(4, 2, 3), weights(gates, 5, 5, 6, 6), *options(2, both=True), True
        ),
        call(X(3, 2, 5), state(2, 2, 3), weights(gates, 5, 3), *options(2, drop=0.5), False),
        call(X(8, 5), SIZES, state(1, 3, 3), weights(gates, 5), *options()),
        call(X(8, 5), SIZES, state(2, 3, 3), weights(gates, 5, 5), *options(both=True)),
        *_projected(name),
        bad=[
            call(X(0, 2, 5), state(1, 2, 3), weights(gates, 5), *options(), False),
            # torch's LSTM does not check the width of its input, and reads past the end
            *([] if name == "lstm" else [call(
                X(4, 2, 4), state(1, 2, 3), weights(gates, 5), *options(), False
            )]),
            call(X(4, 2, 5), state(1, 2, 3), weights(gates, 5)[:3], *options(), False),
            call(X(4, 2, 5), state(1, 2, 3), weights(gates, 5), *options(2), False),
        ],
        level="sum", dtypes=FLOATS, special=False, second=False, random=True, depth=64,
        layouts=False,
    )  # fmt: skip


def _projected(name: str) -> list[Call]:
    if name != "lstm":
        return []
    params, pair = weights(4, 5, 2, proj=2), (X(2, 2, 2), X(2, 2, 3))
    return [call(X(4, 2, 5), pair, params, *options(2), False)]


def cell(name: str, gates: int, state: Any) -> Row:
    """One kind of cell."""
    params = weights(gates, 5)
    return row(
        name,
        call(X(2, 5), state(2, 3), *params),
        call(X(2, 5), state(2, 3), *params[:2]),
        call(X(0, 5), state(0, 3), *params),
        bad=[
            call(X(2, 4), state(2, 3), *params),
            call(X(3, 5), state(2, 3), *params),
            call(X(2, 5), state(2, 4), *params),
        ],
        level="sum", dtypes=FLOATS, special=False, depth=64,
    )  # fmt: skip


def _pair(*shape: int) -> tuple[Arr, Arr]:
    return X(*shape), X(*shape)


ROWS = table(
    "recurrent",
    [
        network("lstm", 4, _pair),
        network("gru", 3, X),
        network("rnn_tanh", 1, X),
        network("rnn_relu", 1, X),
        cell("lstm_cell", 4, _pair),
        cell("gru_cell", 3, X),
        cell("rnn_tanh_cell", 1, X),
        cell("rnn_relu_cell", 1, X),
    ],
)
