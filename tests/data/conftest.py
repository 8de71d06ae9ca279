"""Bounds for tests that start worker processes."""

import gc
import multiprocessing
import signal

import pytest
import torch
import torch.utils.data


@pytest.fixture
def alarm(monkeypatch):
    """A test that hangs fails after a minute; one that leaves workers behind fails too."""
    # torch waits this long for each worker of a pass that failed
    monkeypatch.setattr(torch.utils.data._utils, "MP_STATUS_CHECK_INTERVAL", 0.2)

    def ring(*_):
        raise AssertionError("the loader hangs")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    gc.collect()  # a caught error holds the frames that hold the iterator
    for process in multiprocessing.active_children():
        process.join(5)  # on a busy machine an exit takes a moment
    assert not multiprocessing.active_children(), "left behind"
