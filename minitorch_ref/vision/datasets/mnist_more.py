"""EMNIST (letters and digits) and QMNIST (MNIST's digits with what is known of each).

G. Cohen, S. Afshar, J. Tapson, A. van Schaik, *EMNIST*, arXiv:1702.05373, 2017.
C. Yadav, L. Bottou, *Cold Case: the Lost MNIST Digits*, arXiv:1905.10498, 2019.
"""

from __future__ import annotations

import gzip
import os
import string
import zipfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ...tensor import Tensor, wrap
from ..download import Remote, download
from ..image import from_array
from .idx import read_idx, read_images, unpack, write_whole
from .mnist import DIGITS, MNIST

_ALL = sorted(string.digits + string.ascii_letters)
# Lower case letters that look like their capitals are one class with them.
_MERGED = [name for name in _ALL if name not in "cijklmopsuvwxyz"]


def _checked(value: Any, argument: str, known: tuple[str, ...]) -> str:
    if not isinstance(value, str):
        raise ValueError(f"Expected type str for argument {argument}, but got type {type(value)}.")
    if value not in known:
        raise ValueError(
            f"Unknown value '{value}' for argument {argument}. Valid values are {{{_quoted(known)}}}."
        )
    return value


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


class EMNIST(MNIST):
    """One of six `split`s of handwritten letters and digits: `root`/EMNIST/raw."""

    url = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
    md5 = "58c8d27c78d21e728a6bc7b3cc06412e"
    splits = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")
    classes_split_dict: ClassVar[dict[str, list[str]]] = {
        "byclass": _ALL,
        "bymerge": _MERGED,
        "balanced": _MERGED,
        "letters": ["N/A", *string.ascii_lowercase],
        "digits": list(string.digits),
        "mnist": list(string.digits),
    }

    def __init__(self, root: str | os.PathLike[str], split: str, **kwargs: Any):
        self.split = _checked(split, "split", self.splits)
        self.training_file, self.test_file = f"training_{split}.pt", f"test_{split}.pt"
        super().__init__(root, **kwargs)
        self.classes = self.classes_split_dict[self.split]

    @property
    def _split(self) -> str:
        return f"emnist-{self.split}-{'train' if self.train else 'test'}"

    def _check_exists(self) -> bool:
        return os.path.isfile(self.images_file) and os.path.isfile(self.labels_file)

    def download(self) -> None:
        """Fetch the archive of all splits and unpack its files."""
        if self._check_exists():
            return
        remote = Remote(self.url, None, f"md5:{self.md5}")
        archive = download(remote, Path(self.raw_folder) / os.path.basename(self.url))
        listed = [
            f"emnist-{split}-{part}-{kind}-ubyte"
            for split in self.splits
            for part in ("train", "test")
            for kind in ("images-idx3", "labels-idx1")
        ]
        with zipfile.ZipFile(archive) as files:
            for name in listed:
                member = f"gzip/{name}.gz"
                if member in files.namelist():
                    with files.open(member) as packed, gzip.open(packed) as plain:
                        write_whole(plain, Path(self.raw_folder) / name)  # type: ignore[arg-type]


class QMNIST(MNIST):
    """MNIST with its lost digits: `what` is train, test, test10k, test50k or nist.

    With `compat` an item's target is the class; without, the eight numbers known of the digit.
    """

    subsets: ClassVar[dict[str, str]] = {
        "train": "train", "test": "test", "test10k": "test", "test50k": "test", "nist": "nist",
    }  # fmt: skip
    _home = "https://raw.githubusercontent.com/facebookresearch/qmnist/master/"
    resources: ClassVar[Any] = {
        "train": [
            (_home + "qmnist-train-images-idx3-ubyte.gz", "ed72d4157d28c017586c42bc6afe6370"),
            (_home + "qmnist-train-labels-idx2-int.gz", "0058f8dd561b90ffdd0f734c6a30e5e4"),
        ],
        "test": [
            (_home + "qmnist-test-images-idx3-ubyte.gz", "1394631089c404de565df7b7aeaf9412"),
            (_home + "qmnist-test-labels-idx2-int.gz", "5b5b05890a5e13444e108efe57b788aa"),
        ],
        "nist": [
            (_home + "xnist-images-idx3-ubyte.xz", "7f124b3b8ab81486c9d8c2749c17f834"),
            (_home + "xnist-labels-idx2-int.xz", "5ed0e788978e45d4a8bd4b7caec3d79d"),
        ],
    }
    classes: list[str] = DIGITS

    def __init__(
        self,
        root: str | os.PathLike[str],
        what: str | None = None,
        compat: bool = True,
        train: bool = True,
        **kwargs: Any,
    ):
        what = ("train" if train else "test") if what is None else what
        self.what = _checked(what, "what", tuple(self.subsets))
        self.compat = compat
        self.data_file = self.training_file = self.test_file = f"{what}.pt"
        super().__init__(root, train, **kwargs)

    def _file(self, which: int) -> str:
        url, _ = self.resources[self.subsets[self.what]][which]
        return str(self._unpacked(os.path.basename(url)))

    images_file = property(lambda self: self._file(0))  # type: ignore[assignment]
    labels_file = property(lambda self: self._file(1))  # type: ignore[assignment]

    def _check_exists(self) -> bool:
        return os.path.isfile(self.images_file) and os.path.isfile(self.labels_file)

    def _load_data(self) -> tuple[Tensor, Tensor]:
        images, facts = read_images(self.images_file)._array, read_idx(self.labels_file)
        if facts.ndim != 2:
            raise ValueError(f"targets should have 2 dimensions instead of {facts.ndim}")
        # The first 10,000 test images are MNIST's own.
        part = {"test10k": slice(0, 10000), "test50k": slice(10000, None)}.get(self.what, slice(None))
        return wrap(images[part].copy()), wrap(facts[part].astype(np.int64))

    def download(self) -> None:
        """Fetch, check and unpack the two files of this subset."""
        for url, md5 in self.resources[self.subsets[self.what]]:
            name = os.path.basename(url)
            if not self._unpacked(name).is_file():
                remote = Remote(url, None, f"md5:{md5}")
                unpack(download(remote, Path(self.raw_folder) / name), self._unpacked(name))

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        img, target = from_array(self.data[index].numpy()), self.targets[index]
        if self.transform is not None:
            img = self.transform(img)
        if self.compat:
            target = int(target[0])  # type: ignore[assignment]
        if self.target_transform is not None:
            target = self.target_transform(target)
        return img, target

    def extra_repr(self) -> str:
        return f"Split: {self.what}"
