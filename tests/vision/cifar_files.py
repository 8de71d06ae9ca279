"""Small files in CIFAR-10's layout, written opcode for opcode as Python 2 wrote the real ones."""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile
from pathlib import Path

import numpy as np

from minitorch_ref.vision.datasets import CIFAR10
from minitorch_ref.vision.datasets.cifar import CLASSES

FILES = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch", "batches.meta"]


def _text(value: str) -> bytes:
    return b"U" + bytes([len(value)]) + value.encode()


def _int(value: int) -> bytes:
    return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)


def write_batch(rows: np.ndarray, labels: list[int]) -> bytes:
    """A batch file: protocol 2, byte strings, the array's bytes in one string."""
    count, width = rows.shape
    return b"".join(
        [
            b"\x80\x02}q\x01(",
            _text("batch_label") + b"q\x02" + _text("a small batch") + b"q\x03",
            _text("labels") + b"q\x04](" + b"".join(map(_int, labels)) + b"e",
            _text("data"),
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R",
            b"(K\x01" + _int(count) + _int(width) + b"\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R",
            b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb",
            b"\x89T" + struct.pack("<I", rows.size) + rows.tobytes() + b"tb",
            b"u.",
        ]
    )


def write_meta() -> bytes:
    names = b"".join(_text(name) for name in CLASSES)
    head = b"\x80\x02}(" + _text("num_cases_per_batch") + _int(4)
    return head + _text("label_names") + b"](" + names + b"eu."


def small_files(per_batch: int = 4) -> dict[str, bytes]:
    """Every file of the folder, with `per_batch` images in each batch."""
    rng = np.random.RandomState(0)
    files = {}
    for name in FILES[:-1]:
        rows = rng.randint(0, 256, (per_batch, 3072), dtype=np.uint8)
        files[name] = write_batch(rows, rng.randint(0, 10, per_batch).tolist())
    files["batches.meta"] = write_meta()
    return files


def write_folder(root: Path, files: dict[str, bytes]) -> Path:
    folder = root / CIFAR10.base_folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def archive(files: dict[str, bytes]) -> bytes:
    """The folder as a .tar.gz, with a member that tries to leave it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        listed = {f"{CIFAR10.base_folder}/{name}": content for name, content in files.items()}
        for name, content in {**listed, "../escaped": b"!"}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def small_cifar(files: dict[str, bytes], url: str = "http://127.0.0.1:9/none") -> type[CIFAR10]:
    """CIFAR10 with the digests of `files` for the published ones."""
    packed = archive(files)

    class SmallCIFAR10(CIFAR10):
        train_list = [[name, md5(files[name])] for name in FILES[:5]]
        test_list = [["test_batch", md5(files["test_batch"])]]
        meta = {**CIFAR10.meta, "md5": md5(files["batches.meta"])}
        tgz_md5 = md5(packed)
        tgz_size = len(packed)

    SmallCIFAR10.url = url
    SmallCIFAR10.__name__ = "CIFAR10"
    return SmallCIFAR10
