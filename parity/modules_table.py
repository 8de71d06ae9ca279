"""The modules, losses, optimizers and schedulers that `parity modules` trains: one row each."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from .samples.spec import Arr, F, I


def _sgd(torch: Any, parameters: list, rate: float = 0.0625) -> Any:
    return torch.optim.SGD(parameters, lr=rate, momentum=0.5)


@dataclass(frozen=True)
class Case:
    """How to build a module on any torch namespace, what to feed it, how to train it."""

    name: str
    build: Callable[[Any], Any]
    inputs: tuple[Arr, ...]
    optimizer: Callable[[Any, list], Any] = _sgd
    family: str = "layers"


def layer(text: str, *inputs: Arr, rate: float = 0.0625, warning: str = "") -> Case:
    """A layer written as on torch.nn: "Linear(4, 3)"; `warning`: how one that it gives begins."""

    def build(torch: Any) -> Any:
        with warnings.catch_warnings():
            if warning:
                warnings.filterwarnings("ignore", re.escape(warning))
            return eval(f"nn.{text}", {"nn": torch.nn, "torch": torch})

    return Case(text, build, inputs, partial(_sgd, rate=rate))


IMAGE, ROWS, LINE = F(2, 4, 6, 5), F(5, 4), F(2, 4, 9)

LAYERS = [
    layer("Linear(4, 3)", ROWS),
    layer("Linear(4, 3, bias=False)", ROWS),
    layer("Bilinear(4, 3, 2)", ROWS, F(5, 3)),
    layer("Identity()", ROWS),
    layer("Conv2d(4, 6, 3)", IMAGE),
    layer("Conv2d(4, 6, (3, 2), stride=2, padding=1)", IMAGE),
    layer("Conv2d(4, 6, 3, padding='same', bias=False)", IMAGE),
    layer("Conv2d(4, 4, 3, groups=4, dilation=2)", IMAGE),
    *(
        layer(f"Conv2d(4, 2, 3, padding=1, padding_mode='{m}')", IMAGE)
        for m in ("reflect", "replicate", "circular")
    ),
    layer("Conv1d(4, 6, 3, stride=2, padding=1)", LINE),
    layer("Conv1d(4, 6, 3, padding='valid')", LINE),
    layer("Conv3d(2, 3, 2)", F(1, 2, 4, 4, 3)),
    layer("ConvTranspose2d(4, 3, 3, stride=2)", IMAGE),
    layer("ConvTranspose1d(4, 3, 3, stride=2, output_padding=1)", LINE),
    layer("LPPool1d(2, 3)", LINE),
    layer("LPPool2d(3.0, 2, stride=1, ceil_mode=True)", IMAGE),
    layer("FractionalMaxPool2d(2, output_size=(3, 2), return_indices=True)", IMAGE),
    layer("FractionalMaxPool2d(3, output_ratio=0.5)", IMAGE),
    layer("MaxPool2d(2)", IMAGE),
    layer("MaxPool2d(3, stride=2, padding=1, ceil_mode=True)", IMAGE),
    layer("MaxPool2d(2, dilation=2, return_indices=True)", IMAGE),
    layer("MaxPool1d(2)", LINE),
    layer("AvgPool2d(2)", IMAGE),
    layer("AvgPool2d(3, 2, 1, count_include_pad=False)", IMAGE),
    layer("AvgPool1d(2)", LINE),
    layer("AdaptiveAvgPool2d((2, 3))", IMAGE),
    layer("AdaptiveAvgPool2d(1)", IMAGE),
    layer("AdaptiveMaxPool2d(2)", IMAGE),
    layer("BatchNorm1d(4)", ROWS),
    layer("BatchNorm1d(4, eps=0.25)", LINE),
    layer("BatchNorm2d(4)", IMAGE),
    layer("BatchNorm2d(4, momentum=None, affine=False)", IMAGE),
    layer("BatchNorm2d(4, track_running_stats=False)", IMAGE),
    layer("LayerNorm(4)", ROWS),
    layer("LayerNorm((4, 9))", LINE),
    layer("LayerNorm(4, elementwise_affine=False)", ROWS),
    layer("GroupNorm(2, 4)", IMAGE),
    layer("InstanceNorm2d(4, affine=True)", IMAGE),
    layer("Dropout(0.25)", ROWS),
    layer("Dropout2d(0.5)", IMAGE),
    layer("Flatten()", IMAGE),
    layer("Flatten(0, 1)", IMAGE),
    layer("Unflatten(1, (2, 2))", ROWS),
    layer("Embedding(5, 3)", I(2, 4, high=5)),
    layer("Embedding(5, 3, padding_idx=1)", I(2, 4, high=5)),
    layer("Embedding(5, 3, max_norm=1.0)", I(2, 4, high=5)),
    *(
        layer(f"{n}()", ROWS)
        for n in (
            "ReLU",
            "ReLU6",
            "Sigmoid",
            "Tanh",
            "GELU",
            "SiLU",
            "ELU",
            "SELU",
            "CELU",
            "LeakyReLU",
            "Softplus",
            "Softsign",
            "Hardtanh",
            "Hardsigmoid",
            "Hardswish",
            "Mish",
            "LogSigmoid",
            "PReLU",
            "Tanhshrink",
            "Softshrink",
            "Hardshrink",
        )
    ),
    layer("Softmax(dim=1)", ROWS),
    layer("LogSoftmax(dim=1)", ROWS),
    layer("Softmin(dim=1)", ROWS),
    layer("Threshold(0.5, 2.0)", ROWS),
    layer("GLU()", ROWS),
    layer("GELU(approximate='tanh')", ROWS),
    layer("ZeroPad2d(1)", IMAGE),
    layer("ReflectionPad2d(1)", IMAGE),
    layer("Upsample(scale_factor=2)", IMAGE),
    *(
        layer(text, F(6, 2, 4))
        for text in (
            "RNN(4, 3)",
            "GRU(4, 3)",
            "GRU(4, 3, 2, batch_first=True, dropout=0.25)",
            "LSTM(4, 3)",
            "LSTM(4, 3, 2, bidirectional=True, proj_size=2)",
            "LSTM(4, 3, bias=False, batch_first=True)",
        )
    ),
    layer("RNN(4, 3, 2, nonlinearity='relu', bidirectional=True)", F(6, 2, 4), rate=2**-10),
    layer("RNNCell(4, 3)", ROWS),
    layer("LSTMCell(4, 3)", ROWS),
    layer("GRUCell(4, 3, bias=False)", ROWS),
    layer("AdaptiveLogSoftmaxWithLoss(4, 6, [2, 4], div_value=2.0)", ROWS, I(5, high=6)),
    layer("MultiheadAttention(4, 2)", F(6, 2, 4), F(5, 2, 4), F(5, 2, 4)),
    layer(
        "MultiheadAttention(4, 2, 0.25, add_bias_kv=True, kdim=3)",
        *(F(6, 2, 4), F(5, 2, 3), F(5, 2, 4)),
    ),
    layer("TransformerEncoderLayer(4, 2, 8)", F(6, 2, 4)),
    layer(
        "TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 2)", F(2, 6, 4)
    ),
    layer("TransformerDecoderLayer(4, 2, 8, activation='gelu')", F(6, 2, 4), F(5, 2, 4)),
    layer(
        "Transformer(4, 2, 1, 1, 8, norm_first=True)",
        *(F(6, 2, 4), F(5, 2, 4)),
        warning="enable_nested_tensor is True, but self.use_nested_tensor is False",
    ),
    layer("Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))", ROWS),
    layer(
        "Sequential(nn.Conv2d(4, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), "
        "nn.Flatten(), nn.Linear(6, 2))",
        IMAGE,
    ),
]


def loss(text: str, *inputs: Arr, note: str = "") -> Case:
    """A loss written as on torch.nn."""
    return Case(
        text + note,
        lambda torch: eval(f"nn.{text}", {"nn": torch.nn, "torch": torch}),
        inputs,
        family="losses",
    )


SCORES, LABELS = F(6, 4), I(6, high=4)
PAIR = (ROWS, F(5, 4, grad=False))
CHANCES = (F(5, 4, domain="prob"), F(5, 4, domain="prob", grad=False))
LOSSES = [
    loss("CrossEntropyLoss()", SCORES, LABELS),
    loss("CrossEntropyLoss(label_smoothing=0.25)", SCORES, LABELS),
    loss("CrossEntropyLoss(ignore_index=1, reduction='sum')", SCORES, LABELS),
    loss("CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5, 1.5]))", SCORES, LABELS),
    loss(
        "CrossEntropyLoss()", SCORES, F(6, 4, domain="prob", grad=False), note=" of probabilities"
    ),
    loss("NLLLoss()", SCORES, LABELS),
    loss("BCELoss()", *CHANCES),
    loss("BCEWithLogitsLoss()", ROWS, CHANCES[1]),
    loss("BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0, 0.5, 1.5]))", ROWS, CHANCES[1]),
    loss("MSELoss()", *PAIR),
    loss("MSELoss(reduction='none')", *PAIR),
    loss("L1Loss()", *PAIR),
    loss("SmoothL1Loss(beta=0.5)", *PAIR),
    loss("HuberLoss()", *PAIR),
    loss("KLDivLoss(reduction='batchmean')", ROWS, CHANCES[1]),
    loss(
        "MarginRankingLoss()",
        F(5),
        F(5),
        Arr((), "float32", values=[1.0, -1.0, 1.0, 1.0, -1.0], grad=False),
    ),
]

NET = "Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))"


def optimizer(text: str) -> Case:
    """An optimizer written as on torch.optim, training a small net."""

    def make(torch: Any, parameters: list) -> Any:
        return eval(f"optim.{text}", {"optim": torch.optim, "p": parameters})

    return Case(
        f"optim.{text}",
        lambda torch: eval(f"nn.{NET}", {"nn": torch.nn}),
        (ROWS,),
        make,
        "optimizers",
    )


OPTIMIZERS = [
    optimizer(text)
    for text in (
        "SGD(p, lr=0.125)",
        "SGD(p, lr=0.1, momentum=0.9)",
        "SGD(p, lr=0.1, momentum=0.9, dampening=0.25)",
        "SGD(p, lr=0.1, momentum=0.9, nesterov=True)",
        "SGD(p, lr=0.1, weight_decay=0.01)",
        "SGD(p, lr=0.1, maximize=True)",
        "SGD([{'params': p[:2], 'lr': 0.5}, {'params': p[2:]}], lr=0.1)",
        "Adam(p)",
        "Adam(p, lr=0.01, betas=(0.8, 0.9), eps=1e-6)",
        "Adam(p, weight_decay=0.01)",
        "Adam(p, amsgrad=True)",
        "Adam(p, maximize=True)",
        "AdamW(p)",
        "AdamW(p, lr=0.01, weight_decay=0.1, amsgrad=True)",
        "RMSprop(p)",
        "RMSprop(p, lr=0.01, alpha=0.9, momentum=0.5)",
        "RMSprop(p, centered=True)",
        "RMSprop(p, weight_decay=0.01)",
        "Adafactor(p)",
        "Adafactor(p, lr=0.5, weight_decay=0.01, d=2.0)",
        "Adagrad(p)",
        "Adagrad(p, lr=0.1, lr_decay=0.01, weight_decay=0.01, initial_accumulator_value=0.5)",
    )
]


def _plain(text: str) -> Callable:
    def make(torch: Any, optimizer: Any) -> tuple:
        return eval(f"s.{text}", {"s": torch.optim.lr_scheduler, "o": optimizer}), lambda epoch: ()

    return make


def _plateau(torch: Any, optimizer: Any) -> tuple:
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, patience=1, factor=0.5, cooldown=1
    )
    return schedule, lambda epoch: (max(1.0, 4.0 - epoch),)


SCHEDULES: dict[str, Callable] = {
    text.replace("(o, ", "("): _plain(text)
    for text in (
        "StepLR(o, 3, gamma=0.3)",
        "MultiStepLR(o, [2, 5, 5], gamma=0.3)",
        "ExponentialLR(o, 0.9)",
        "CosineAnnealingLR(o, 7, eta_min=0.01)",
        "LambdaLR(o, lambda epoch: 0.95 ** epoch)",
    )
}
SCHEDULES["ReduceLROnPlateau(patience=1, factor=0.5, cooldown=1)"] = _plateau

CASES = LAYERS + LOSSES + OPTIMIZERS
