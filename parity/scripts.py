"""Where repros go: a folder, how many trials shrinking one may take, and who hears of each trial."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .session import write_atomically
from .tasks import At, nowhere


@dataclass(frozen=True)
class Scripts:
    """at: told of each candidate, and of each step of a program, before it runs."""

    folder: Path
    most: int = 300
    at: At = nowhere

    def save(self, name: str, text: str) -> Path:
        """Write a script that has this name, but for what is no letter or digit; its path."""
        stem = re.sub(r"[^\w.-]+", "_", name).strip("_")
        path = self.folder / f"{stem}.py"
        write_atomically(path, text)
        return path
