"""Scratch memory: nested blocks, the bound, release, poison."""

import threading

import numpy as np
import pytest

from minitorch_ref.kernels import workspace
from minitorch_ref.kernels.workspace import scratch


def test_arrays_of_one_block_are_disjoint_and_the_next_block_reuses_them():
    with scratch() as take:
        a, b = take((3, 5), np.float32), take((7,), np.float64)
        assert a.shape == (3, 5) and b.dtype == np.float64 and not np.shares_memory(a, b)
        with scratch() as deeper:
            c = deeper((100,), np.uint8)
            assert not np.shares_memory(a, c) and not np.shares_memory(b, c)
        with scratch() as deeper:
            assert np.shares_memory(deeper((100,), np.uint8), c)
    with scratch() as take:
        assert np.shares_memory(take((3, 5), np.float32), a)


def test_growing_keeps_what_was_handed_out():
    workspace.release()
    with scratch() as take:
        a = take((1000,), np.int64)
        a[:] = np.arange(1000)
        b = take((1 << 20,), np.int64)
        b[:] = -1
        assert np.array_equal(a, np.arange(1000))


def test_arrays_start_on_a_cache_line():
    with scratch() as take:
        assert all(take((n,), np.float32).ctypes.data % 64 == 0 for n in (1, 7, 33, 1000))


def test_a_request_beyond_the_limit_is_an_ordinary_array(monkeypatch):
    workspace.release()
    monkeypatch.setattr(workspace, "LIMIT", 1 << 20)
    before = workspace.held()
    with scratch() as take:
        a = take((1 << 20,), np.float64)
        assert a.size == 1 << 20
    assert workspace.held() - before <= 1 << 20


def test_release_gives_all_back_even_while_a_block_is_open():
    with scratch() as take:
        a = take((1 << 16,), np.float32)
        a[:] = 1
        workspace.release()
        assert a.sum() == 1 << 16
    assert workspace._local.arena.buffer.size == 0


def test_every_thread_has_its_own():
    mine, theirs = [], []
    with scratch() as take:
        mine.append(take((1000,), np.uint8))

        def work():
            with scratch() as take:
                theirs.append(take((1000,), np.uint8))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert not np.shares_memory(mine[0], theirs[0])


def test_poison_reaches_what_was_given_back():
    workspace.poison(True)
    try:
        with scratch() as take:
            a = take((100,), np.float32)
            a[:] = 1
        assert np.isnan(a).all()
    finally:
        workspace.poison(False)


def test_a_block_ends_when_an_exception_leaves_it():
    top = workspace._local.arena.top
    with pytest.raises(ValueError), scratch() as take:
        take((10,), np.float32)
        raise ValueError
    assert workspace._local.arena.top == top
