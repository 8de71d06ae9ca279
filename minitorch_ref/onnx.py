"""torch.onnx where nothing can be exported: programs that import it run until they ask it to."""

from __future__ import annotations

__all__ = ["is_in_onnx_export"]


def is_in_onnx_export() -> bool:
    """False: no model is being exported."""
    return False
