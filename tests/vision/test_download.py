"""Downloads against a server that breaks: whole and right, or not there."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from web import serve

from minitorch_ref.vision.download import DownloadError, Remote, digest_of, download, has_digest

CONTENT = np.random.RandomState(0).bytes(700_001)


def remote(url: str, content: bytes = CONTENT, algorithm: str = "sha256") -> Remote:
    return Remote(url, len(content), f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}")


@pytest.fixture
def target(tmp_path):
    return tmp_path / "deep" / "file.bin"


def part_of(target):
    return target.with_name("file.bin.part")


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_fetches_and_leaves_nothing_else(target, algorithm):
    with serve(CONTENT) as site:
        assert download(remote(site.url, algorithm=algorithm), target) == target
        download(remote(site.url, algorithm=algorithm), target)
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["file.bin"]
    assert site.asked == [None]  # the second call found it there


def test_resumes_a_part(target):
    target.parent.mkdir()
    part_of(target).write_bytes(CONTENT[:500_000])
    with serve(CONTENT) as site:
        download(remote(site.url), target)
    assert target.read_bytes() == CONTENT
    assert site.asked == ["bytes=500000-"]
    assert site.sent == len(CONTENT) - 500_000


def test_a_complete_part_needs_no_net(target):
    target.parent.mkdir()
    part_of(target).write_bytes(CONTENT)
    download(remote("http://127.0.0.1:9/"), target)
    assert target.read_bytes() == CONTENT


def test_broken_connections_are_resumed(target):
    with serve(CONTENT) as site:
        site.cut = [300_000, 1]
        download(remote(site.url), target)
    assert target.read_bytes() == CONTENT
    assert site.asked == [None, "bytes=300000-", "bytes=300001-"]


def test_gives_up_after_some_broken_connections_and_keeps_the_part(target):
    with serve(CONTENT) as site:
        site.cut = [10] * 100
        with pytest.raises(DownloadError, match="40 of 700001 bytes"):
            download(remote(site.url), target)
        assert len(site.asked) == 4
        assert not target.exists()
        site.cut = []
        download(remote(site.url), target)
    assert target.read_bytes() == CONTENT
    assert site.asked[-1] == "bytes=40-"


def test_a_server_that_ignores_ranges_starts_over(target):
    target.parent.mkdir()
    part_of(target).write_bytes(b"x" * 1000)
    with serve(CONTENT) as site:
        site.ranges = False
        download(remote(site.url), target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("size", [1000, len(CONTENT), len(CONTENT) + 5])
def test_a_wrong_part_is_thrown_away(target, size):
    target.parent.mkdir()
    part_of(target).write_bytes(b"x" * size)
    with serve(CONTENT) as site:
        download(remote(site.url), target)
    assert target.read_bytes() == CONTENT


def test_a_damaged_target_is_fetched_again(target):
    target.parent.mkdir()
    for damaged in (CONTENT[:-1], CONTENT[:-1] + b"?", b""):
        target.write_bytes(damaged)
        with serve(CONTENT) as site:
            download(remote(site.url), target)
        assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("served", [CONTENT[:-1] + b"?", CONTENT + b"more", CONTENT[:-1]])
def test_other_bytes_never_get_the_name(target, served):
    with serve(served) as site, pytest.raises(DownloadError, match="could not fetch"):
        download(remote(site.url), target)
    assert not target.exists()


@pytest.mark.parametrize("status", [403, 404, 500])
def test_http_errors_say_which(target, status):
    with serve(CONTENT) as site:
        site.status = status
        with pytest.raises(DownloadError, match=str(status)):
            download(remote(site.url), target)
        assert len(site.asked) == 1


def test_no_network(target):
    with serve(CONTENT) as site:
        url = site.url
    with pytest.raises(DownloadError, match="could not fetch"):
        download(remote(url), target)
    with pytest.raises(DownloadError, match="could not fetch"):
        download(remote("http://host.invalid/file"), target)
    assert list(target.parent.iterdir()) == []


def test_several_at_once_fetch_once(target):
    with serve(CONTENT) as site:
        threads = [
            threading.Thread(target=download, args=(remote(site.url), target)) for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert target.read_bytes() == CONTENT
    assert site.sent == len(CONTENT)


def test_a_progress_bar_is_shown_on_a_terminal(target):
    with serve(CONTENT) as site:
        code = (
            "from minitorch_ref.vision.download import *\n"
            f"download(Remote(*{tuple(remote(site.url))!r}), {str(target)!r})"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "FORCE_COLOR": "1", "TTY_COMPATIBLE": "1", "COLUMNS": "90"},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    assert "file.bin" in done.stderr
    assert done.stdout == ""


def test_digests(target):
    target.parent.mkdir()
    target.write_bytes(b"abc")
    assert digest_of(target, "md5") == "900150983cd24fb0d6963f7d28e17f72"
    assert has_digest(target, "md5:900150983cd24fb0d6963f7d28e17f72")
    assert not has_digest(target, "md5:900150983cd24fb0d6963f7d28e17f73")
    assert not has_digest(target.parent, "md5:900150983cd24fb0d6963f7d28e17f72")
