"""The laboratory's own JSON files: what is wrong with one is said with file and line; room for new ones."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any


def read_json(path: Path, what: str, error: type[Exception]) -> Any:
    """The data in a JSON file; `error` names the file and the line or byte that is at fault.

    what: the file's name in a sentence: "the ledger", "the stored run".
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as wrong:
        raise error(f"{path}: cannot read {what}: {wrong.strerror}") from wrong
    except UnicodeDecodeError as wrong:
        raise error(f"{path}: byte {wrong.start}: {what} is no UTF-8 text") from wrong
    try:
        return json.loads(text)
    except json.JSONDecodeError as wrong:
        said = f"{what} is not JSON: {wrong.msg} (column {wrong.colno})"
        raise error(f"{path}:{wrong.lineno}: {said}") from wrong
    except RecursionError as wrong:
        raise error(f"{path}: {what} is nested too deeply") from wrong


def make_room(path: Path) -> None:
    """Make the folder that a file is to be written into, before anything is computed for it.

    OSError, with its name, if that cannot be done.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(errno.EACCES, "cannot write there", str(path.parent))


def lines_of_items(path: Path) -> list[int]:
    """The line at which each item of a file's top-level list begins (the file has been read)."""
    text = path.read_text(encoding="utf-8")
    lines: list[int] = []
    decode, at = json.JSONDecoder().raw_decode, text.index("[") + 1
    while True:
        at = next((i for i in range(at, len(text)) if text[i] not in " \t\r\n,"), len(text))
        if at >= len(text) or text[at] == "]":
            return lines
        lines.append(text.count("\n", 0, at) + 1)
        at = decode(text, at)[1]


def line_of(path: Path, key: str) -> int:
    """The first line that holds a key of a JSON object; 1 if none does (it is written otherwise)."""
    wanted = json.dumps(key)
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((n for n, line in enumerate(lines, 1) if wanted in line), 1)
