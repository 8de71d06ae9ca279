"""Cases of the nn functions that torch also has on its own namespace.

Some have the signature of `nn.functional` and share its row; torch's C++ layer gives the others
arguments of their own: weights before statistics, `train` for `training`, reductions as numbers.
"""

from __future__ import annotations

from dataclasses import replace

from . import functional
from .spec import FLOATS, HALF, I, L, Row, X, call, rows_with, table

# fmt: off
SHARED = ("celu", "selu", "hardshrink", "threshold", "rrelu", "conv1d", "conv2d", "conv3d",
    "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "bilinear", "cosine_similarity",
    "pairwise_distance", "pdist",
          "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "avg_pool1d",
          "adaptive_avg_pool1d", "rms_norm")

SIGNS = L([1.0, -1.0, 1.0, -1.0], grad=False)
POS = "positive"
STATS = X(3, grad=False), X(3, domain=POS, grad=False)


own = rows_with(level="sum", dtypes=FLOATS, special=False)


def dropped(name: str) -> Row:
    return own(name, call(X(4, 6, 3), 0.25, True), call(X(4, 6, 3), 0.5, False),
        bad=[call(X(3), 1.5, True)], random=True)


ROWS = table("nn on torch", [
    own("constant_pad_nd", call(X(3, 4), (1, 2)), call(X(3, 4), (1, 0, 0, 2), 2),
        call(X(3, 4), (-1, 1)), bad=[call(X(3), (1,)), call(X(3), (1, 1, 1, 1))], level="exact",
        dtypes=FLOATS + HALF + ("int64",)),
    own("native_channel_shuffle", call(X(1, 4, 2, 3), 2), call(X(2, 6, 3), 3), call(X(0, 4, 2), 2),
        bad=[call(X(1, 4, 2, 2), 3), call(X(1, 4, 2, 2), 0), call(X(2, 4), 2)], level="exact",
        dtypes=FLOATS + HALF + ("int64",)),
    *(own(f"max_pool{n}d", call(X(2, 3, *(5,) * n, domain="distinct"), 2),
        call(X(2, 3, *(5,) * n, domain="distinct"), 3, 2, 1), level="exact") for n in (1, 2, 3)),
    own("adaptive_max_pool1d", call(X(2, 3, 9, domain="distinct"), 4), level="exact"),
    dropped("dropout"), dropped("alpha_dropout"), dropped("feature_dropout"),
    dropped("feature_alpha_dropout"),
    own("batch_norm", call(X(6, 3), X(3), X(3), *STATS, True, 0.125, 0.25, True),
        call(X(6, 3), None, None, *STATS, False, 0.125, 0.25, True), depth=24, layouts=False),
    own("instance_norm", call(X(2, 3, 5), X(3), X(3), None, None, True, 0.125, 0.25, True),
        depth=24),
    own("layer_norm", call(X(3, 4), (4,)), call(X(3, 4), (4,), X(4), X(4), 0.25),
        bad=[call(X(3, 4), (3,))], depth=24), own("group_norm", call(X(2, 4, 3), 2),
        call(X(2, 4, 3), 2, X(4), X(4), 0.25), bad=[call(X(2, 4, 3), 3)], depth=24),
    own("embedding", call(X(4, 5), I(2, 3)), call(X(4, 5), I(6), 1, True),
        bad=[call(X(4, 5), I(3, low=4, high=9))], level="sum"),
    own("binary_cross_entropy_with_logits", call(X(3, 4), X(3, 4, domain="prob")),
        call(X(3, 4), X(3, 4, domain="prob"), None, None, 2), depth=8),
        own("cosine_embedding_loss", call(X(4, 3), X(4, 3), SIGNS),
            call(X(4, 3), X(4, 3), SIGNS, 0.25, 0), depth=8),
    own("hinge_embedding_loss", call(X(4), SIGNS), call(X(4), SIGNS, 2.0, 0), depth=8),
    own("margin_ranking_loss", call(X(4), X(4), SIGNS), call(X(4), X(4), SIGNS, 0.5, 2), depth=8),
    own("triplet_margin_loss", call(X(3, 4), X(3, 4), X(3, 4)),
        call(X(3, 4), X(3, 4), X(3, 4), 2.0, 2.0, 0.125, True, 2), depth=8),
    own("kl_div", call(X(3, 4), X(3, 4, domain="prob")), call(X(3, 4), X(3, 4), 2, log_target=True),
        depth=8), own("poisson_nll_loss", call(X(3, 4), X(3, 4, domain=POS), True, False, 0.125, 0),
        call(X(3, 4, domain=POS), X(3, 4, domain=POS), False, True, 0.125, 2), depth=8),
])
ROWS |= {("torch", name): replace(functional.ROWS["nn.functional", name],
    namespace="torch") for name in SHARED}
