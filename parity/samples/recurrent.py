"""Cases of sequence models: recurrent networks and their cells, padded and packed; attention."""

from __future__ import annotations

from typing import Any

from .spec import FLOATS, Arr, Call, L, Row, call, row, table


# Mild values: a saturated gate (1 − tanh² near 0) magnifies every rounding before it without bound.
def X(*shape: int) -> Arr:  # noqa: N802 - spelt as in the other tables
    return Arr(shape, None, (-1.0, 1.0))


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
            X(2, 3, 5), state(4, 2, 3), weights(gates, 5, 5, 6, 6), *options(2, both=True), True
        ),
        call(X(3, 2, 5), state(2, 2, 3), weights(gates, 5, 3), *options(2, drop=0.5), False),
        call(X(8, 5), SIZES, state(1, 3, 3), weights(gates, 5), *options()),
        call(X(8, 5), SIZES, state(2, 3, 3), weights(gates, 5, 5), *options(both=True)),
        *_projected(name),
        bad=[
            call(X(0, 2, 5), state(1, 2, 3), weights(gates, 5), *options(), False),
            call(X(4, 2, 5), state(1, 2, 3), weights(gates, 5)[:3], *options(), False),
            *_wrong(name, gates, state),
        ],
        level="sum", dtypes=FLOATS, special=False, second=False, random=True, depth=64,
        layouts=False,
    )  # fmt: skip


def _wrong(name: str, gates: int, state: Any) -> list[Call]:
    """Sizes and layers that do not fit; torch's LSTM does not look, and reads past the end."""
    if name == "lstm":
        return []
    return [
        call(X(4, 2, 4), state(1, 2, 3), weights(gates, 5), *options(), False),
        call(X(4, 2, 5), state(1, 2, 3), weights(gates, 5), *options(2), False),
    ]


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


def _attention() -> Row:
    """Self-attention, attention to another sequence, masks, appended rows, other sizes.

    Without gradients: that of the key's bias is 0 but for rounding (softmax ignores a shift), so an
    error in ULPs of it means nothing.  `parity modules` compares them, by each tensor's largest.
    """
    own, out = (X(12, 4), X(12)), (X(4, 4), X(4))
    self_attention = X(3, 2, 4), X(3, 2, 4), X(3, 2, 4)
    cross = X(3, 2, 4), X(5, 2, 4), X(5, 2, 4)
    plain = (4, 2, *own, None, None, False, 0.0, *out)
    separate: dict[str, Any] = {
        "use_separate_proj_weight": True, "q_proj_weight": X(4, 4), "k_proj_weight": X(4, 3),
        "v_proj_weight": X(4, 2),
    }  # fmt: skip
    hidden = L([[False, False, True], [False, False, False]], "bool")
    return row(
        "nn.functional.multi_head_attention_forward",
        call(*self_attention, *plain),
        call(*cross, *plain, attn_mask=X(3, 5)),
        call(*cross, *plain, need_weights=False),
        call(*self_attention, *plain, key_padding_mask=hidden, average_attn_weights=False),
        call(*self_attention, 4, 2, own[0], None, X(1, 1, 4), X(1, 1, 4), True, 0.0, out[0], None),
        call(X(3, 4), X(5, 4), X(5, 4), *plain),
        call(
            X(3, 2, 4), X(5, 2, 3), X(5, 2, 2), 4, 2, None, X(12), None, None, False, 0.0, *out,
            **separate,
        ),
        bad=[
            call(X(3, 4, 4), X(3, 4), X(3, 4), *plain),
            call(*cross, *plain, attn_mask=X(5, 3)),
            call(*cross, 5, 2, *own, None, None, False, 0.0, *out),
            call(*cross, *plain, is_causal=True),
        ],
        level="sum", dtypes=FLOATS, special=False, second=False, depth=64,
        layouts=False,
    )  # fmt: skip


ROWS = table(
    "recurrent",
    [
        _attention(),
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
