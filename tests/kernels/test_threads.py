"""The thread pool: every task once, same bits, errors, nesting, fork, BLAS held to one thread."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from minitorch_ref.kernels import avg_pool, conv, max_pool, products, threads
from minitorch_ref.kernels.axis import pool_axis


@pytest.fixture(autouse=True)
def same_count_after():
    before = threads.get_num_threads()
    yield
    threads.set_num_threads(before)


@pytest.mark.parametrize("count", [0, 1, 2, 17])
@pytest.mark.parametrize("number", [1, 2, 5])
def test_every_task_runs_once(number, count):
    threads.set_num_threads(number)
    seen = []
    threads.parallel_for(seen.append, count)
    assert sorted(seen) == list(range(count))


def test_several_threads_take_part():
    threads.set_num_threads(3)
    names = set()

    def task(i):
        names.add(threading.get_ident())
        time.sleep(0.02)

    threads.parallel_for(task, 9)
    assert len(names) == 3


def all_kernels():
    rng = np.random.default_rng(0)
    x, weight = rng.random((33, 3, 17, 19), np.float32), rng.random((6, 3, 5, 5), np.float32)
    how = ([1, 1], [2, 2], [1, 1], 1)
    y = conv.convolve(x, weight, weight[:, 0, 0, 0], *how)
    h, w = pool_axis(17, 3, 2, 1), pool_axis(19, 3, 2, 1)
    return [
        y, conv.convolve_input(y, weight, (17, 19), *how), conv.convolve_weight(y, x, (5, 5), *how),
        conv.convolve(x, weight[:, :, :1, :1], None, [1, 1], [0, 0], [1, 1], 1),
        *max_pool.max_pool2d(x, h, w), avg_pool.mean(x, (h, w), True, None),
    ]  # fmt: skip


def test_results_are_the_same_bits_for_any_number_of_threads():
    outcomes = []
    for number in (1, 2, 3, 7):
        threads.set_num_threads(number)
        outcomes.append(all_kernels())
    for other in outcomes[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(outcomes[0], other))


def test_the_first_error_is_raised_and_the_pool_lives_on():
    threads.set_num_threads(2)

    def task(i):
        if i == 3:
            raise ZeroDivisionError("task 3")

    with pytest.raises(ZeroDivisionError, match="task 3"):
        threads.parallel_for(task, 8)
    seen = []
    threads.parallel_for(seen.append, 4)
    assert sorted(seen) == [0, 1, 2, 3]


def test_nested_and_concurrent_regions_finish():
    threads.set_num_threads(2)
    seen = []

    def outer(i):
        threads.parallel_for(lambda j: seen.append((i, j)), 3)

    users = [threading.Thread(target=threads.parallel_for, args=(outer, 4)) for _ in range(3)]
    for user in users:
        user.start()
    for user in users:
        user.join(30)
        assert not user.is_alive()
    assert len(seen) == 3 * 4 * 3


def test_numpys_error_state_reaches_the_threads():
    threads.set_num_threads(2)
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        threads.parallel_for(lambda i: np.float64(1) / np.zeros(1), 4)


def test_blas_is_held_to_one_thread():
    libraries = threads._blas()
    if not libraries:
        pytest.skip("threadpoolctl is not installed")
    threads.set_num_threads(2)
    inside = []
    threads.parallel_for(lambda i: inside.extend(b.get_num_threads() for b in libraries), 4)
    assert set(inside) == {1} == {b.get_num_threads() for b in libraries}


@pytest.mark.parametrize(
    "left, right", [((700, 300), (300, 260)), ((100, 300), (300, 900)), ((9, 300, 70), (9, 70, 300))]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
def test_products_in_pieces(monkeypatch, left, right, dtype):
    monkeypatch.setattr(products, "LEAST", 1000)
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal(left).astype(dtype), rng.standard_normal(right).astype(dtype)
    turned = np.ascontiguousarray(b.swapaxes(-1, -2)).swapaxes(-1, -2)
    for right_side in (b, turned):
        outcomes = []
        for number in (1, 2, 3):
            threads.set_num_threads(number)
            outcomes.append(products.matmul(a, right_side))
            assert np.array_equal(outcomes[-1], products.matmul(a, right_side))  # run to run
        for other in outcomes[1:]:  # the same bits with OpenBLAS; another BLAS may add otherwise
            scale = 4 * np.finfo(dtype).eps * np.sqrt(left[-1])
            np.testing.assert_allclose(other, outcomes[0], rtol=0, atol=20 * scale)


def test_large_products_are_spread(monkeypatch):
    if not threads._blas():
        pytest.skip("threadpoolctl is not installed")
    monkeypatch.setattr(products, "LEAST", 1000)
    asked = []
    right = products.parallel_for
    monkeypatch.setattr(products, "parallel_for", lambda f, n: (asked.append(n), right(f, n)))
    threads.set_num_threads(2)
    products.matmul(np.ones((300, 40)), np.ones((40, 50)))
    products.matmul(np.ones((5, 30, 40)), np.ones((5, 40, 50)))
    products.matmul(np.ones((3, 4)), np.ones((4, 5)))
    assert asked == [2, 2]


def test_products_that_are_not_cut():
    threads.set_num_threads(2)
    a, b = np.arange(6).reshape(2, 3), np.arange(3)
    assert products.matmul(a, b).tolist() == [5, 14]
    assert products.matmul(np.ones((0, 3)), np.ones((3, 4))).shape == (0, 4)


def test_wrong_numbers_are_refused():
    with pytest.raises(RuntimeError, match="positive"):
        threads.set_num_threads(0)
    with pytest.raises(TypeError):
        threads.set_num_threads(1.5)


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_default_follows_omp_num_threads_and_nothing_starts_at_import():
    code = (
        "import threading; from minitorch_ref.kernels import threads as t, conv;"
        "print(t._count, t._pool, threading.active_count(), t.get_num_threads())"
    )
    assert run(code, OMP_NUM_THREADS="3") == "None None 1 3"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_starts_its_own_pool():
    code = """
import os, sys
from minitorch_ref.kernels import threads
threads.set_num_threads(2)
threads.parallel_for(lambda i: None, 8)
child = os.fork()
if child == 0:
    seen = []
    threads.parallel_for(seen.append, 8)
    os._exit(0 if sorted(seen) == list(range(8)) else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run(code) == "0"


def test_without_threadpoolctl_tasks_run_serially(monkeypatch):
    monkeypatch.setattr(threads, "_libraries", [])
    threads.set_num_threads(4)
    names = set()
    threads.parallel_for(lambda i: names.add(threading.get_ident()), 8)
    assert names == {threading.get_ident()}
