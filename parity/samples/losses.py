"""Cases of nn.functional: losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from .nn_common import NET, fun
from .spec import FLOATS, HALF, Call, F, I, L, Options, Row, X, call, table

# fmt: off
POS = "positive"
REDS = ("none", "mean", "sum")
Y = I(5, low=0, high=4)


def loss(name: str, *calls: Call, bad: Sequence[Call] = (), domain: str = "any",
    target: str = "any", target_grad: bool = True, **options: Unpack[Options]) -> Row:
    """A loss of two tensors of one shape, with each reduction."""
    pair = X(3, 4, domain=domain), X(3, 4, domain=target, grad=target_grad)
    every: Options = {"dtypes": NET, "special": False, "depth": 8, **options}
    return fun(name, call(*pair), *(call(*pair, reduction=r) for r in REDS), *calls,
        bad=[*bad, call(*pair, reduction="abc")], **every)


LOSSES = [
    fun("cross_entropy", call(X(5, 4), Y), call(X(5, 4), Y, weight=X(4, domain=POS, grad=False)),
        *(call(X(5, 4), Y, reduction=r) for r in REDS),
        call(X(5, 4), L([0, 1, -100, 3, 2], "int64")), call(X(5, 4), Y, ignore_index=1),
        call(X(5, 4), Y, label_smoothing=0.25), call(X(5, 4), X(5, 4, domain="prob")),
        call(X(5, 4), X(5, 4, domain="prob"), label_smoothing=0.25, reduction="sum"),
        call(X(2, 4, 3), I(2, 3)), call(X(4), I()), call(X(5, 4), Y, X(4, domain=POS, grad=False),
            label_smoothing=0.5, ignore_index=0), call(X(5, 4), X(5, 4, domain="prob"),
            X(4, domain=POS, grad=False)), call(X(0, 4), I(0)),
            bad=[call(X(5, 4), I(4)), call(X(5, 4), L([0, 1, 4, 0, 0], "int64")),
                call(X(5, 4), F(5)), call(X(5, 4), Y, reduction="abc"),
                call(X(5, 4), Y, weight=X(3))], dtypes=FLOATS + HALF, special=False, depth=16),
    fun("nll_loss", call(X(5, 4), Y), *(call(X(5, 4), Y, reduction=r) for r in REDS),
        call(X(5, 4), Y, weight=X(4, domain=POS, grad=False)),
        call(X(5, 4), L([0, 1, -100, 3, 2], "int64")),
        call(X(5, 4), Y, ignore_index=1, reduction="sum"), call(X(2, 4, 3, 2), I(2, 3, 2)),
        call(X(4), I()), bad=[call(X(5, 4), I(4)), call(X(5, 4), L([0, 1, 4, 0, 0], "int64")),
            call(X(5, 4), F(5))], dtypes=NET, special=False, depth=8),
    loss("mse_loss", call(X(), X()), call(X(0), X(0)), call(X(3, 4), X(4)), bad=[call(X(3), X(4))]),
    loss("l1_loss", call(X(3, domain="ties"), X(3, domain="ties"))),
    loss("smooth_l1_loss", call(X(3, 4), X(3, 4), beta=0.5), call(X(3, 4), X(3, 4), beta=0.0)),
    loss("huber_loss", call(X(3, 4), X(3, 4), delta=0.5), bad=[call(X(3), X(3), delta=-1.0)]),
    loss("binary_cross_entropy", call(L([0.0, 1.0, 1.0, 0.0]), L([0.0, 1.0, 0.0, 1.0])),
        call(X(3, domain="prob"), X(3, domain="prob"), weight=X(3, domain=POS, grad=False)),
        bad=[call(L([1.5]), L([1.0])), call(X(3, domain="prob"), X(4, domain="prob"))],
        domain="prob", target="prob", second=False), loss("binary_cross_entropy_with_logits",
        call(X(3, 4), X(3, 4, domain="prob"), pos_weight=X(4, domain=POS, grad=False)),
        call(X(3, 4), X(3, 4, domain="prob"), weight=X(4, domain=POS, grad=False)),
        bad=[call(X(3), X(4))] + [Call((X(2, 3), X(2, 3)), {which: X(*shape, grad=False)})
            for which in ("weight", "pos_weight")
            for shape in ((2,), (0,), (4, 2, 3), (1, 2, 3), (2, 2))], target="prob"),
    loss("kl_div", call(X(3, 4), X(3, 4), log_target=True),
        call(X(3, 4), X(3, 4, domain="prob"), reduction="batchmean"), target="prob"),
        loss("poisson_nll_loss", call(X(3, 4, domain=POS), X(3, 4, domain=POS), log_input=False,
            full=True), target=POS, dtypes=FLOATS), loss("soft_margin_loss", dtypes=FLOATS,
            target_grad=False),
    loss("hinge_embedding_loss", call(X(4), L([1.0, -1.0, 1.0, -1.0], grad=False), margin=2.0),
        dtypes=FLOATS, target_grad=False), loss("multilabel_soft_margin_loss", target="prob",
        dtypes=FLOATS), fun("gaussian_nll_loss", call(X(3, 4), X(3, 4), X(3, 4, domain=POS)),
        call(X(3, 4), X(3, 4), X(3, 4, domain=POS), full=True, reduction="sum"), dtypes=FLOATS,
        special=False, depth=8),
    fun("margin_ranking_loss", call(X(4), X(4), L([1.0, -1.0, 1.0, -1.0], grad=False)),
        call(X(4), X(4), L([1.0, -1.0, 1.0, -1.0], grad=False), margin=0.5, reduction="none"),
        dtypes=FLOATS, special=False), fun("cosine_embedding_loss",
        call(X(3, 4), X(3, 4), L([1.0, -1.0, 1.0], grad=False)), dtypes=FLOATS, special=False,
        depth=8), fun("triplet_margin_loss", call(X(3, 4), X(3, 4), X(3, 4)),
        call(X(3, 4), X(3, 4), X(3, 4), margin=2.0, swap=True), dtypes=FLOATS, special=False,
        depth=8),
    fun("multi_margin_loss", call(X(5, 4), Y), call(X(5, 4), Y, p=2, reduction="none"),
        dtypes=FLOATS, special=False, second=False), fun("multilabel_margin_loss",
        call(X(2, 4), L([[3, 0, -1, 1], [0, -1, 2, 1]], "int64")), dtypes=FLOATS, special=False,
        second=False), fun("triplet_margin_with_distance_loss", call(X(3, 4), X(3, 4), X(3, 4)),
        dtypes=FLOATS, special=False, depth=8),
]

ROWS = table("losses", LOSSES)
