"""Cases of nn.functional: activations, normalisation, and what is no convolution, pool or loss."""

from __future__ import annotations

from typing import Unpack

from . import convolution, losses
from .nn_common import NET, fun
from .spec import ALL, FLOATS, INEXACT, REAL, Call, F, I, L, Options, Row, X, call, table


# fmt: off
def activation(name: str, *more: Call, **options: Unpack[Options]) -> Row:
    """A pointwise activation; `more` are calls with its parameters."""
    every: Options = {"level": "ulp", **options}
    return fun(name, call(X(3, 4)), call(X()), call(X(0, 3)), call(X(96, domain=(-6.0, 6.0))),
        *more, bad=[call("a")], **every)


ACTIVATIONS = [
    activation("relu", call(X(3, 4), inplace=False), level="exact", dtypes=REAL),
    activation("relu6", level="exact"), activation("sigmoid", dtypes=ALL),
    activation("tanh", dtypes=ALL), activation("gelu", call(X(3, 4), approximate="tanh"),
        call(X(96, domain=(-6.0, 6.0)), approximate="tanh")),
    activation("silu", dtypes=INEXACT), activation("mish"), activation("elu", call(X(3, 4), 0.5)),
    activation("selu"), activation("celu", call(X(3, 4), 2.0)),
    activation("leaky_relu", call(X(3, 4), 0.25), level="exact"),
    activation("softplus", call(X(3, 4), 2, 1.5)), activation("softsign"),
    activation("hardtanh", call(X(3, 4), -0.5, 2.0), level="exact"), activation("hardsigmoid"),
    activation("hardswish"), activation("logsigmoid"),
    activation("tanhshrink"), activation("softshrink", call(X(3, 4), 0.25), level="exact"),
    activation("hardshrink", call(X(3, 4), 0.25), level="exact"),
    fun("threshold", call(X(3, 4), 0.5, 2.0), call(X(), 0, 1), level="exact"),
    fun("prelu", call(X(3, 4), X(1)), call(X(3, 4, 2), X(4)), bad=[call(X(3, 4), X(3))],
        level="exact"), fun("glu", call(X(3, 4)), call(X(4, 3), 0), bad=[call(X(3, 3)), call(X())],
        level="ulp"),
    *(fun(n, call(X(3, 4), 1), call(X(2, 3, 4), dim=-2), call(X(), dim=0), call(X(0, 3), 1),
        call(X(2, 40), 1), bad=[call(X(3), 1)]) for n in ("softmax", "log_softmax", "softmin")),
    fun("normalize", call(X(3, 4)), call(X(3, 4), 1, 0), call(X(3, 4), p=3.0), dtypes=NET,
        special=False), fun("one_hot", call(I(4)), call(I(2, 3), 6), call(I(0), 3),
        bad=[call(I(3, low=3, high=4), 2), call(F(3)), call(L([-1], "int64"), 3)], grad=False,
        level="exact"),
    fun("cosine_similarity", call(X(3, 4), X(3, 4)), call(X(3, 4), X(4), dim=-1), dtypes=FLOATS,
        special=False), fun("pairwise_distance", call(X(3, 4), X(3, 4)),
        call(X(3, 4), X(3, 4), 1.0, keepdim=True), dtypes=FLOATS, special=False),
]

POS = "positive"
NORMS = [
    fun("batch_norm", call(X(6, 3), F(3, grad=False), F(3, domain=POS, grad=False), X(3), X(3),
        True), call(X(6, 3), F(3, grad=False), F(3, domain=POS, grad=False)),
        call(X(4, 3, 2, 2), None, None, X(3), X(3), training=True),
        call(X(4, 3, 5), F(3, grad=False), F(3, domain=POS, grad=False), X(3), X(3), training=True,
            momentum=0.5, eps=0.25),
        bad=[call(X(1, 3), F(3, grad=False), F(3, grad=False), training=True),
            call(X(6, 3), F(4, grad=False), F(4, grad=False))], dtypes=("float32",), depth=24,
            special=False),
    fun("layer_norm", call(X(3, 4), (4,)), call(X(2, 3, 4), (3, 4), X(3, 4), X(3, 4)),
        call(X(3, 4), [4], X(4), None), call(X(3, 40), (40,), X(40), X(40), 0.25),
        call(X(0, 4), (4,)), bad=[call(X(3, 4), (3,)), call(X(3, 4), (4,), X(3)),
            call(X(3, 4), ())], dtypes=NET, depth=24, special=False),
    fun("group_norm", call(X(2, 4, 3), 2), call(X(2, 4, 3, 2), 4, X(4), X(4)),
        call(X(2, 4, 3), 1, eps=0.25), bad=[call(X(2, 4, 3), 3)], dtypes=FLOATS, depth=24,
        special=False), fun("instance_norm", call(X(2, 3, 5)),
        call(X(2, 3, 4, 4), weight=X(3), bias=X(3)), bad=[call(X(2, 3, 1))], dtypes=FLOATS,
        depth=24, special=False),
    fun("local_response_norm", call(X(2, 5, 4), 3), dtypes=FLOATS, special=False),
    fun("rms_norm", call(X(3, 4), (4,)), call(X(3, 4), (4,), X(4)), dtypes=FLOATS, special=False,
        depth=24),
]

PADS = [call(X(3, 4), (1, 2)), call(X(3, 4), (1, 2, 0, 1), value=2),
    call(X(2, 3, 4, 5), (1, -1, 2, 0)), *(call(X(2, 3, 4, 5), (1, 2, 2, 1),
        mode=m) for m in ("reflect", "replicate", "circular")), call(X(2, 3, 5), (2, 1), "reflect"),
        call(X(3, 4), (0, 0)), call(X(0, 3), (1, 1))]
ZOOM = X(1, 2, 4, 5)
OTHERS = [
    fun("pad", *PADS, bad=[call(X(3), (1,)), call(X(3), (1, 1, 1, 1)),
        call(X(2, 3, 5), (5, 1), "reflect"), call(X(3, 4), (-5, 0)), call(X(3), (1, 1), "abc")],
        level="exact", dtypes=ALL, special=False),
    fun("embedding", call(I(2, 3), X(4, 5)), call(I(), X(4, 5)), call(I(6), X(4, 5), padding_idx=1),
        call(I(0), X(4, 5)), call(I(6), X(4, 5), scale_grad_by_freq=True),
        bad=[call(I(3, low=4, high=9), X(4, 5)), call(F(3), X(4, 5)), call(I(3), X(4))], dtypes=NET,
        special=False), fun("embedding_bag", call(I(2, 3), X(4, 5)),
        call(I(6), X(4, 5), L([0, 2], "int64"), mode="sum"), dtypes=FLOATS, special=False,
        second=False),
    fun("dropout", call(X(40), 0.5), call(X(3, 4), 0.25), call(X(3, 4), 0.5, False),
        call(X(3, 4), 0.0), call(X(3, 4), 1.0), bad=[call(X(3), 1.5), call(X(3), -0.5)], dtypes=NET,
        random=True, level="ulp", special=False), *(fun(n, call(s, 0.5), call(s, 0.5, False),
            dtypes=FLOATS, random=True, level="ulp", special=False) for n,
            s in (("dropout1d", X(2, 6, 3)), ("dropout2d", X(2, 6, 3, 2)),
                ("dropout3d", X(2, 6, 2, 2, 2)))),
    fun("alpha_dropout", call(X(40), 0.25), call(X(3, 4), 0.5, False), dtypes=FLOATS, random=True,
        special=False), fun("feature_alpha_dropout", call(X(2, 6, 3), 0.25), dtypes=FLOATS,
        random=True, special=False), fun("gumbel_softmax", call(X(3, 4)), call(X(3, 4), 0.5, True),
        dtypes=FLOATS, random=True, special=False, depth=12), fun("rrelu", call(X(3, 4)),
        call(X(3, 4), 0.125, 0.25, True), dtypes=FLOATS, random=True, special=False, second=False),
    fun("interpolate", call(ZOOM, scale_factor=2), call(ZOOM, (3, 7)),
        call(ZOOM, (8, 9), mode="bilinear"), call(ZOOM, (8, 9), mode="bilinear",
            align_corners=True), call(X(1, 2, 5), 9, mode="linear"),
            call(ZOOM, (7, 7), mode="bicubic"), call(ZOOM, (2, 3), mode="area"),
            call(ZOOM, (6, 7), mode="nearest-exact"), bad=[call(ZOOM), call(X(3), 2),
                call(ZOOM, (2, 2), mode="abc")], dtypes=FLOATS, special=False),
                fun("upsample", call(ZOOM, scale_factor=2), dtypes=FLOATS, special=False),
    fun("pixel_shuffle", call(X(1, 8, 2, 3), 2), bad=[call(X(1, 6, 2, 2), 2)], level="exact",
        dtypes=FLOATS), fun("pixel_unshuffle", call(X(1, 2, 4, 6), 2), level="exact",
        dtypes=FLOATS), fun("channel_shuffle", call(X(1, 4, 2, 2), 2), level="exact",
        dtypes=FLOATS), fun("scaled_dot_product_attention",
        call(X(2, 3, 4), X(2, 5, 4), X(2, 5, 4)), call(X(2, 3, 4), X(2, 3, 4), X(2, 3, 4),
            is_causal=True), call(X(2, 3, 4), X(2, 5, 4), X(2, 5, 4), X(3, 5, grad=False)),
            dtypes=FLOATS, special=False, depth=24, second=False),
    fun("pdist", call(X(4, 3)), dtypes=FLOATS, special=False, second=False),
]

ROWS = table("nn.functional", ACTIVATIONS + NORMS + OTHERS)
ROWS |= convolution.ROWS | losses.ROWS

