"""Where a program's data comes from: your folder, the cache, the net, or a stand-in, in this order.

A published file is known by its digest, wherever it lies: one that differs (half a download, a
damaged copy) is left aside with a line that says so, and looked for further on.  The stand-ins have
the same schema and say in one line what they are, so a program runs anywhere.

    --data DIR  or  $MINITORCH_DATA     gradient_descent.csv  student_data.csv
                                        cifar-10-batches-py/  cifar10_subset.npz
    $MINITORCH_CACHE  or  ~/.cache/minitorch_ref              what was downloaded
    $MINITORCH_OFFLINE=1                                      never use the net
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import standins

_UDACITY = (  # the commit is part of the address, so the bytes cannot change under it
    "https://raw.githubusercontent.com/udacity/deep-learning-v2-pytorch/"
    "c9404fc86181fc3f0906b368697268257f348535/intro-neural-networks/"
)
# name: (address, bytes, digest)
CSV_FILES = {
    "gradient_descent.csv": (
        _UDACITY + "gradient-descent/data.csv",
        1_778,
        "sha256:f0662ef7f84149a54f36566c02bd22719350e02849dbc39f784611323edae0e9",
    ),
    "student_data.csv": (
        _UDACITY + "student-admissions/student_data.csv",
        5_088,
        "sha256:2f5dcda0e455631215709575cc2eede4e5fb4e94cda9c37dab54e26d79dcf8c2",
    ),
}
SUBSET = "cifar10_subset.npz"
SUBSET_DIGEST = "sha256:ee29571c2912907111d2599c6360d1753b861faae6f98514a1fdf994ea00a79d"


class Points(NamedTuple):
    """`features` (n, 2) and `labels` (n,) of 0 and 1, float64."""

    features: np.ndarray
    labels: np.ndarray
    source: str


class Applications(NamedTuple):
    """One row per application, float64: admit (0, 1), gre (points), gpa (to 4.0), rank (1 to 4)."""

    admit: np.ndarray
    gre: np.ndarray
    gpa: np.ndarray
    rank: np.ndarray
    source: str


class Pictures(NamedTuple):
    """Images uint8 (n, 32, 32, 3) with their labels, for training and for testing."""

    train_images: np.ndarray
    train_labels: list[int]
    test_images: np.ndarray
    test_labels: list[int]
    classes: list[str]
    source: str


_said: set[str] | None = None  # the lines said so far, where none is said twice


def note(line: str) -> None:
    """One line to the user, beside the program's own output."""
    if _said is not None:
        if line in _said:
            return
        _said.add(line)
    print(line, file=sys.stderr)


@contextmanager
def each_note_once() -> Iterator[None]:
    """Within, no line is said a second time: for several runs of a program over the same data."""
    global _said
    before, _said = _said, set() if _said is None else _said
    try:
        yield
    finally:
        _said = before


def data_folder(data: str | os.PathLike[str] | None) -> Path | None:
    """The folder asked for, or $MINITORCH_DATA; FileNotFoundError if it is not there."""
    chosen = data or os.environ.get("MINITORCH_DATA")
    if not chosen:
        return None
    folder = Path(chosen).expanduser()
    if not folder.exists():
        raise FileNotFoundError(f"no data folder {folder}")
    return folder


def cache_folder() -> Path:
    """Where downloads are kept."""
    if chosen := os.environ.get("MINITORCH_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "minitorch_ref"


def _online() -> bool:
    return os.environ.get("MINITORCH_OFFLINE", "") in ("", "0")


# ---- the two tables -----------------------------------------------------------------------------


def points(data: str | os.PathLike[str] | None = None) -> Points:
    """The 100 points of the sigmoid program."""
    path = find_csv("gradient_descent.csv", data)
    if path is None:
        note("stand-in data: 100 drawn points of two classes, not gradient_descent.csv")
        return Points(*standins.points(), "stand-in: drawn points")
    table = np.loadtxt(path, delimiter=",")
    return Points(table[:, :2].copy(), table[:, 2].copy(), str(path))


def applications(data: str | os.PathLike[str] | None = None) -> Applications:
    """The 400 applications of the admissions program."""
    path = find_csv("student_data.csv", data)
    if path is None:
        note("stand-in data: 400 applications drawn from a published fit, not student_data.csv")
        return _columns(standins.applications(), "stand-in: drawn applications")
    return _columns(np.loadtxt(path, delimiter=",", skiprows=1), str(path))


def _columns(table: np.ndarray, source: str) -> Applications:
    admit, gre, gpa, rank = table.T
    return Applications(admit, gre, gpa, rank, source)


def find_csv(name: str, data: str | os.PathLike[str] | None = None) -> Path | None:
    """Path of the published file `name`, downloaded if need be; None if it cannot be had."""
    from ..vision.download import DownloadError, Remote, download, has_digest

    remote = Remote(*CSV_FILES[name])
    folder = data_folder(data)
    if folder is not None and (folder / name).is_file():
        if has_digest(folder / name, remote.digest):
            return folder / name
        note(f"{folder / name} is not the published file (its digest differs): not used")
    cached = cache_folder() / name
    if has_digest(cached, remote.digest):
        return cached
    if not _online():
        return None
    try:
        return download(remote, cached)
    except (DownloadError, OSError) as error:
        note(f"no download: {error}")
        return None


# ---- the images ---------------------------------------------------------------------------------


def pictures(data: str | os.PathLike[str] | None = None) -> Pictures:
    """CIFAR-10, or the 6,000 images of its subset, or drawn shapes."""
    folder = data_folder(data)
    found = _pictures_in(folder) if folder is not None else None
    return found or _official(cache_folder(), download=_online()) or _shapes()


def _pictures_in(folder: Path) -> Pictures | None:
    """What a user's folder (or the batches folder, or the .npz itself) holds of CIFAR-10."""
    root = folder.parent if folder.name == "cifar-10-batches-py" else folder
    if (root / "cifar-10-batches-py").is_dir():
        return _official(root) or _official(root, check="structure")
    archive = folder if folder.suffix == ".npz" else folder / SUBSET
    return _subset(archive) if archive.is_file() else None


def _official(root: Path, download: bool = False, check: str = "md5") -> Pictures | None:
    from ..vision.datasets import CIFAR10

    if not download and not (root / CIFAR10.base_folder).is_dir():
        return None
    try:
        train = CIFAR10(root, train=True, download=download, check=check)
        test = CIFAR10(root, train=False, check=check)
    except (RuntimeError, OSError) as error:
        if download:
            note(f"no download: {error}")
        elif check != "md5":
            note(f"{root}: {error}")
        return None
    make = "" if check == "md5" else " (not the published files, but of their structure)"
    source = f"{root / CIFAR10.base_folder}{make}"
    return Pictures(train.data, train.targets, test.data, test.targets, train.classes, source)


def _subset(path: Path) -> Pictures | None:
    from ..vision.datasets.arrays import in_planes
    from ..vision.datasets.cifar import CLASSES
    from ..vision.download import has_digest

    if not has_digest(path, SUBSET_DIGEST):
        note(f"{path} is not the known file (its digest differs): not used")
        return None
    with np.load(path, allow_pickle=False) as arrays:
        return Pictures(
            in_planes(arrays["train_images"]),
            arrays["train_labels"].tolist(),
            in_planes(arrays["test_images"]),
            arrays["test_labels"].tolist(),
            list(CLASSES),
            str(path),
        )


def _shapes() -> Pictures:
    from ..vision.datasets import Shapes

    note("stand-in data: 6,000 drawn shapes of ten classes, not CIFAR-10")
    train, test = Shapes(train=True), Shapes(train=False)
    source = "stand-in: drawn shapes"
    return Pictures(train.data, train.targets, test.data, test.targets, train.classes, source)
