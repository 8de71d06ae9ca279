"""What the networks have in common: initial weights, and the functions that build them by name."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from ... import nn

Network = TypeVar("Network", bound=nn.Module)


def initialize(network: nn.Module, linear: bool = False) -> None:
    """He's normal weights for convolutions; normalization begins as the identity.

    With `linear` fully connected layers begin small, N(0, 0.01²), without bias.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.constant_(module.bias, 0)
        elif isinstance(module, (nn.BatchNorm2d, nn.GroupNorm)):
            nn.init.constant_(module.weight, 1)
            nn.init.constant_(module.bias, 0)
        elif linear and isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
            nn.init.constant_(module.bias, 0)


def publish(name: str, build: Callable[..., Network]) -> Callable[..., Network]:
    """`build` as torchvision's function of that name, with its arguments `weights` and `progress`.

    Published weights are not fetched: RuntimeError for `weights` other than None.
    """

    def make(*, weights: Any = None, progress: bool = True, **options: Any) -> Network:
        if "pretrained" in options:
            warnings.warn(
                "The parameter 'pretrained' is deprecated since 0.13 and may be removed in the "
                "future, please use 'weights' instead.",
                stacklevel=2,
            )
            weights = options.pop("pretrained") or weights
        if weights is not None:
            raise RuntimeError(
                f"{name}: published weights are not fetched here; give the file that holds them to "
                "load, and what comes of it to load_state_dict"
            )
        return build(**options)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"The network {name}; `options` go to its class.  See `publish` for `weights`."
    return make
