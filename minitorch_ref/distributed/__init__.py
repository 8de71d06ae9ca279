"""torch.distributed as a torch built without it has it: it can be asked, and it answers no."""

from __future__ import annotations

__all__ = ["is_available"]


def is_available() -> bool:
    """False: this engine has no communication between processes but `multiprocessing`."""
    return False


class ProcessGroup:
    """Only a name, for annotations."""


GroupName = ProcessGroup
