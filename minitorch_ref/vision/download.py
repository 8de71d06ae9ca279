"""Fetching a file whose digest is known: resumable, verified, atomic.

Bytes go to `NAME.part`; only when they have the expected digest does the part become NAME, in one
rename.  So whatever stands under its final name is whole, a broken connection costs only what is
missing, and a wrong file is never used.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

_CHUNK = 1 << 18
_ATTEMPTS = 4
_USER_AGENT = "minitorch-ref"


class Remote(NamedTuple):
    """Where a file is, its bytes (None: as many as the server says), and its digest, "md5:..."."""

    url: str
    size: int | None
    digest: str


class DownloadError(RuntimeError):
    """The file could not be had, or what came is not the file."""


def digest_of(path: str | os.PathLike[str], algorithm: str) -> str:
    """Hex digest of a file ("md5" or "sha256")."""
    hasher = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as f:
        while chunk := f.read(_CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()


def has_digest(path: str | os.PathLike[str], digest: str) -> bool:
    """Whether `path` is a file with `digest` = "algorithm:hex"."""
    algorithm, _, value = digest.partition(":")
    return os.path.isfile(path) and digest_of(path, algorithm) == value


def download(
    remote: Remote, target: str | os.PathLike[str], *, timeout: float = 10.0, progress: bool = True
) -> Path:
    """`remote` as the file `target`; returns at once if it is already there and right.

    A wrong `target` is replaced.  Broken connections are resumed a few times.  DownloadError when
    the server cannot be reached, refuses, or sends other bytes than the digest names.
    """
    target = Path(target)
    if has_digest(target, remote.digest):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    with _alone(target.parent), _progress(target.name, remote.size, progress) as show:
        if has_digest(target, remote.digest):  # another process fetched it while we waited
            return target
        _fetch(remote, part, timeout, show)
        os.replace(part, target)
    return target


def _fetch(remote: Remote, part: Path, timeout: float, show: Callable[[int], None]) -> None:
    """Bring `part` to the right bytes: resume what is there; if it turns out wrong, start over."""
    problem: Exception | None = None
    size = remote.size
    for _ in range(_ATTEMPTS):
        have = part.stat().st_size if part.exists() else 0
        if size is not None and have > size:
            part.unlink()
            have = 0
        try:
            if have != size and not (have and has_digest(part, remote.digest)):
                size = _append(remote, size, part, have, timeout, show)
        except urllib.error.HTTPError as error:
            if error.code == 416 and have:  # the server's file ends before our part does
                part.unlink()
                problem = error
                continue
            raise DownloadError(
                f"could not fetch {remote.url}: HTTP {error.code} {error.reason}"
            ) from error
        except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
            problem = error
            continue
        except OSError as error:  # URLError: no network, no such host, refused
            raise DownloadError(f"could not fetch {remote.url}: {error}") from error
        came = part.stat().st_size
        if size is not None and came < size:
            problem = DownloadError(f"the connection ended after {came} of {size} bytes")
        elif has_digest(part, remote.digest):
            return
        else:
            part.unlink()
            problem = DownloadError("the bytes received do not have the expected digest")
    raise DownloadError(f"could not fetch {remote.url}: {problem}") from problem


def _append(
    remote: Remote,
    size: int | None,
    part: Path,
    have: int,
    timeout: float,
    show: Callable[[int], None],
) -> int | None:
    """One request; its body goes behind the `have` bytes of `part`, or replaces them.

    The size of the whole file: `size`, or what the server says, or None if it says nothing.
    """
    headers = {"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(remote.url, headers=headers)
    with urllib.request.urlopen(request, timeout=timeout) as response:
        resumed = response.status == 206 and _range_start(response) == have
        done = have if resumed else 0
        if size is None and (length := response.headers.get("Content-Length", "")).isdigit():
            size = done + int(length)
        with open(part, "ab" if resumed else "wb") as f:
            show(done)
            while (size is None or done <= size) and (chunk := response.read(_CHUNK)):
                f.write(chunk)
                done += len(chunk)
                show(done)
    return size


def _range_start(response: Any) -> int | None:
    """First byte of a partial answer, from `Content-Range: bytes 7-99/100`."""
    value = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(value) if value.isdigit() else None


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One download into `folder` at a time, over all processes, where the system can lock files."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # which unlocks


@contextlib.contextmanager
def _progress(name: str, size: int | None, wanted: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar on the terminal's error stream; yields the function that moves it."""
    try:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )
    except ImportError:
        wanted = False
    console = Console(stderr=True) if wanted else None
    if console is None or not console.is_terminal:
        yield lambda done: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(name, total=size)
        yield lambda done: bar.update(task, completed=done)
