"""Cases of nn.functional: activations, convolutions, pools, normalisation, losses, and the rest."""

from __future__ import annotations

from dataclasses import replace

from .spec import ALL, COMPLEX, FLOATS, HALF, INEXACT, REAL, Call, F, I, L, Row, X, call, row, table

NET = FLOATS + HALF
INFERIOR = FLOATS + HALF + ("int64",)


def fun(name: str, *calls: Call, bad: tuple = (), **options: object) -> Row:
    return row(f"nn.functional.{name}", *calls, bad=bad, **{"level": "sum", "dtypes": INFERIOR, **options})


def activation(name: str, *more: Call, level: str = "ulp", **options: object) -> Row:
    """A pointwise activation; `more` are calls with its parameters."""
    return fun(name, call(X(3, 4)), call(X()), call(X(0, 3)), call(X(96, domain=(-6.0, 6.0))), *more, bad=[call("a")], level=level, **options)


ACTIVATIONS = [
    activation("relu", call(X(3, 4), inplace=False), level="exact", dtypes=REAL), activation("relu6", level="exact"), activation("sigmoid", dtypes=ALL), activation("tanh", dtypes=ALL), activation("gelu", call(X(3, 4), approximate="tanh"), call(X(96, domain=(-6.0, 6.0)), approximate="tanh")),
    activation("silu", dtypes=INEXACT), activation("mish"), activation("elu", call(X(3, 4), 0.5)), activation("selu"), activation("celu", call(X(3, 4), 2.0)), activation("leaky_relu", call(X(3, 4), 0.25), level="exact"),
    activation("softplus", call(X(3, 4), 2, 1.5)), activation("softsign"), activation("hardtanh", call(X(3, 4), -0.5, 2.0), level="exact"), activation("hardsigmoid"), activation("hardswish"), activation("logsigmoid"),
    activation("tanhshrink"), activation("softshrink", call(X(3, 4), 0.25), level="exact"), activation("hardshrink", call(X(3, 4), 0.25), level="exact"), fun("threshold", call(X(3, 4), 0.5, 2.0), call(X(), 0, 1), level="exact"),
    fun("prelu", call(X(3, 4), X(1)), call(X(3, 4, 2), X(4)), bad=[call(X(3, 4), X(3))], level="exact"), fun("glu", call(X(3, 4)), call(X(4, 3), 0), bad=[call(X(3, 3)), call(X())], level="ulp"),
    *(fun(n, call(X(3, 4), 1), call(X(2, 3, 4), dim=-2), call(X(), dim=0), call(X(0, 3), 1), call(X(2, 40), 1), bad=[call(X(3), 1)]) for n in ("softmax", "log_softmax", "softmin")),
    fun("normalize", call(X(3, 4)), call(X(3, 4), 1, 0), call(X(3, 4), p=3.0), dtypes=NET, special=False), fun("one_hot", call(I(4)), call(I(2, 3), 6), call(I(0), 3), bad=[call(I(3, low=3, high=4), 2), call(F(3)), call(L([-1], "int64"), 3)], grad=False, level="exact"),
    fun("cosine_similarity", call(X(3, 4), X(3, 4)), call(X(3, 4), X(4), dim=-1), dtypes=FLOATS, special=False), fun("pairwise_distance", call(X(3, 4), X(3, 4)), call(X(3, 4), X(3, 4), 1.0, keepdim=True), dtypes=FLOATS, special=False),
]

IMAGE, KERNEL = X(2, 4, 6, 5), X(6, 4, 3, 2)
CONV2D = [call(IMAGE, KERNEL), call(IMAGE, KERNEL, X(6)), call(IMAGE, KERNEL, X(6), stride=2), call(IMAGE, KERNEL, padding=1), call(IMAGE, KERNEL, X(6), (2, 1), (1, 2)), call(IMAGE, KERNEL, dilation=2), call(IMAGE, X(6, 2, 3, 2), groups=2), call(IMAGE, X(4, 1, 3, 3), groups=4, padding=1),
          call(IMAGE, KERNEL, padding="same"), call(IMAGE, KERNEL, padding="valid"), call(X(4, 6, 5), KERNEL), call(X(1, 1, 3, 3), X(1, 1, 1, 1)), call(IMAGE, X(6, 4, 3, 2), padding=(1, 0), dilation=(1, 2), stride=(2, 1)), call(X(0, 4, 6, 5), KERNEL)]
BAD_CONV = [call(X(2, 3, 6, 5), KERNEL), call(X(2, 4), KERNEL), call(IMAGE, X(6, 4, 7, 2)), call(IMAGE, KERNEL, X(5)), call(IMAGE, KERNEL, stride=0), call(IMAGE, KERNEL, padding=-1), call(IMAGE, KERNEL, groups=3), call(IMAGE, KERNEL, padding="abc"), call(IMAGE, F(6, 4, 3, 2, dtype="float64")), call(IMAGE, KERNEL, padding="same", stride=2)]
LINE, TAPS, CUBE = X(2, 4, 9), X(6, 4, 3), X(1, 2, 4, 4, 5)
CONVOLUTIONS = [
    fun("conv2d", *CONV2D, bad=BAD_CONV, dtypes=FLOATS + HALF + COMPLEX, special=False), fun("conv1d", call(LINE, TAPS), call(LINE, TAPS, X(6), stride=2, padding=1), call(LINE, X(6, 2, 3), groups=2, dilation=2), call(X(4, 9), TAPS), call(LINE, TAPS, padding="same"), bad=[call(X(2, 3, 9), TAPS), call(X(2, 4, 2), TAPS)], dtypes=NET, special=False),
    fun("conv3d", call(CUBE, X(3, 2, 2, 3, 2)), call(CUBE, X(3, 2, 2, 3, 2), X(3), stride=2, padding=1), bad=[call(X(1, 3, 4, 4, 5), X(3, 2, 2, 3, 2))], dtypes=FLOATS, special=False), fun("conv_transpose2d", call(IMAGE, X(4, 3, 3, 2)), call(IMAGE, X(4, 3, 3, 2), X(3), stride=2, padding=1, output_padding=1), call(IMAGE, X(4, 3, 3, 2), groups=2, dilation=2), bad=[call(X(2, 3, 6, 5), X(4, 3, 3, 2)), call(IMAGE, X(4, 3, 3, 2), output_padding=1)], dtypes=FLOATS, special=False),
    fun("conv_transpose1d", call(LINE, X(4, 3, 3)), call(LINE, X(4, 3, 3), X(3), stride=2, padding=1, output_padding=1), dtypes=FLOATS, special=False), fun("conv_transpose3d", call(CUBE, X(2, 3, 2, 3, 2)), dtypes=FLOATS, special=False),
    fun("unfold", call(X(2, 3, 5, 4), (2, 3)), call(X(2, 3, 5, 4), 2, 1, 1, 2), call(X(3, 5, 4), 2), bad=[call(X(3, 3), 2), call(X(1, 1, 3, 3), 5)], level="exact", dtypes=FLOATS, special=False), fun("fold", call(X(2, 12, 12), (5, 4), (2, 2)), call(X(1, 8, 9), (4, 4), 2, padding=1, stride=2), bad=[call(X(2, 12, 11), (5, 4), (2, 2))], dtypes=FLOATS, special=False),
    fun("linear", call(X(3, 4), X(5, 4)), call(X(3, 4), X(5, 4), X(5)), call(X(4), X(5, 4), X(5)), call(X(2, 3, 4), X(5, 4), X(5)), call(X(0, 4), X(5, 4), X(5)), call(X(3, 4), X(4)), call(X(5, 60), X(7, 60), X(7)), bad=[call(X(3, 5), X(4, 4)), call(X(3, 4), F(5, 4, dtype="float64")), call(X(3, 4), X(5, 4), X(6))], dtypes=FLOATS + HALF + COMPLEX + ("int64",), special=False),
    fun("bilinear", call(X(3, 4), X(3, 5), X(2, 4, 5)), call(X(3, 4), X(3, 5), X(2, 4, 5), X(2)), dtypes=FLOATS, special=False),
]

PICTURE = X(2, 3, 6, 7, domain="distinct")
MAX2D = [call(PICTURE, 2), call(PICTURE, (3, 2), stride=1), call(PICTURE, 3, 2, 1), call(PICTURE, 2, dilation=2), call(PICTURE, 2, 2, ceil_mode=True), call(PICTURE, 3, 2, 1, return_indices=True), call(X(3, 6, 7, domain="distinct"), 2), call(X(1, 1, 4, 4, domain="ties"), 2),
         call(X(1, 1, 5, 5, domain="ties"), 3, 1, 1)]
AVG2D = [call(PICTURE, 2), call(PICTURE, (3, 2), stride=1), call(PICTURE, 3, 2, 1), call(PICTURE, 3, 2, 1, count_include_pad=False), call(PICTURE, 2, 2, ceil_mode=True), call(PICTURE, 2, divisor_override=3), call(X(3, 6, 7), 2)]
BAD_POOL = [call(X(3), 2), call(PICTURE, 9), call(PICTURE, 2, 0), call(PICTURE, 2, 2, 2)]
POOLS = [
    fun("max_pool2d", *MAX2D, bad=BAD_POOL, level="exact", dtypes=NET, special=False), fun("avg_pool2d", *AVG2D, bad=BAD_POOL, dtypes=NET, special=False), fun("max_pool1d", call(X(2, 3, 9, domain="distinct"), 2), call(X(2, 3, 9, domain="distinct"), 3, 2, 1, return_indices=True), call(X(3, 9, domain="distinct"), 2, ceil_mode=True), bad=[call(X(3), 2), call(X(1, 1, 3), 2, 0)], level="exact", dtypes=NET, special=False),
    fun("avg_pool1d", call(X(2, 3, 9), 2), call(X(2, 3, 9), 3, 2, 1), call(X(3, 9), 2, ceil_mode=True), dtypes=NET, special=False), fun("max_pool3d", call(X(1, 2, 4, 4, 5, domain="distinct"), 2), call(X(1, 2, 4, 4, 5, domain="distinct"), 3, 2, 1), level="exact", dtypes=FLOATS, special=False), fun("avg_pool3d", call(X(1, 2, 4, 4, 5), 2), call(X(1, 2, 4, 4, 5), 3, 2, 1), dtypes=FLOATS, special=False),
    fun("adaptive_avg_pool2d", call(PICTURE, 3), call(PICTURE, (2, 5)), call(PICTURE, (None, 1)), call(X(3, 6, 7), 1), bad=[call(X(3), 2), call(PICTURE, -1)], dtypes=NET, special=False), fun("adaptive_avg_pool1d", call(X(2, 3, 9), 4), call(X(3, 9), 1), dtypes=NET, special=False), fun("adaptive_avg_pool3d", call(X(1, 2, 4, 4, 5), 2), dtypes=FLOATS, special=False),
    fun("adaptive_max_pool2d", call(PICTURE, 3), call(PICTURE, (2, 5), return_indices=True), level="exact", dtypes=FLOATS, special=False), fun("adaptive_max_pool1d", call(X(2, 3, 9, domain="distinct"), 4), level="exact", dtypes=FLOATS, special=False), fun("adaptive_max_pool3d", call(X(1, 2, 4, 4, 5, domain="distinct"), 2), level="exact", dtypes=FLOATS, special=False),
    fun("lp_pool1d", call(X(2, 3, 9), 2.0, 2), dtypes=FLOATS, special=False), fun("lp_pool2d", call(X(2, 3, 6, 7), 2.0, 2), dtypes=FLOATS, special=False), fun("max_unpool2d", call(X(1, 1, 2, 2), L([[[[0, 3], [8, 10]]]], "int64"), 2), level="exact", dtypes=FLOATS, special=False), fun("max_unpool1d", call(X(1, 1, 2), L([[[0, 3]]], "int64"), 2), level="exact", dtypes=FLOATS, special=False),
]

POS = "positive"
NORMS = [
    fun("batch_norm", call(X(6, 3), F(3, grad=False), F(3, domain=POS, grad=False), X(3), X(3), True), call(X(6, 3), F(3, grad=False), F(3, domain=POS, grad=False)), call(X(4, 3, 2, 2), None, None, X(3), X(3), training=True), call(X(4, 3, 5), F(3, grad=False), F(3, domain=POS, grad=False), X(3), X(3), training=True, momentum=0.5, eps=0.25),
        bad=[call(X(1, 3), F(3, grad=False), F(3, grad=False), training=True), call(X(6, 3), F(4, grad=False), F(4, grad=False))], dtypes=("float32",), depth=24, special=False),
    fun("layer_norm", call(X(3, 4), (4,)), call(X(2, 3, 4), (3, 4), X(3, 4), X(3, 4)), call(X(3, 4), [4], X(4), None), call(X(3, 40), (40,), X(40), X(40), 0.25), call(X(0, 4), (4,)), bad=[call(X(3, 4), (3,)), call(X(3, 4), (4,), X(3)), call(X(3, 4), ())], dtypes=NET, depth=24, special=False),
    fun("group_norm", call(X(2, 4, 3), 2), call(X(2, 4, 3, 2), 4, X(4), X(4)), call(X(2, 4, 3), 1, eps=0.25), bad=[call(X(2, 4, 3), 3)], dtypes=FLOATS, depth=24, special=False), fun("instance_norm", call(X(2, 3, 5)), call(X(2, 3, 4, 4), weight=X(3), bias=X(3)), bad=[call(X(2, 3, 1))], dtypes=FLOATS, depth=24, special=False),
    fun("local_response_norm", call(X(2, 5, 4), 3), dtypes=FLOATS, special=False), fun("rms_norm", call(X(3, 4), (4,)), call(X(3, 4), (4,), X(4)), dtypes=FLOATS, special=False, depth=24),
]

REDS = ("none", "mean", "sum")
Y = I(5, low=0, high=4)


def loss(name: str, *calls: Call, bad: tuple = (), domain: object = "any", target: object = "any", **options: object) -> Row:
    """A loss of two tensors of one shape, with each reduction."""
    pair = X(3, 4, domain=domain), X(3, 4, domain=target, grad=options.pop("target_grad", True))
    return fun(name, call(*pair), *(call(*pair, reduction=r) for r in REDS), *calls, bad=[*bad, call(*pair, reduction="abc")], **{"dtypes": NET, "special": False, "depth": 8, **options})


LOSSES = [
    fun("cross_entropy", call(X(5, 4), Y), call(X(5, 4), Y, weight=X(4, domain=POS, grad=False)), *(call(X(5, 4), Y, reduction=r) for r in REDS), call(X(5, 4), L([0, 1, -100, 3, 2], "int64")), call(X(5, 4), Y, ignore_index=1), call(X(5, 4), Y, label_smoothing=0.25), call(X(5, 4), X(5, 4, domain="prob")), call(X(5, 4), X(5, 4, domain="prob"), label_smoothing=0.25, reduction="sum"),
        call(X(2, 4, 3), I(2, 3)), call(X(4), I()), call(X(5, 4), Y, X(4, domain=POS, grad=False), label_smoothing=0.5, ignore_index=0), call(X(5, 4), X(5, 4, domain="prob"), X(4, domain=POS, grad=False)), call(X(0, 4), I(0)), bad=[call(X(5, 4), I(4)), call(X(5, 4), L([0, 1, 4, 0, 0], "int64")), call(X(5, 4), F(5)), call(X(5, 4), Y, reduction="abc"), call(X(5, 4), Y, weight=X(3))], dtypes=FLOATS + HALF, special=False, depth=16),
    fun("nll_loss", call(X(5, 4), Y), *(call(X(5, 4), Y, reduction=r) for r in REDS), call(X(5, 4), Y, weight=X(4, domain=POS, grad=False)), call(X(5, 4), L([0, 1, -100, 3, 2], "int64")), call(X(5, 4), Y, ignore_index=1, reduction="sum"), call(X(2, 4, 3, 2), I(2, 3, 2)), call(X(4), I()), bad=[call(X(5, 4), I(4)), call(X(5, 4), L([0, 1, 4, 0, 0], "int64")), call(X(5, 4), F(5))], dtypes=NET, special=False, depth=8),
    loss("mse_loss", call(X(), X()), call(X(0), X(0)), call(X(3, 4), X(4)), bad=[call(X(3), X(4))]), loss("l1_loss", call(X(3, domain="ties"), X(3, domain="ties"))), loss("smooth_l1_loss", call(X(3, 4), X(3, 4), beta=0.5), call(X(3, 4), X(3, 4), beta=0.0)), loss("huber_loss", call(X(3, 4), X(3, 4), delta=0.5), bad=[call(X(3), X(3), delta=-1.0)]),
    loss("binary_cross_entropy", call(L([0.0, 1.0, 1.0, 0.0]), L([0.0, 1.0, 0.0, 1.0])), call(X(3, domain="prob"), X(3, domain="prob"), weight=X(3, domain=POS, grad=False)), bad=[call(L([1.5]), L([1.0])), call(X(3, domain="prob"), X(4, domain="prob"))], domain="prob", target="prob", second=False), loss("binary_cross_entropy_with_logits", call(X(3, 4), X(3, 4, domain="prob"), pos_weight=X(4, domain=POS, grad=False)), call(X(3, 4), X(3, 4, domain="prob"), weight=X(4, domain=POS, grad=False)), bad=[call(X(3), X(4))], target="prob"),
    loss("kl_div", call(X(3, 4), X(3, 4), log_target=True), call(X(3, 4), X(3, 4, domain="prob"), reduction="batchmean"), target="prob"), loss("poisson_nll_loss", call(X(3, 4, domain=POS), X(3, 4, domain=POS), log_input=False, full=True), target=POS, dtypes=FLOATS), loss("soft_margin_loss", dtypes=FLOATS, target_grad=False),
    loss("hinge_embedding_loss", call(X(4), L([1.0, -1.0, 1.0, -1.0], grad=False), margin=2.0), dtypes=FLOATS, target_grad=False), loss("multilabel_soft_margin_loss", target="prob", dtypes=FLOATS), fun("gaussian_nll_loss", call(X(3, 4), X(3, 4), X(3, 4, domain=POS)), call(X(3, 4), X(3, 4), X(3, 4, domain=POS), full=True, reduction="sum"), dtypes=FLOATS, special=False, depth=8),
    fun("margin_ranking_loss", call(X(4), X(4), L([1.0, -1.0, 1.0, -1.0], grad=False)), call(X(4), X(4), L([1.0, -1.0, 1.0, -1.0], grad=False), margin=0.5, reduction="none"), dtypes=FLOATS, special=False), fun("cosine_embedding_loss", call(X(3, 4), X(3, 4), L([1.0, -1.0, 1.0], grad=False)), dtypes=FLOATS, special=False, depth=8), fun("triplet_margin_loss", call(X(3, 4), X(3, 4), X(3, 4)), call(X(3, 4), X(3, 4), X(3, 4), margin=2.0, swap=True), dtypes=FLOATS, special=False, depth=8),
    fun("multi_margin_loss", call(X(5, 4), Y), call(X(5, 4), Y, p=2, reduction="none"), dtypes=FLOATS, special=False, second=False), fun("multilabel_margin_loss", call(X(2, 4), L([[3, 0, -1, 1], [0, -1, 2, 1]], "int64")), dtypes=FLOATS, special=False, second=False), fun("triplet_margin_with_distance_loss", call(X(3, 4), X(3, 4), X(3, 4)), dtypes=FLOATS, special=False, depth=8),
]

PADS = [call(X(3, 4), (1, 2)), call(X(3, 4), (1, 2, 0, 1), value=2), call(X(2, 3, 4, 5), (1, -1, 2, 0)), *(call(X(2, 3, 4, 5), (1, 2, 2, 1), mode=m) for m in ("reflect", "replicate", "circular")), call(X(2, 3, 5), (2, 1), "reflect"), call(X(3, 4), (0, 0)), call(X(0, 3), (1, 1))]
ZOOM = X(1, 2, 4, 5)
OTHERS = [
    fun("pad", *PADS, bad=[call(X(3), (1,)), call(X(3), (1, 1, 1, 1)), call(X(2, 3, 5), (5, 1), "reflect"), call(X(3, 4), (-5, 0)), call(X(3), (1, 1), "abc")], level="exact", dtypes=ALL, special=False),
    fun("embedding", call(I(2, 3), X(4, 5)), call(I(), X(4, 5)), call(I(6), X(4, 5), padding_idx=1), call(I(0), X(4, 5)), call(I(6), X(4, 5), scale_grad_by_freq=True), bad=[call(I(3, low=4, high=9), X(4, 5)), call(F(3), X(4, 5)), call(I(3), X(4))], dtypes=NET, special=False), fun("embedding_bag", call(I(2, 3), X(4, 5)), call(I(6), X(4, 5), L([0, 2], "int64"), mode="sum"), dtypes=FLOATS, special=False, second=False),
    fun("dropout", call(X(40), 0.5), call(X(3, 4), 0.25), call(X(3, 4), 0.5, False), call(X(3, 4), 0.0), call(X(3, 4), 1.0), bad=[call(X(3), 1.5), call(X(3), -0.5)], dtypes=NET, random=True, level="ulp", special=False), *(fun(n, call(s, 0.5), call(s, 0.5, False), dtypes=FLOATS, random=True, level="ulp", special=False) for n, s in (("dropout1d", X(2, 6, 3)), ("dropout2d", X(2, 6, 3, 2)), ("dropout3d", X(2, 6, 2, 2, 2)))),
    fun("alpha_dropout", call(X(40), 0.25), call(X(3, 4), 0.5, False), dtypes=FLOATS, random=True, special=False), fun("feature_alpha_dropout", call(X(2, 6, 3), 0.25), dtypes=FLOATS, random=True, special=False), fun("gumbel_softmax", call(X(3, 4)), call(X(3, 4), 0.5, True), dtypes=FLOATS, random=True, special=False), fun("rrelu", call(X(3, 4)), call(X(3, 4), 0.125, 0.25, True), dtypes=FLOATS, random=True, special=False, second=False),
    fun("interpolate", call(ZOOM, scale_factor=2), call(ZOOM, (3, 7)), call(ZOOM, (8, 9), mode="bilinear"), call(ZOOM, (8, 9), mode="bilinear", align_corners=True), call(X(1, 2, 5), 9, mode="linear"), call(ZOOM, (7, 7), mode="bicubic"), call(ZOOM, (2, 3), mode="area"), call(ZOOM, (6, 7), mode="nearest-exact"), bad=[call(ZOOM), call(X(3), 2), call(ZOOM, (2, 2), mode="abc")], dtypes=FLOATS, special=False), fun("upsample", call(ZOOM, scale_factor=2), dtypes=FLOATS, special=False),
    fun("pixel_shuffle", call(X(1, 8, 2, 3), 2), bad=[call(X(1, 6, 2, 2), 2)], level="exact", dtypes=FLOATS), fun("pixel_unshuffle", call(X(1, 2, 4, 6), 2), level="exact", dtypes=FLOATS), fun("channel_shuffle", call(X(1, 4, 2, 2), 2), level="exact", dtypes=FLOATS), fun("scaled_dot_product_attention", call(X(2, 3, 4), X(2, 5, 4), X(2, 5, 4)), call(X(2, 3, 4), X(2, 3, 4), X(2, 3, 4), is_causal=True), call(X(2, 3, 4), X(2, 5, 4), X(2, 5, 4), X(3, 5, grad=False)), dtypes=FLOATS, special=False, depth=24, second=False),
    fun("grid_sample", call(X(1, 2, 4, 5), X(1, 3, 3, 2, domain="unit"), align_corners=False), dtypes=FLOATS, special=False, second=False), fun("affine_grid", call(X(1, 2, 3), (1, 2, 4, 5), align_corners=False), dtypes=FLOATS, special=False), fun("pdist", call(X(4, 3)), dtypes=FLOATS, special=False, second=False),
]

ROWS = table("nn.functional", ACTIVATIONS + CONVOLUTIONS + POOLS + NORMS + LOSSES + OTHERS)

# Functions that torch offers on its own namespace as well, with the same signature.
SHARED = ("celu", "selu", "hardshrink", "threshold", "rrelu", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "bilinear", "cosine_similarity", "pairwise_distance", "pdist",
          "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "avg_pool1d", "adaptive_avg_pool1d")
ROWS |= {("torch", name): replace(ROWS["nn.functional", name], namespace="torch") for name in SHARED}
