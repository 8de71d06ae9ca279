"""MNIST and its kin against torchvision's, from small files in their layout; refusals; fetching."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import lzma
import struct
import threading
import zipfile
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torchvision_side import assert_same, assert_same_state, seed_both, torchvision

import minitorch_ref as mt
from minitorch_ref import vision
from minitorch_ref.vision.datasets.idx import read_idx

CODES = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}


def idx(array: np.ndarray) -> bytes:
    """An array as an IDX file, from the format's description."""
    head = struct.pack(">HBB", 0, CODES[array.dtype.name], array.ndim)
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return head + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


def images(count, seed=0):
    return np.random.RandomState(seed).randint(0, 256, (count, 28, 28), dtype=np.uint8)


def labels(count, seed=0):
    return np.random.RandomState(seed).randint(0, 10, count, dtype=np.uint8)


def write(root, name, files):
    folder = root / name / "raw"
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (folder / file).write_bytes(content)
    return folder


def mnist_files(train=20, test=6):
    return {
        f"{part}-{kind}": idx(make(count, seed))
        for seed, (part, count) in enumerate((("train", train), ("t10k", test)))
        for kind, make in (("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels))
    }


def assert_same_tensor(a, b):
    assert isinstance(a, mt.Tensor)
    assert str(a.dtype) == str(b.dtype)
    np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST", "KMNIST"])
@pytest.mark.parametrize("train", [True, False])
def test_is_torchvisions_dataset(tmp_path, name, train):
    write(tmp_path, name, mnist_files())
    ours, theirs = (
        getattr(v.datasets, name)(tmp_path, train, target_transform=abs)
        for v in (vision, torchvision)
    )
    assert repr(ours) == repr(theirs)
    assert len(ours) == len(theirs) == (20 if train else 6)
    assert_same_tensor(ours.data, theirs.data)
    assert_same_tensor(ours.targets, theirs.targets)
    for attribute in ("classes", "class_to_idx", "raw_folder", "processed_folder", "train"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    for attribute in ("mirrors", "resources", "training_file", "test_file"):
        assert getattr(type(ours), attribute) == getattr(type(theirs), attribute)
    for i in (0, 3, -1, torch.tensor(2).item()):
        (image, label), (image2, label2) = ours[i], theirs[i]
        assert_same(image, image2)
        assert (label, type(label)) == (label2, type(label2))
    for dataset in (ours, theirs):
        with pytest.raises(IndexError):
            dataset[len(dataset)]


@pytest.mark.parametrize("old", ["train_labels", "test_labels", "train_data", "test_data"])
def test_names_of_old(tmp_path, old):
    write(tmp_path, "MNIST", mnist_files())
    for v in (vision, torchvision):
        dataset = v.datasets.MNIST(tmp_path)
        with pytest.warns(UserWarning, match=f"{old} has been renamed (targets|data)"):
            value = getattr(dataset, old)
        assert value is (dataset.targets if "labels" in old else dataset.data)


CHAINS = {
    "whole batches": lambda v: v.Compose([v.ToTensor(), v.Normalize((0.1307,), (0.3081,))]),
    "drawn for the batch": lambda v: v.Compose(
        [v.RandomCrop(28, padding=2), v.RandomHorizontalFlip(), v.ToTensor()]
    ),
    "one by one": lambda v: v.Compose([v.Resize(14), v.ToTensor(), v.Lambda(lambda x: x * 2)]),
}


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("how", ["dataset", "subset", "changed targets"])
def test_batches_are_torchvisions(tmp_path, chain, how):
    """The same seed: the same order, the same augmentations, the same bits."""
    write(tmp_path, "MNIST", mnist_files())
    seed_both(3)
    batches = []
    for t, v in ((mt, vision), (torch, torchvision)):
        dataset = v.datasets.MNIST(tmp_path, transform=CHAINS[chain](v.transforms))
        if how == "subset":
            dataset = t.utils.data.Subset(dataset, [3, 1, 4, 1, 5, 9, 2, 6])
        elif how == "changed targets":
            dataset.targets = dataset.targets % 2
        batches.append(list(t.utils.data.DataLoader(dataset, batch_size=7, shuffle=True)))
    assert len(batches[0]) == len(batches[1])
    for (a, b), (c, d) in zip(*batches, strict=True):
        assert_same(a, c)
        assert_same(b, d)
    assert_same_state()


def test_target_transforms_and_subclasses_in_a_loader(tmp_path):
    write(tmp_path, "MNIST", mnist_files())
    found = []
    for t, v in ((mt, vision), (torch, torchvision)):

        class Indexed(v.datasets.MNIST):
            def __getitem__(self, index):
                return (*super().__getitem__(index), index)

            raw_folder = property(lambda self: str(tmp_path / "MNIST" / "raw"))

        plain = v.datasets.MNIST(
            tmp_path, transform=v.transforms.ToTensor(), target_transform=lambda y: y + 100
        )
        own = Indexed(tmp_path, transform=v.transforms.ToTensor())
        for dataset in (plain, own):
            batch = next(iter(t.utils.data.DataLoader(dataset, batch_size=5)))
            found.append([part.tolist() for part in batch])
    assert found[:2] == found[2:]


@pytest.mark.parametrize("split", vision.datasets.EMNIST.splits)
def test_emnist(tmp_path, split):
    prefix = f"emnist-{split}-"
    files = {
        f"{prefix}{part}-{kind}-ubyte": idx(make(4, seed))
        for seed, part in enumerate(("train", "test"))
        for kind, make in (("images-idx3", images), ("labels-idx1", labels))
    }
    write(tmp_path, "EMNIST", files)
    for train in (True, False):
        ours, theirs = (
            v.datasets.EMNIST(tmp_path, split, train=train) for v in (vision, torchvision)
        )
        assert repr(ours) == repr(theirs)
        assert (ours.classes, ours.class_to_idx) == (theirs.classes, theirs.class_to_idx)
        assert_same_tensor(ours.data, theirs.data)
        assert_same_tensor(ours.targets, theirs.targets)
    assert (ours.url, ours.md5) == (theirs.url, theirs.md5)


@pytest.mark.parametrize("compat", [True, False])
@pytest.mark.parametrize("what", [None, *vision.datasets.QMNIST.subsets])
def test_qmnist(tmp_path, what, compat):
    count = 10_003 if what in ("test10k", "test50k") else 5
    facts = np.random.RandomState(0).randint(0, 1000, (count, 8), dtype=np.int32)
    write(
        tmp_path,
        "QMNIST",
        {
            f"{stem}-{kind}": content
            for stem in ("qmnist-train", "qmnist-test", "xnist")
            for kind, content in (
                ("images-idx3-ubyte", idx(np.zeros((count, 2, 2), np.uint8))),
                ("labels-idx2-int", idx(facts)),
            )
        },
    )
    ours, theirs = (v.datasets.QMNIST(tmp_path, what, compat) for v in (vision, torchvision))
    assert repr(ours) == repr(theirs)
    assert ours.resources == theirs.resources
    assert_same_tensor(ours.targets, theirs.targets)
    (_, ours_target), (_, theirs_target) = ours[1], theirs[1]
    assert type(ours_target) is int if compat else ours_target.tolist() == theirs_target.tolist()
    if compat:
        assert ours_target == theirs_target


@pytest.mark.parametrize("v", [vision, torchvision], ids=["ours", "theirs"])
@pytest.mark.parametrize("make", [
    lambda v, root: v.datasets.EMNIST(root, "nonsense"), lambda v, root: v.datasets.QMNIST(root, "nonsense"),
])  # fmt: skip
def test_unknown_parts(tmp_path, v, make):
    with pytest.raises(ValueError, match="Unknown value 'nonsense' for argument (split|what)"):
        make(v, tmp_path)


def test_tensors_that_old_releases_kept(tmp_path):
    folder = tmp_path / "MNIST" / "processed"
    folder.mkdir(parents=True)
    for name in ("training.pt", "test.pt"):
        pair = (torch.from_numpy(images(3)), torch.from_numpy(labels(3).astype(np.int64)))
        torch.save(pair, folder / name)
    ours, theirs = (v.datasets.MNIST(tmp_path) for v in (vision, torchvision))
    assert_same_tensor(ours.data, theirs.data)
    assert_same_tensor(ours.targets, theirs.targets)


# ---- files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4), (0, 3)])
def test_idx_holds_what_was_written(tmp_path, kind, shape):
    array = np.random.RandomState(0).uniform(0, 100, shape).astype(kind)
    (tmp_path / "a").write_bytes(idx(array))
    found = read_idx(tmp_path / "a")
    assert found.dtype == array.dtype and found.dtype.isnative
    np.testing.assert_array_equal(found, array)


GOOD = idx(images(2))
BROKEN = {
    "empty": b"",
    "magic only": GOOD[:4],
    "ends among its sizes": GOOD[:11],
    "one byte short": GOOD[:-1],
    "one byte long": GOOD + b"x",
    "still compressed": gzip.compress(GOOD),
    "no such type": GOOD[:2] + b"\x0a" + GOOD[3:],
    "no dims": GOOD[:3] + b"\0" + GOOD[4:],
    "many dims": GOOD[:3] + b"\4" + GOOD[4:],
    "first bytes": b"\1" + GOOD[1:],
    "sizes beyond memory": GOOD[:4] + b"\xff" * 12 + GOOD[16:],
}


@pytest.mark.parametrize("harm", BROKEN)
def test_damage_is_named(tmp_path, harm):
    write(tmp_path, "MNIST", {**mnist_files(), "train-images-idx3-ubyte": BROKEN[harm]})
    with pytest.raises(RuntimeError, match="not found or corrupted.*train-images-idx3-ubyte: "):
        vision.datasets.MNIST(tmp_path)


@pytest.mark.parametrize(
    ("file", "array"),
    [
        ("train-images-idx3-ubyte", images(2).astype(np.int8)),
        ("train-images-idx3-ubyte", labels(2)),
        ("train-labels-idx1-ubyte", labels(2).astype(np.int32)),
        ("train-labels-idx1-ubyte", images(2)),
    ],
)
def test_other_arrays_are_refused_as_there(tmp_path, file, array):
    write(tmp_path, "MNIST", {**mnist_files(), file: idx(array)})
    said = []
    for v in (vision, torchvision):
        with pytest.raises((TypeError, ValueError)) as caught:
            v.datasets.MNIST(tmp_path)
        said.append((type(caught.value), str(caught.value)))
    assert said[0] == said[1]


@pytest.mark.parametrize("name", list(mnist_files()))
def test_missing_files(tmp_path, name):
    (write(tmp_path, "MNIST", mnist_files()) / name).unlink()
    for v in (vision, torchvision):
        with pytest.raises(RuntimeError, match="Dataset not found. You can use download=True"):
            v.datasets.MNIST(tmp_path)


# ---- fetching ---------------------------------------------------------------------------------------


@contextmanager
def site(files, **odd):
    """A server of `files`; yields its address and the list of what it was asked."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            name = self.path.rpartition("/")[2]
            asked.append(name)
            content = files.get(name)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            if not odd.get("without_length"):
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def packed(pack=gzip.compress, end=".gz"):
    return {name + end: pack(content) for name, content in mnist_files().items()}


def small_mnist(files, mirrors):
    kind = type("MNIST", (vision.datasets.MNIST,), {})
    kind.mirrors = mirrors
    kind.resources = [(name, md5(content)) for name, content in files.items()]
    return kind


@pytest.mark.parametrize("without_length", [False, True])
def test_download(tmp_path, without_length):
    files = packed()
    with site(files, without_length=without_length) as (url, asked):
        ours = small_mnist(files, [url])(tmp_path, download=True)
        small_mnist(files, [url])(tmp_path, train=False, download=True)
        assert sorted(asked) == sorted(files)  # each once
    np.testing.assert_array_equal(ours.data.numpy(), images(20))
    raw = tmp_path / "MNIST" / "raw"
    assert sorted(p.name for p in raw.iterdir()) == sorted([*files, *mnist_files()])


def test_the_next_mirror_is_tried(tmp_path):
    files = packed()
    one = dict(list(files.items())[:1])
    with site(one) as (first, _), site(files) as (second, asked):
        small_mnist(files, [first, second])(tmp_path, download=True)
        assert sorted(asked) == sorted(set(files) - set(one))


def test_a_file_of_another_make_is_refused(tmp_path):
    files = packed()
    other = {**files, "t10k-labels-idx1-ubyte.gz": gzip.compress(b"other")}
    with site(other) as (url, _):
        with pytest.raises(
            RuntimeError, match="(?s)Error downloading t10k-labels.*expected digest"
        ):
            small_mnist(files, [url])(tmp_path, download=True)
    assert not (tmp_path / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").exists()


def test_no_mirror(tmp_path):
    kind = small_mnist(packed(), ["http://127.0.0.1:9/a/", "http://127.0.0.1:9/b/"])
    with pytest.raises(
        RuntimeError, match="(?s)Tried http://127.0.0.1:9/a/.*Tried http://127.0.0.1:9/b/"
    ):
        kind(tmp_path, download=True)


def test_broken_compression_leaves_nothing_behind(tmp_path):
    files = packed()
    name = "train-images-idx3-ubyte.gz"
    files[name] = files[name][:-20]  # as published, in this test
    with site(files) as (url, _), pytest.raises(EOFError):
        small_mnist(files, [url])(tmp_path, download=True)
    raw = tmp_path / "MNIST" / "raw"
    assert not any(
        p.suffix == ".part" or p.name == "train-images-idx3-ubyte" for p in raw.iterdir()
    )


def test_emnist_takes_what_is_listed_out_of_its_archive(tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for part in ("train", "test"):
            for kind, make in (("images-idx3", images), ("labels-idx1", labels)):
                name = f"emnist-digits-{part}-{kind}-ubyte"
                archive.writestr(f"gzip/{name}.gz", gzip.compress(idx(make(3))))
        archive.writestr("gzip/../../escaped", "!")
    with site({"gzip.zip": out.getvalue()}) as (url, _):
        kind = type(
            "EMNIST",
            (vision.datasets.EMNIST,),
            {"url": url + "gzip.zip", "md5": md5(out.getvalue())},
        )
        ours = kind(tmp_path, "digits", download=True)
        assert len(ours) == 3 and not list(tmp_path.rglob("escaped"))
        with pytest.raises(RuntimeError, match="Dataset not found"):
            kind(tmp_path, "letters", download=True)


@pytest.mark.parametrize("what", ["train", "nist"])
def test_qmnist_download(tmp_path, what):
    pack, end = (gzip.compress, ".gz") if what == "train" else (lzma.compress, ".xz")
    files = {"i" + end: pack(idx(images(4))), "l" + end: pack(idx(np.ones((4, 8), np.int32)))}
    with site(files) as (url, _):
        pairs = [(url + name, md5(content)) for name, content in files.items()]
        kind = type("QMNIST", (vision.datasets.QMNIST,), {"resources": {what: pairs}})
        assert kind(tmp_path, what, download=True)[0][1] == 1
