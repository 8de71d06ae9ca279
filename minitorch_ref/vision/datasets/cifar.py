"""CIFAR-10 and CIFAR-100 in their official layout.

A. Krizhevsky, *Learning Multiple Layers of Features from Tiny Images*, technical report,
University of Toronto, 2009.  https://www.cs.toronto.edu/~kriz/cifar.html
"""

from __future__ import annotations

import os
import pickle
import tarfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..download import Remote, download, has_digest
from .arrays import ImageArrays
from .base import Transform, VisionDataset
from .unpickle import load

CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


class CIFAR10(ImageArrays):
    """The folder `root`/cifar-10-batches-py: 50,000 training images, or 10,000 test images.

    With `download`, the archive is fetched into `root` unless the folder is there and right.
    `check` is ours: "md5" (default) takes the published files only; "structure" takes any files
    that hold what CIFAR files hold, after looking (for re-encoded or smaller copies), and never
    goes with `download`.  RuntimeError when the files are missing, corrupted or of another make.
    """

    base_folder = "cifar-10-batches-py"
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    filename = "cifar-10-python.tar.gz"
    tgz_md5 = "c58f30108f718f92721af3b95e74349a"
    tgz_size = 170_498_071
    train_list: ClassVar[list[list[str]]] = [
        ["data_batch_1", "c99cafc152244af753f735de768cd75f"],
        ["data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"],
        ["data_batch_3", "54ebc095f3ab1f0389bbae665268c751"],
        ["data_batch_4", "634d18415352ddfa80567beed471001a"],
        ["data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"],
    ]
    test_list: ClassVar[list[list[str]]] = [["test_batch", "40351d587109b95175f43aff81a1287e"]]
    meta: ClassVar[dict[str, str]] = {
        "filename": "batches.meta",
        "key": "label_names",
        "md5": "5ff9c542aee3614f3951f8cda6e48888",
    }
    _label_key = "labels"

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        download: bool = False,
        *,
        check: str = "md5",
    ):
        if check not in ("md5", "structure"):
            raise ValueError(f'check must be "md5" or "structure", got {check!r}')
        if download and check != "md5":
            raise ValueError("a download is always checked by its md5; leave check as it is")
        VisionDataset.__init__(self, root, transform=transform, target_transform=target_transform)
        self.train = train
        if download:
            self.download()
        if check == "md5" and not self._check_integrity():
            raise RuntimeError(
                "Dataset not found or corrupted. You can use download=True to download it"
            )
        self._hold(*self._read())

    @property
    def _folder(self) -> Path:
        return Path(self.root) / self.base_folder  # type: ignore[arg-type]

    def _read(self) -> tuple[np.ndarray, list[int], list[str]]:
        classes = self._entry(self.meta["filename"], self.meta["key"])[0]
        if not (isinstance(classes, list) and all(isinstance(name, str) for name in classes)):
            raise self._malformed(self.meta["filename"], "no list of class names")
        rows, targets = [], []
        for name, _ in self.train_list if self.train else self.test_list:
            data, labels = self._entry(name, "data", self._label_key)
            if not (isinstance(data, np.ndarray) and data.ndim == 2 and data.shape[1] == 3072):
                raise self._malformed(name, "its data is not rows of 3072 bytes")
            if not (isinstance(labels, list) and len(labels) == len(data)):
                raise self._malformed(name, f"{len(data)} images without as many labels")
            if not all(type(label) is int and 0 <= label < len(classes) for label in labels):
                raise self._malformed(name, f"labels that are no integers below {len(classes)}")
            rows.append(data)
            targets += labels
        # A row is 1024 red, then green, then blue values; HWC is a view of that.
        images = np.concatenate(rows).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return images, targets, classes

    def _entry(self, name: str, *keys: str) -> list[Any]:
        try:
            with open(self._folder / name, "rb") as f:
                content = load(f)
        except OSError as error:
            raise RuntimeError(
                f"Dataset not found or corrupted: {error}. You can use download=True to download it"
            ) from error
        except pickle.UnpicklingError as error:
            raise self._malformed(name, str(error)) from error
        if missing := [key for key in keys if key not in content]:
            raise self._malformed(name, f"no {', '.join(missing)}")
        return [content[key] for key in keys]

    def _malformed(self, name: str, problem: str) -> RuntimeError:
        return RuntimeError(f"Dataset not found or corrupted: {self._folder / name}: {problem}")

    def _files(self) -> list[tuple[str, str]]:
        listed = [(name, md5) for name, md5 in self.train_list + self.test_list]
        return [*listed, (self.meta["filename"], self.meta["md5"])]

    def _check_integrity(self) -> bool:
        return all(has_digest(self._folder / name, f"md5:{md5}") for name, md5 in self._files())

    def download(self) -> None:
        """Fetch and unpack what is missing or wrong; each file is checked before it is in place."""
        if self._check_integrity():
            return
        remote = Remote(self.url, self.tgz_size, f"md5:{self.tgz_md5}")
        archive = download(remote, Path(self.root) / self.filename)  # type: ignore[arg-type]
        self._folder.mkdir(parents=True, exist_ok=True)
        # Only the listed names are taken out of the archive, so nothing lands anywhere else.
        with tarfile.open(archive) as tar:
            for name, md5 in self._files():
                self._unpack(tar, name, md5)

    def _unpack(self, tar: tarfile.TarFile, name: str, md5: str) -> None:
        target = self._folder / name
        if has_digest(target, f"md5:{md5}"):
            return
        try:
            member = tar.extractfile(f"{self.base_folder}/{name}")
        except KeyError:
            member = None
        if member is None:
            raise RuntimeError(f"the archive {self.filename} holds no file {name}")
        part = target.with_name(f"{name}.{os.getpid()}.part")
        part.write_bytes(member.read())
        if not has_digest(part, f"md5:{md5}"):
            part.unlink()
            raise RuntimeError(f"{name} in the archive {self.filename} is not the published file")
        os.replace(part, target)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train is True else 'Test'}"


class CIFAR100(CIFAR10):
    """CIFAR-100 with its fine labels: `root`/cifar-100-python, otherwise as `CIFAR10`."""

    base_folder = "cifar-100-python"
    url = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    filename = "cifar-100-python.tar.gz"
    tgz_md5 = "eb9058c3a382ffc7106e4002c42a8d85"
    tgz_size = 169_001_437
    train_list: ClassVar[list[list[str]]] = [["train", "16019d7e3df5f24257cddd939b257f8d"]]
    test_list: ClassVar[list[list[str]]] = [["test", "f0ef6b0ae62326f3e7ffdfab6717acfc"]]
    meta: ClassVar[dict[str, str]] = {
        "filename": "meta",
        "key": "fine_label_names",
        "md5": "7973b15100ade9c7d40fb424638fde48",
    }
    _label_key = "fine_labels"
