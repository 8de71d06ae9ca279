"""MNIST and the sets that come in its files: Fashion-MNIST, Kuzushiji-MNIST.

Y. LeCun, C. Cortes, C. Burges, *The MNIST database of handwritten digits*, 1998.
H. Xiao, K. Rasul, R. Vollgraf, *Fashion-MNIST*, arXiv:1708.07747, 2017.
T. Clanuwat et al., *Deep Learning for Classical Japanese Literature*, arXiv:1812.01718, 2018.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from ...serialization import load
from ...tensor import Tensor
from ..download import DownloadError, Remote, download
from ..image import from_array
from .base import Transform, VisionDataset
from .batched import collate_batch
from .idx import read_images, read_labels, unpack

DIGITS = [
    "0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six", "7 - seven",
    "8 - eight", "9 - nine",
]  # fmt: skip


class MNIST(VisionDataset):
    """The folder `root`/MNIST/raw: 60,000 training images, or 10,000 test images.

    `data` is uint8 (N, 28, 28), `targets` int64 (N,); an item is (image, int) after the
    transforms.  With `download`, missing files are fetched from the first mirror that has them;
    RuntimeError when files are missing or none of the mirrors delivers.
    """

    mirrors: ClassVar[list[str]] = [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ]
    resources: ClassVar[Any] = [
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ]
    training_file = "training.pt"
    test_file = "test.pt"
    classes: list[str] = DIGITS

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        download: bool = False,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if self._has_processed():
            self.data, self.targets = self._load_processed()
            return
        if download:
            self.download()
        if not self._check_exists():
            raise RuntimeError("Dataset not found. You can use download=True to download it")
        self.data, self.targets = self._load_data()

    # ---- files ---------------------------------------------------------------------------------

    @property
    def raw_folder(self) -> str:
        """Where the IDX files are."""
        return os.path.join(self.root, type(self).__name__, "raw")  # type: ignore[arg-type]

    @property
    def processed_folder(self) -> str:
        """Where old releases of torchvision kept tensors, which are still read."""
        return os.path.join(self.root, type(self).__name__, "processed")  # type: ignore[arg-type]

    def _has_processed(self) -> bool:
        names = (self.training_file, self.test_file)
        return all(os.path.isfile(os.path.join(self.processed_folder, name)) for name in names)

    def _load_processed(self) -> tuple[Tensor, Tensor]:
        name = self.training_file if self.train else self.test_file
        return load(os.path.join(self.processed_folder, name))

    @property
    def images_file(self) -> str:
        """The file of this split's images."""
        return os.path.join(self.raw_folder, f"{self._split}-images-idx3-ubyte")

    @property
    def labels_file(self) -> str:
        """The file of this split's labels."""
        return os.path.join(self.raw_folder, f"{self._split}-labels-idx1-ubyte")

    @property
    def _split(self) -> str:
        return "train" if self.train else "t10k"

    def _load_data(self) -> tuple[Tensor, Tensor]:
        return read_images(self.images_file), read_labels(self.labels_file)

    def _check_exists(self) -> bool:
        return all(self._unpacked(name).is_file() for name, _ in self.resources)

    def _unpacked(self, name: str) -> Path:
        """The file that the compressed `name` becomes."""
        return Path(self.raw_folder) / Path(name).stem

    def download(self) -> None:
        """Fetch, check and unpack what is missing."""
        for name, md5 in self.resources:
            if not self._unpacked(name).is_file():
                packed = self._fetch(name, md5)
                unpack(packed, self._unpacked(name))

    def _fetch(self, name: str, md5: str) -> Path:
        """`name` from the first mirror that has it."""
        problems = []
        for mirror in self.mirrors:
            remote = Remote(f"{mirror}{name}", None, f"md5:{md5}")
            try:
                return download(remote, Path(self.raw_folder) / name)
            except DownloadError as error:
                problems.append(f"Tried {mirror}, got:\n{error}\n")
        raise RuntimeError(f"Error downloading {name}:\n" + "".join(problems))

    # ---- items ---------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        img, target = from_array(self.data[index].numpy()), int(self.targets[index])
        if self.transform is not None:
            img = self.transform(img)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return img, target

    def _collated_batch(self, indices: Sequence[int]) -> Any:
        """What a loader's default collating of these items gives, or None if it must do it."""
        plain = type(self).__getitem__ is MNIST.__getitem__ and self.target_transform is None
        if not plain or not all(isinstance(t, Tensor) for t in (self.data, self.targets)):
            return None
        return collate_batch(self.data._array, self.targets._array, self.transform, indices)

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number of each class."""
        return {name: i for i, name in enumerate(self.classes)}

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train is True else 'Test'}"

    # ---- names of old --------------------------------------------------------------------------

    def _renamed(self, old: str, new: str) -> Tensor:
        warnings.warn(f"{old} has been renamed {new}", stacklevel=3)
        return getattr(self, new)

    train_labels = property(lambda self: self._renamed("train_labels", "targets"))
    test_labels = property(lambda self: self._renamed("test_labels", "targets"))
    train_data = property(lambda self: self._renamed("train_data", "data"))
    test_data = property(lambda self: self._renamed("test_data", "data"))


class FashionMNIST(MNIST):
    """Ten kinds of clothing in MNIST's layout: `root`/FashionMNIST/raw, otherwise as `MNIST`."""

    mirrors: ClassVar[list[str]] = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    resources: ClassVar[Any] = [
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    ]
    classes: list[str] = [
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
        "Ankle boot",
    ]  # fmt: skip


class KMNIST(MNIST):
    """Ten hiragana in MNIST's layout: `root`/KMNIST/raw, otherwise as `MNIST`."""

    mirrors: ClassVar[list[str]] = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    resources: ClassVar[Any] = [
        ("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
        ("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
        ("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
        ("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
    ]
    classes: list[str] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
