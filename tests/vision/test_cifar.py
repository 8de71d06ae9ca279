"""CIFAR-10 in its official layout: reading, refusing, fetching, as torchvision and more strictly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cifar_files import (
    FILES,
    archive,
    small_cifar,
    small_files,
    write_batch,
    write_folder,
    write_meta,
)
from torchvision_side import assert_same, seed_both, torchvision
from web import serve

from minitorch_ref import vision
from minitorch_ref.vision.datasets import CIFAR10, CIFAR100
from minitorch_ref.vision.datasets.cifar import CLASSES


@pytest.fixture
def files():
    return small_files()


def theirs_like(ours: type[CIFAR10]) -> type:
    """torchvision's class with the same digests."""
    names = ("train_list", "test_list", "meta", "tgz_md5")
    return type(
        "CIFAR10", (torchvision.datasets.CIFAR10,), {name: getattr(ours, name) for name in names}
    )


@pytest.mark.parametrize("train", [True, False])
def test_is_torchvisions_dataset(files, tmp_path, train):
    write_folder(tmp_path, files)
    kind = small_cifar(files)
    ours, theirs = kind(tmp_path, train), theirs_like(kind)(tmp_path, train)
    assert repr(ours) == repr(theirs)
    assert len(ours) == len(theirs)
    np.testing.assert_array_equal(ours.data, theirs.data)
    assert ours.data.strides == theirs.data.strides
    assert ours.targets == theirs.targets
    assert ours.classes == theirs.classes == list(CLASSES)
    assert ours.class_to_idx == theirs.class_to_idx
    for i in (0, 3, -1):
        (image, label), (image2, label2) = ours[i], theirs[i]
        assert_same(image, image2)
        assert (label, type(label)) == (label2, type(label2))
    with pytest.raises(IndexError):
        ours[len(ours)]


def test_transforms_and_repr(files, tmp_path):
    write_folder(tmp_path, files)
    kind = small_cifar(files)

    def make(kind, v):
        chain = v.Compose([v.RandomCrop(32, padding=4), v.RandomHorizontalFlip(), v.ToTensor()])
        return kind(str(tmp_path), transform=chain, target_transform=lambda t: t + 100)

    ours, theirs = make(kind, vision.transforms), make(theirs_like(kind), torchvision.transforms)
    head = repr(ours).split("Target transform")[0]
    assert head == repr(theirs).split("Target transform")[0]
    seed_both(1)
    for i in range(6):
        (image, label), (image2, label2) = ours[i], theirs[i]
        assert_same(image, image2)
        assert label == label2 >= 100


def test_published_facts_are_torchvisions():
    for ours, theirs in (
        (CIFAR10, torchvision.datasets.CIFAR10),
        (CIFAR100, torchvision.datasets.CIFAR100),
    ):
        for name in (
            "base_folder",
            "url",
            "filename",
            "tgz_md5",
            "train_list",
            "test_list",
            "meta",
        ):
            assert getattr(ours, name) == getattr(theirs, name)


MISSING = "Dataset not found or corrupted. You can use download=True to download it"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", ["missing", "truncated", "one byte"])
def test_damage_is_noticed(files, tmp_path, name, harm):
    folder = write_folder(tmp_path, files)
    path = folder / name
    content = path.read_bytes()
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(content[:-1] if harm == "truncated" else content[:-1] + b"\x00")
    with pytest.raises(RuntimeError, match="not found or corrupted"):
        small_cifar(files)(tmp_path)


def test_the_published_digests_are_asked_for(files, tmp_path):
    write_folder(tmp_path, files)
    with pytest.raises(RuntimeError) as ours:
        CIFAR10(tmp_path)
    with pytest.raises(RuntimeError) as theirs:
        torchvision.datasets.CIFAR10(tmp_path)
    assert str(ours.value) == str(theirs.value) == MISSING


def test_structure_instead_of_digests(files, tmp_path):
    write_folder(tmp_path, files)
    by_digest = small_cifar(files)(tmp_path)
    by_look = CIFAR10(tmp_path, check="structure")
    np.testing.assert_array_equal(by_digest.data, by_look.data)
    assert by_digest.targets == by_look.targets
    assert len(CIFAR10(tmp_path, train=False, check="structure")) == 4


ROWS = np.zeros((4, 3072), np.uint8)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data_batch_2", b""),
        ("data_batch_2", write_batch(ROWS, [1, 2, 3, 4])[:-5]),
        ("data_batch_2", write_batch(ROWS[:, :3000], [1, 2, 3, 4])),
        ("data_batch_2", write_batch(ROWS, [1, 2, 3])),
        ("data_batch_2", write_batch(ROWS, [1, 2, 3, 10])),
        ("data_batch_2", write_meta()),
        ("batches.meta", write_batch(ROWS, [1, 2, 3, 4])),
        ("data_batch_2", b"cos\nsystem\n(S'touch was-run'\ntR."),
    ],
)
def test_structure_is_looked_at(files, tmp_path, name, content, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path, {**files, name: content})
    with pytest.raises(RuntimeError, match=f"not found or corrupted: .*{name}"):
        CIFAR10(tmp_path, check="structure")
    assert not (tmp_path / "was-run").exists()


def test_structure_of_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="not found or corrupted"):
        CIFAR10(tmp_path, check="structure")


def test_check_is_checked(tmp_path):
    with pytest.raises(ValueError, match="check must be"):
        CIFAR10(tmp_path, check="none")
    with pytest.raises(ValueError, match="always checked by its md5"):
        CIFAR10(tmp_path, download=True, check="structure")


# ---- download -------------------------------------------------------------------------------------


def test_download_unpacks_what_is_listed(files, tmp_path):
    packed = archive(files)
    root = tmp_path / "root"
    with serve(packed) as site:
        kind = small_cifar(files, site.url)
        ours = kind(root, download=True)
        kind(root, train=False, download=True)
        assert len(site.asked) == 1
    assert len(ours) == 20
    assert sorted(p.name for p in root.iterdir()) == ["cifar-10-batches-py", kind.filename]
    assert sorted(p.name for p in (root / kind.base_folder).iterdir()) == sorted(FILES)
    assert not (tmp_path / "escaped").exists()


def test_a_damaged_batch_comes_back_from_the_archive(files, tmp_path):
    with serve(archive(files)) as site:
        kind = small_cifar(files, site.url)
        first = kind(tmp_path, download=True)
        batch = tmp_path / kind.base_folder / "data_batch_3"
        batch.write_bytes(batch.read_bytes()[:100])
        second = kind(tmp_path, download=True)
        assert len(site.asked) == 1
        np.testing.assert_array_equal(first.data, second.data)
        # ... and with a damaged archive from the net
        batch.write_bytes(b"")
        (tmp_path / kind.filename).write_bytes(b"half")
        third = kind(tmp_path, download=True)
        assert len(site.asked) == 2
    np.testing.assert_array_equal(first.data, third.data)


def test_an_archive_with_other_files_is_refused(files, tmp_path):
    other = {**files, "data_batch_1": files["data_batch_2"]}
    packed = archive(other)
    with serve(packed) as site:
        kind = small_cifar(files, site.url)
        kind.tgz_md5, kind.tgz_size = small_cifar(other).tgz_md5, len(packed)
        with pytest.raises(RuntimeError, match="not the published file"):
            kind(tmp_path, download=True)
    assert not (tmp_path / kind.base_folder / "data_batch_1").exists()


def test_an_archive_that_lacks_a_file(files, tmp_path):
    fewer = {name: content for name, content in files.items() if name != "test_batch"}
    packed = archive(fewer)
    with serve(packed) as site:
        kind = small_cifar(files, site.url)
        import hashlib

        kind.tgz_md5, kind.tgz_size = hashlib.md5(packed).hexdigest(), len(packed)
        with pytest.raises(RuntimeError, match="holds no file test_batch"):
            kind(tmp_path, download=True)


def test_no_network(files, tmp_path):
    with pytest.raises(RuntimeError, match="could not fetch"):
        small_cifar(files)(tmp_path, download=True)


def test_works_in_a_torch_loader(files, tmp_path):
    write_folder(tmp_path, files)
    chain = torchvision.transforms.ToTensor()
    dataset = small_cifar(files)(tmp_path, transform=chain)
    images, labels = next(iter(torch.utils.data.DataLoader(dataset, batch_size=5)))
    assert images.shape == (5, 3, 32, 32)
    assert labels.tolist() == dataset.targets[:5]
