"""ImageFolder, DatasetFolder and FakeData against torchvision's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision_side import (
    PIL_Image,
    assert_same,
    assert_same_state,
    pixels,
    seed_both,
    torchvision,
)

import minitorch_ref as mt
from minitorch_ref import vision

SIDES = (vision, torchvision)


@pytest.fixture
def tree(tmp_path):
    """Three classes, deep folders, several formats and modes, files that are no images."""
    for i, name in enumerate(
        ("b/1.png", "a/z.PNG", "a/deep/y.bmp", "c/x.ppm", "a/Z.png", "c/w.png")
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = PIL_Image.fromarray(pixels(i, 6, 5, 3))
        modes = {"c/w.png": "L", "b/1.png": "RGBA"}
        image.convert(modes.get(name, "RGB")).save(path)
    (tmp_path / "a" / "notes.txt").write_text("no image")
    (tmp_path / "file-at-the-top.png").write_bytes(b"")
    return tmp_path


def test_image_folder(tree):
    ours, theirs = (v.datasets.ImageFolder(tree, v.transforms.ToTensor()) for v in SIDES)
    assert repr(ours).replace("ToTensor()", "") == repr(theirs).replace("ToTensor()", "")
    for name in ("classes", "class_to_idx", "samples", "imgs", "targets", "extensions", "root"):
        assert getattr(ours, name) == getattr(theirs, name)
    for a, b in zip(ours, theirs, strict=True):
        assert_same(a[0], b[0])
        assert a[1] == b[1]
    assert_same(
        vision.datasets.ImageFolder(tree)[0][0], torchvision.datasets.ImageFolder(tree)[0][0]
    )


def test_chosen_files_and_loaders(tree):
    for make in (
        lambda v: v.datasets.ImageFolder(tree, is_valid_file=lambda p: "w" in p or "y" in p or "1" in p),
        lambda v: v.datasets.DatasetFolder(tree, str.upper, (".png", ".ppm"), target_transform=str),
        lambda v: v.datasets.DatasetFolder(tree, len, is_valid_file=lambda p: p.endswith("txt"), allow_empty=True),
    ):  # fmt: skip
        ours, theirs = make(vision), make(torchvision)
        assert ours.samples == theirs.samples
        if not isinstance(ours, vision.datasets.ImageFolder):
            assert list(map(ours.__getitem__, range(len(ours)))) == [
                theirs[i] for i in range(len(theirs))
            ]


@pytest.mark.parametrize("case", [
    lambda d, root: d.DatasetFolder(root, str),
    lambda d, root: d.DatasetFolder(root, str, (".png",), is_valid_file=bool),
    lambda d, root: d.DatasetFolder(root, str, (".txt",)),
    lambda d, root: d.DatasetFolder(root, str, ".nothing"),
    lambda d, root: d.ImageFolder(root, is_valid_file=lambda path: False),
    lambda d, root: d.ImageFolder(root / "b"),
    lambda d, root: d.ImageFolder(root / "nowhere"),
    lambda d, root: d.folder.make_dataset(root, {}, (".png",)),
    lambda d, root: d.DatasetFolder.make_dataset(root, None, (".png",)),
])  # fmt: skip
def test_refusals(tree, case):
    said = []
    for v in SIDES:
        with pytest.raises((ValueError, FileNotFoundError)) as caught:
            case(v.datasets, tree)
        said.append((type(caught.value), str(caught.value)))
    assert said[0] == said[1]


def test_names():
    for name in ("a.JPG", "a.jpeg", "a.txt", "png", ".webp"):
        ours, theirs = (v.datasets.folder.is_image_file(name) for v in SIDES)
        assert ours is theirs
    assert vision.datasets.folder.IMG_EXTENSIONS == torchvision.datasets.folder.IMG_EXTENSIONS


@pytest.mark.parametrize("shape", [(3, 8, 9), (1, 5, 5), (4, 3, 3)])
def test_fake_data(shape):
    seed_both(5)
    for t in (mt, torch):
        t.randn(1)  # leaves half a pair of normals, which must be there again afterwards
    ours, theirs = (
        v.datasets.FakeData(4, shape, 7, random_offset=11, target_transform=lambda y: y + 1)
        for v in SIDES
    )
    assert (
        repr(ours).partition("StandardTransform")[0]
        == repr(theirs).partition("StandardTransform")[0]
    )
    for i in (0, 3, -1):
        (image, label), (image2, label2) = ours[i], theirs[i]
        assert_same(image, image2)
        assert (label, type(label)) == (label2, type(label2))
    for dataset in (ours, theirs):
        with pytest.raises(IndexError, match="FakeData index out of range"):
            dataset[4]
    assert_same_state()
    assert mt.randn(1).item() == torch.randn(1).item()


def test_in_a_loader(tree):
    """Shuffled, augmented, collated: the batches of a program that reads folders."""
    seed_both(0)
    found = []
    for t, v in ((mt, vision), (torch, torchvision)):
        f = v.transforms
        chain = f.Compose([f.Resize(8), f.RandomCrop(6), f.RandomHorizontalFlip(), f.ToTensor()])
        loader = t.utils.data.DataLoader(
            v.datasets.ImageFolder(tree, chain), batch_size=4, shuffle=True
        )
        found.append([[part.numpy() for part in batch] for batch in loader])
    for a, b in zip(*found, strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, y)
