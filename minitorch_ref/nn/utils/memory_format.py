"""Weights of convolutions laid out for channels_last images."""

from __future__ import annotations

from typing import Any, TypeVar

from ..modules.conv import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d
from ..modules.module import Module

ModuleT = TypeVar("ModuleT", bound=Module)


def _convert(module: ModuleT, kinds: tuple[type, ...], memory_format: Any) -> ModuleT:
    for layer in module.modules():
        if isinstance(layer, kinds):
            weight: Any = layer.weight  # type: ignore[attr-defined]
            weight.data = weight.detach().clone(memory_format=memory_format)
    return module


def convert_conv2d_weight_memory_format(module: ModuleT, memory_format: Any) -> ModuleT:
    """Lay out the weights of all 2-D convolutions in `module` in this format."""
    return _convert(module, (Conv2d, ConvTranspose2d), memory_format)


def convert_conv3d_weight_memory_format(module: ModuleT, memory_format: Any) -> ModuleT:
    """Lay out the weights of all 3-D convolutions in `module` in this format."""
    return _convert(module, (Conv3d, ConvTranspose3d), memory_format)
