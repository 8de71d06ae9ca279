"""Where data comes from: folder, cache, net, stand-in; damaged files are never used."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from minitorch_ref.programs import data, standins
from minitorch_ref.vision import datasets

sys.path.insert(0, str(Path(__file__).parents[1] / "vision"))
from cifar_files import archive, small_cifar, small_files, write_folder
from web import serve

CSV = "gradient_descent.csv"
TABLE = b"0.1,0.2,1\n0.3,0.4,0\n"


@pytest.fixture
def site(monkeypatch):
    """The first CSV file published on a server here, with its own digest."""
    with serve(TABLE) as site:
        digest = "sha256:" + hashlib.sha256(TABLE).hexdigest()
        monkeypatch.setitem(data.CSV_FILES, CSV, (site.url, len(TABLE), digest))
        monkeypatch.setenv("MINITORCH_OFFLINE", "0")
        yield site


def test_pinned_facts(published):
    for name, (url, size, digest) in data.CSV_FILES.items():
        content = (Path(published) / name).read_bytes()
        assert len(content) == size
        assert digest == "sha256:" + hashlib.sha256(content).hexdigest()
        assert "/c9404fc86181fc3f0906b368697268257f348535/" in url


def test_the_folder_comes_first(site, tmp_path, capsys):
    (tmp_path / CSV).write_bytes(TABLE)
    found = data.points(tmp_path)
    assert found.source == str(tmp_path / CSV)
    np.testing.assert_array_equal(found.features, [[0.1, 0.2], [0.3, 0.4]])
    np.testing.assert_array_equal(found.labels, [1, 0])
    assert (site.asked, capsys.readouterr().err) == ([], "")


def test_the_folder_may_come_from_the_environment(site, tmp_path, monkeypatch):
    (tmp_path / CSV).write_bytes(TABLE)
    monkeypatch.setenv("MINITORCH_DATA", str(tmp_path))
    assert data.points().source == str(tmp_path / CSV)


def test_no_such_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="no data folder"):
        data.points(tmp_path / "nowhere")


def test_then_the_net_then_the_cache(site):
    first, second = data.points(), data.points()
    assert first.source == second.source == str(data.cache_folder() / CSV)
    assert len(site.asked) == 1


@pytest.mark.parametrize("damaged", [TABLE[:10], TABLE + b"0.5,0.5,1\n", b""])
def test_a_damaged_file_in_the_folder_is_left_aside(site, tmp_path, capsys, damaged):
    (tmp_path / CSV).write_bytes(damaged)
    assert data.points(tmp_path).source == str(data.cache_folder() / CSV)
    assert "is not the published file" in capsys.readouterr().err
    assert (tmp_path / CSV).read_bytes() == damaged


def test_a_damaged_file_in_the_cache_is_fetched_again(site):
    data.cache_folder().mkdir(parents=True)
    (data.cache_folder() / CSV).write_bytes(TABLE[:7])
    assert len(data.points().labels) == 2
    assert (data.cache_folder() / CSV).read_bytes() == TABLE


@pytest.mark.parametrize("trouble", ["404", "wrong", "truncated", "offline"])
def test_then_the_stand_in(site, trouble, capsys, monkeypatch):
    if trouble == "404":
        site.status = 404
    elif trouble == "wrong":
        site.content = TABLE[:-2] + b"1\n"
    elif trouble == "truncated":
        site.cut = [3] * 3 + [0] * 10
    else:
        monkeypatch.setenv("MINITORCH_OFFLINE", "1")
    found = data.points()
    said = capsys.readouterr().err.splitlines()
    assert found.source.startswith("stand-in")
    assert [line for line in said if line.startswith("stand-in data:")] == said[-1:]
    assert len(said) == (1 if trouble == "offline" else 2)
    assert not (data.cache_folder() / CSV).exists()


# ---- the stand-ins --------------------------------------------------------------------------------


def test_drawn_points_have_the_schema(published):
    real, drawn = data.points(published), data.points()
    assert drawn.features.shape == real.features.shape == (100, 2)
    assert drawn.features.dtype == real.features.dtype == np.float64
    assert np.array_equal(np.bincount(drawn.labels.astype(int)), [50, 50])
    assert drawn.features.min() >= 0 and drawn.features.max() <= 1


def test_drawn_applications_have_the_schema(published):
    real, drawn = data.applications(published), data.applications()
    for ours, theirs in zip(drawn[:4], real[:4], strict=True):
        assert ours.shape == theirs.shape == (400,)
        assert ours.dtype == theirs.dtype
        assert theirs.min() <= ours.min() <= ours.max() <= theirs.max()
    for ours, theirs in zip(drawn[1:3], real[1:3], strict=True):
        assert ours.mean() == pytest.approx(theirs.mean(), rel=0.03)
        assert ours.std() == pytest.approx(theirs.std(), rel=0.15)


def test_drawn_admissions_follow_the_published_fit():
    """Over many draws, the share admitted is what the logistic fit says, rank by rank."""
    rows = np.concatenate([standins.applications(seed) for seed in range(200)])
    admit, gre, gpa, rank = rows.T
    effect = np.array([0, -0.675443, -1.340204, -1.551464])[rank.astype(int) - 1]
    chance = 1 / (1 + np.exp(3.989979 - 0.002264 * gre - 0.804038 * gpa - effect))
    for k in range(1, 5):
        mine = rank == k
        error = 4 * np.sqrt(0.25 / mine.sum())
        assert admit[mine].mean() == pytest.approx(chance[mine].mean(), abs=error)
    assert not abs(admit[rank == 1].mean() - chance[rank == 4].mean()) < 0.1


# ---- the images -----------------------------------------------------------------------------------


def test_an_official_folder(tmp_path, monkeypatch, capsys):
    files = small_files()
    write_folder(tmp_path, files)
    monkeypatch.setattr(datasets, "CIFAR10", small_cifar(files))
    for folder in (tmp_path, tmp_path / "cifar-10-batches-py"):
        found = data.pictures(folder)
        assert found.train_images.shape == (20, 32, 32, 3)
        assert found.test_images.shape == (4, 32, 32, 3)
        assert found.classes[0] == "airplane"
        assert found.source == str(tmp_path / "cifar-10-batches-py")
    assert capsys.readouterr().err == ""


def test_a_folder_of_the_same_structure(tmp_path):
    write_folder(tmp_path, small_files())
    found = data.pictures(tmp_path)
    assert "not the published files" in found.source
    assert len(found.train_labels) == 20


def test_a_broken_folder_is_left_aside(tmp_path, capsys):
    files = small_files()
    write_folder(tmp_path, {**files, "data_batch_4": files["data_batch_4"][:-100]})
    assert data.pictures(tmp_path).source.startswith("stand-in")
    said = capsys.readouterr().err
    assert "data_batch_4" in said and "stand-in data:" in said


def test_the_subset(published):
    found = data.pictures(published)
    assert found.train_images.shape == (5000, 32, 32, 3)
    assert found.test_images.shape == (1000, 32, 32, 3)
    assert found.classes[9] == "truck"
    assert all(type(label) is int for label in found.train_labels)


def test_a_damaged_subset(tmp_path, capsys):
    (tmp_path / data.SUBSET).write_bytes(b"PK half an archive")
    assert data.pictures(tmp_path).source.startswith("stand-in")
    assert "its digest differs" in capsys.readouterr().err


def test_images_from_the_net(monkeypatch, capsys):
    files = small_files()
    with serve(archive(files)) as site:
        monkeypatch.setattr(datasets, "CIFAR10", small_cifar(files, site.url))
        monkeypatch.setenv("MINITORCH_OFFLINE", "0")
        first, second = data.pictures(), data.pictures()
        assert len(site.asked) == 1
        np.testing.assert_array_equal(first.train_images, second.train_images)
        # a damaged copy in the cache is put right
        batch = data.cache_folder() / "cifar-10-batches-py" / "data_batch_1"
        batch.write_bytes(batch.read_bytes()[:-1])
        np.testing.assert_array_equal(data.pictures().train_images, first.train_images)
        # ... and never used if it cannot be
        batch.write_bytes(b"")
        monkeypatch.setenv("MINITORCH_OFFLINE", "1")
        assert data.pictures().source.startswith("stand-in")
    capsys.readouterr()


def test_lines_are_said_once_where_that_is_asked_for(capsys):
    with data.each_note_once():
        data.points()
        with data.each_note_once():
            data.points()
        data.points()
        data.applications()
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("stand-in data:")]
    assert ["100" in line for line in said] == [True, False]
    data.points()
    data.points()
    assert capsys.readouterr().err.count("stand-in data:") == 2
