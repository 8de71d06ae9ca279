"""Shared by the tests of nn: every layer with inputs for it, and a way to run code on both engines.

Each case is (id, build, inputs): `build(nn)` makes the layer on either engine; `inputs` lists what
to call it with, as arrays or as (shape, kind).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import minitorch_ref as mt

ENGINES = (mt, torch)

IMAGE, SIGNAL, ROWS, VOLUME = (2, 4, 6, 7), (2, 4, 9), (5, 6), (2, 4, 4, 5, 4)

# name: (arguments as Python text, input shapes).  Kinds of input after the shape: "float" by
# default; "class:n" integers below n; "prob" in (0, 1); "sign" is -1 or 1; "count" small integers.
_ROWS: list[tuple[str, list[Any]]] = [
    ("Identity()", [ROWS]),
    ("Identity(54, unused=1)", [ROWS]),
    ("Linear(6, 3)", [ROWS]),
    ("Linear(6, 3, bias=False)", [(2, 3, 6)]),
    ("Bilinear(6, 3, 4)", [ROWS, (5, 3)]),
    ("Bilinear(6, 3, 4, bias=False)", [ROWS, (5, 3)]),
    ("Conv1d(4, 6, 3)", [SIGNAL]),
    ("Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2, bias=False)", [SIGNAL]),
    ("Conv1d(4, 6, 4, padding='same')", [SIGNAL]),
    ("Conv1d(4, 6, 3, padding=2, padding_mode='circular')", [SIGNAL]),
    ("Conv2d(4, 6, 3)", [IMAGE]),
    ("Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2))", [IMAGE]),
    ("Conv2d(4, 6, 3, groups=2)", [IMAGE]),
    ("Conv2d(4, 4, 3, groups=4, padding='same')", [IMAGE]),
    ("Conv2d(4, 6, 4, padding='same', padding_mode='reflect')", [IMAGE]),
    ("Conv2d(4, 6, 3, padding='valid')", [IMAGE]),
    ("Conv2d(4, 6, 3, padding='valid', padding_mode='replicate')", [IMAGE]),
    ("Conv2d(4, 6, 3, padding=(1, 2), padding_mode='replicate')", [IMAGE]),
    ("Conv2d(4, 6, 3, padding=1, padding_mode='circular')", [IMAGE]),
    ("Conv2d(4, 6, 3)", [IMAGE[1:]]),
    ("Conv3d(4, 2, 3, padding=1)", [VOLUME]),
    ("ConvTranspose1d(4, 6, 3, stride=2, output_padding=1)", [SIGNAL]),
    ("ConvTranspose2d(4, 6, 3)", [IMAGE]),
    ("ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2)", [IMAGE]),
    ("ConvTranspose2d(4, 6, 3, dilation=2, bias=False)", [IMAGE]),
    ("MaxPool1d(3)", [SIGNAL]),
    ("MaxPool1d(3, stride=2, padding=1, ceil_mode=True)", [SIGNAL]),
    ("MaxPool2d(2)", [IMAGE]),
    ("MaxPool2d((3, 2), stride=(2, 1), padding=1, dilation=(1, 2))", [IMAGE]),
    ("MaxPool2d(2, return_indices=True, ceil_mode=True)", [IMAGE]),
    ("MaxUnpool1d(2)", [(1, 2, 3), np.array([[[0, 3, 5], [1, 2, 4]]])]),
    ("MaxUnpool2d(2, stride=1)", [(1, 1, 2, 2), np.array([[[[0, 5], [7, 8]]]])]),
    ("Fold((4, 5), 2, stride=(2, 1), padding=1)", [(2, 12, 18)]),
    ("Unfold((3, 2), dilation=2, padding=1)", [IMAGE]),
    ("AvgPool1d(3)", [SIGNAL]),
    ("AvgPool1d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False)", [SIGNAL]),
    ("AvgPool2d(2)", [IMAGE]),
    ("AvgPool2d((3, 2), stride=2, padding=1, count_include_pad=False)", [IMAGE]),
    ("AvgPool2d(3, divisor_override=2)", [IMAGE]),
    ("AdaptiveAvgPool1d(4)", [SIGNAL]),
    ("AdaptiveAvgPool2d(3)", [IMAGE]),
    ("AdaptiveAvgPool2d((None, 2))", [IMAGE]),
    ("AdaptiveMaxPool2d((3, 2))", [IMAGE]),
    ("AdaptiveMaxPool2d(3, return_indices=True)", [IMAGE]),
    ("BatchNorm1d(4)", [SIGNAL]),
    ("BatchNorm1d(6, eps=1e-3, momentum=0.3)", [ROWS]),
    ("BatchNorm1d(6, momentum=None)", [ROWS]),
    ("BatchNorm1d(6, affine=False)", [ROWS]),
    ("BatchNorm1d(6, bias=False)", [ROWS]),
    ("BatchNorm1d(6, track_running_stats=False)", [ROWS]),
    ("BatchNorm2d(4)", [IMAGE]),
    ("BatchNorm3d(4)", [VOLUME]),
    ("LayerNorm(6)", [ROWS]),
    ("LayerNorm((6, 7), eps=1e-3)", [IMAGE]),
    ("LayerNorm([6, 7], elementwise_affine=False)", [IMAGE]),
    ("LayerNorm(6, bias=False)", [ROWS]),
    ("GroupNorm(2, 4)", [IMAGE]),
    ("GroupNorm(4, 4, affine=False)", [IMAGE]),
    ("InstanceNorm1d(4)", [SIGNAL]),
    ("InstanceNorm2d(4, affine=True)", [IMAGE]),
    ("InstanceNorm2d(4, track_running_stats=True)", [IMAGE]),
    ("InstanceNorm2d(4)", [IMAGE[1:]]),
    ("RMSNorm(6)", [ROWS]),
    ("RMSNorm((6, 7), eps=1e-4, elementwise_affine=False)", [IMAGE]),
    ("LocalResponseNorm(3, alpha=0.1)", [IMAGE]),
    ("Dropout()", [ROWS]),
    ("Dropout(0.2, inplace=False)", [IMAGE]),
    ("Dropout(p=1.0)", [ROWS]),
    ("Dropout1d(0.4)", [SIGNAL]),
    ("Dropout2d(0.4)", [IMAGE]),
    ("Dropout3d(0.4)", [VOLUME]),
    ("AlphaDropout(0.3)", [ROWS]),
    ("FeatureAlphaDropout(0.3)", [IMAGE]),
    ("Flatten()", [IMAGE]),
    ("Flatten(0, 2)", [IMAGE]),
    ("Unflatten(1, (2, -1))", [ROWS]),
    ("Embedding(5, 3)", [((4, 2), "class:5")]),
    ("Embedding(5, 3, padding_idx=-2)", [((6,), "class:5")]),
    ("Embedding(5, 3, max_norm=1.0, norm_type=1.0)", [((4,), "class:5")]),
    ("Embedding(5, 3, scale_grad_by_freq=True)", [((9,), "class:5")]),
    ("Embedding(5, 3, padding_idx=0, sparse=False)", [((2,), "class:5")]),
    ("EmbeddingBag(5, 3)", [((4, 2), "class:5")]),
    ("EmbeddingBag(5, 3, mode='sum', padding_idx=-1)", [((4, 2), "class:5")]),
    ("EmbeddingBag(5, 3, mode='max', max_norm=1.0)", [((4, 3), "class:5")]),
    ("EmbeddingBag(5, 3, include_last_offset=True)", [((4,), "class:5"), np.array([0, 1, 4])]),
    ("PixelShuffle(2)", [IMAGE]),
    ("PixelUnshuffle(3)", [(1, 2, 6, 9)]),
    ("ChannelShuffle(2)", [IMAGE]),
    ("Upsample(scale_factor=2)", [IMAGE]),
    ("Upsample(size=(5, 9), mode='bilinear')", [IMAGE]),
    ("UpsamplingNearest2d(scale_factor=2)", [IMAGE]),
    ("UpsamplingBilinear2d(size=(9, 8))", [IMAGE]),
    ("ConstantPad1d((1, 2), 3.5)", [SIGNAL]),
    ("ConstantPad2d(1, -1.0)", [IMAGE]),
    ("ZeroPad1d(2)", [SIGNAL]),
    ("ZeroPad2d((1, 0, 2, 1))", [IMAGE]),
    ("ZeroPad3d(1)", [VOLUME]),
    ("ReflectionPad1d(2)", [SIGNAL]),
    ("ReflectionPad2d((1, 2, 0, 1))", [IMAGE]),
    ("ReplicationPad1d((3, 1))", [SIGNAL]),
    ("ReplicationPad2d(2)", [IMAGE]),
    ("ReplicationPad3d(1)", [VOLUME]),
    ("CircularPad1d(2)", [SIGNAL]),
    ("CircularPad2d((1, 2, 0, 1))", [IMAGE]),
    ("ReLU()", [ROWS]),
    ("ReLU(inplace=True)", [ROWS]),
    ("ReLU6()", [ROWS]),
    ("ReLU6(True)", [ROWS]),
    ("LeakyReLU(0.2)", [ROWS]),
    ("LeakyReLU(inplace=True)", [ROWS]),
    ("PReLU()", [ROWS]),
    ("PReLU(4, init=0.1)", [IMAGE]),
    ("RReLU()", [ROWS]),
    ("RReLU(0.1, 0.3)", [ROWS]),
    ("ELU(0.7)", [ROWS]),
    ("SELU()", [ROWS]),
    ("CELU(0.5, inplace=True)", [ROWS]),  # 1/alpha is a float32 in torch: take an exact one
    ("GELU()", [ROWS]),
    ("GELU('tanh')", [ROWS]),
    ("SiLU()", [ROWS]),
    ("SiLU(inplace=True)", [ROWS]),
    ("Mish()", [ROWS]),
    ("Sigmoid()", [ROWS]),
    ("LogSigmoid()", [ROWS]),
    ("Tanh()", [ROWS]),
    ("Hardtanh()", [ROWS]),
    ("Hardtanh(-0.5, 0.25)", [ROWS]),
    ("Hardsigmoid()", [ROWS]),
    ("Hardswish()", [ROWS]),
    ("Hardshrink(0.4)", [ROWS]),
    ("Softshrink(0.4)", [ROWS]),
    ("Tanhshrink()", [ROWS]),
    ("Softplus()", [ROWS]),
    ("Softplus(2, 1)", [ROWS]),
    ("Softsign()", [ROWS]),
    ("Threshold(0.1, 20)", [ROWS]),
    ("Softmax(dim=1)", [ROWS]),
    ("LogSoftmax(dim=-1)", [ROWS]),
    ("Softmin(0)", [ROWS]),
    ("Softmax2d()", [IMAGE]),
    ("GLU()", [ROWS]),
    ("PairwiseDistance(p=1, keepdim=True)", [ROWS, ROWS]),
    ("CosineSimilarity(dim=0)", [ROWS, ROWS]),
    ("CrossEntropyLoss()", [ROWS, ((5,), "class:6")]),
    ("CrossEntropyLoss(label_smoothing=0.1, reduction='sum')", [IMAGE, ((2, 6, 7), "class:4")]),
    ("CrossEntropyLoss(ignore_index=2)", [ROWS, ((5,), "class:6")]),
    ("CrossEntropyLoss(reduction='none')", [ROWS, (ROWS, "prob")]),
    ("NLLLoss()", [ROWS, ((5,), "class:6")]),
    ("NLLLoss(ignore_index=1, reduction='sum')", [ROWS, ((5,), "class:6")]),
    ("BCELoss()", [(ROWS, "prob"), (ROWS, "prob")]),
    ("BCEWithLogitsLoss()", [ROWS, (ROWS, "prob")]),
    ("MSELoss()", [ROWS, ROWS]),
    ("MSELoss(reduction='none')", [ROWS, ROWS]),
    ("L1Loss(reduction='sum')", [ROWS, ROWS]),
    ("SmoothL1Loss(beta=0.5)", [ROWS, ROWS]),
    ("HuberLoss(delta=0.5)", [ROWS, ROWS]),
    ("KLDivLoss(reduction='batchmean')", [ROWS, (ROWS, "prob")]),
    ("KLDivLoss(reduction='sum', log_target=True)", [ROWS, ROWS]),
    ("PoissonNLLLoss(full=True)", [ROWS, (ROWS, "count")]),
    ("PoissonNLLLoss(log_input=False)", [(ROWS, "prob"), (ROWS, "count")]),
    ("GaussianNLLLoss(full=True)", [ROWS, ROWS, (ROWS, "prob")]),
    ("HingeEmbeddingLoss(margin=0.5)", [ROWS, (ROWS, "sign")]),
    ("MarginRankingLoss(0.5)", [(5,), (5,), ((5,), "sign")]),
    ("CosineEmbeddingLoss(margin=0.2)", [ROWS, ROWS, ((5,), "sign")]),
    ("SoftMarginLoss()", [ROWS, (ROWS, "sign")]),
    ("MultiMarginLoss(p=2, margin=0.5)", [ROWS, ((5,), "class:6")]),
    ("MultiLabelMarginLoss()", [(3, 4), np.array([[3, 0, -1, 1], [2, -1, 0, 0], [0, 1, 2, 3]])]),
    ("MultiLabelSoftMarginLoss()", [ROWS, (ROWS, "prob")]),
    ("TripletMarginLoss(margin=0.7, p=1, swap=True)", [ROWS, ROWS, ROWS]),
    ("TripletMarginWithDistanceLoss(margin=0.7)", [ROWS, ROWS, ROWS]),
]

# Attributes of every kind in one place, nested: for repr, state dicts and walks.
NESTED = """Sequential(OrderedDict(
    stem=nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(True)),
    blocks=nn.ModuleList([nn.Linear(4, 4) for _ in range(3)] + [nn.Linear(4, 2)]),
    heads=nn.ModuleDict(dict(a=nn.Linear(2, 2), b=nn.Sequential(nn.Tanh(), nn.Dropout(0.1)))),
    empty=nn.Sequential(), none=nn.ModuleList(), nothing=nn.ModuleDict(),
    scales=nn.ParameterList([torch.zeros(2, 3), nn.Parameter(torch.ones(4)), 'text']),
    named=nn.ParameterDict(dict(z=torch.zeros(1), a=torch.ones(2, 2))),
))"""


def build(engine: Any, text: str) -> Any:
    """Make the layer `text` (as in `nn.<text>`) on an engine."""
    from collections import OrderedDict

    scope = {"nn": engine.nn, "torch": engine, "OrderedDict": OrderedDict}
    return eval(f"nn.{text}", scope)


CASES = [(text, inputs) for text, inputs in _ROWS]
IDS = [f"{i}-{text.split('(')[0]}" for i, (text, _) in enumerate(_ROWS)]


def make_inputs(inputs: list[Any], seed: int = 0) -> list[np.ndarray]:
    """Arrays for one case: float64, or int64 for classes."""
    rng = np.random.default_rng(seed)
    return [_make(rng, item) for item in inputs]


def _make(rng: np.random.Generator, item: Any) -> np.ndarray:
    if isinstance(item, np.ndarray):
        return item
    shape, kind = item if isinstance(item[0], tuple) else (item, "float")
    if kind.startswith("class:"):
        return rng.integers(0, int(kind[6:]), shape)
    if kind == "prob":
        return rng.uniform(0.05, 0.95, shape)
    if kind == "sign":
        return rng.choice([-1.0, 1.0], shape)
    if kind == "count":
        return rng.poisson(3.0, shape).astype(np.float64)
    return rng.standard_normal(shape)


def array(t: Any) -> np.ndarray:
    """The values of a tensor of either engine."""
    return t.detach().numpy()


def outcome(fn: Callable[[Any], Any], engine: Any) -> Any:
    """What `fn(engine)` gives: its result, or the exception's type and text; and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = fn(engine)
        except Exception as error:  # noqa: BLE001 - the outcome under test
            result = (type(error).__name__, str(error))
    told = [(w.category.__name__, _neutral(str(w.message))) for w in caught]
    return _neutral(result), told


def _neutral(value: Any) -> Any:
    """Plain values that compare across engines: no tensors, no engine's name."""
    if isinstance(value, (mt.Tensor, torch.Tensor)):
        values = repr(value.tolist())  # as text: nan equals nan, -0.0 differs from 0.0
        return [str(value.dtype), list(value.shape), values, value.requires_grad]
    if isinstance(value, dict):
        return {_neutral(k): _neutral(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_neutral(v) for v in value]
    if isinstance(value, (set, frozenset)):
        return sorted(_neutral(v) for v in value)
    if isinstance(value, (str, type)):
        return str(value).replace("minitorch_ref", "torch")
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return repr(value).replace("minitorch_ref", "torch")


def same(fn: Callable[[Any], Any]) -> Any:
    """Assert that `fn` gives the same on both engines; returns what it gave."""
    ours, theirs = outcome(fn, mt), outcome(fn, torch)
    assert ours == theirs
    return ours[0]
