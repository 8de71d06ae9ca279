"""The ledger of draws, and torch's CUDA streams on the CPU."""

import numpy as np
import pytest
import torch

from parity.__main__ import main
from parity.draws import Twister, compare, describe, record
from parity.engines import open_engine
from parity.philox import A100, H100, T4, CudaGenerator, Geometry, philox
from parity.pytest_plugin import cuda_missing


def program(torch, extra=False, seed=3, low=0.0):
    torch.manual_seed(seed)
    x = torch.rand(700)
    g = torch.Generator().manual_seed(5)
    torch.randperm(30, generator=g)
    if extra:
        torch.rand(1)  # the extra draw
    torch.nn.functional.dropout(x, 0.5)
    torch.empty(40).uniform_(low, 1.0)
    torch.randn(20), torch.randn(3), torch.randint(0, 9, (2, 2)), torch.bernoulli(x)
    torch.manual_seed(seed)
    torch.randn(17, dtype=torch.float64)


def ledger(path, engine, **options):
    assert record(engine, path, lambda: program(engine.module, **options)) == ""
    return path


@pytest.fixture(scope="module")
def both(tmp_path_factory, ours):
    folder = tmp_path_factory.mktemp("ledgers")
    return ledger(folder / "torch.trail", open_engine("torch")), ledger(folder / "ours.trail", ours)


def test_both_engines_draw_alike(both):
    found, a, b = compare(*both)
    assert found.ok and found.draws == 9, describe(found, a, b)
    assert "9 draws, all the same on torch and minitorch_ref" in describe(found, a, b)


def test_offsets_are_counted_in_words(both):
    from parity.trail import read
    rows = [(r["op"], r["generator"], r["offset"], r["words"]) for r in read(both[0])[1]]
    assert rows[:4] == [("rand", "default", 0, 700), ("randperm", "#1", 0, 29), ("dropout", "default", 700, 1400), ("uniform_", "default", 2100, 40)]
    assert rows[-1] == ("randn", "default", 0, 66), "17 float64 numbers: 34 words, and 16 numbers again"


@pytest.mark.parametrize("options, number, what", [
    ({"extra": True}, 3, "different op"), ({"seed": 4}, 1, "different seed"), ({"low": 0.25}, 4, "different args"),
])
def test_the_first_draw_that_desynchronises(both, tmp_path, options, number, what):
    found, a, b = compare(both[0], ledger(tmp_path / "x.trail", open_engine("torch"), **options))
    assert found.draws + 1 == number and what in found.what
    text = describe(found, a, b)
    assert f"draw {number} desynchronises" in text and "test_draws.py" in text
    assert "extra" not in options or "# the extra draw" in text


def test_a_draw_that_is_missing_at_the_end(both, tmp_path):
    short = record(open_engine("torch"), tmp_path / "short.trail", lambda: (torch.manual_seed(3), torch.rand(700)))
    found, a, b = compare(both[0], tmp_path / "short.trail")
    assert short == "" and found.draws == 1 and found.what == "only torch draws here"


def test_draws_behind_our_back_are_seen(tmp_path):
    def hidden():
        torch.manual_seed(1)
        torch.rand(2)
        with torch._C.DisableTorchFunction():
            torch.rand(5)
        torch.rand(2)

    record(open_engine("torch"), tmp_path / "h.trail", hidden)
    from parity.trail import read
    assert [(r["op"], r["offset"], r["words"]) for r in read(tmp_path / "h.trail")[1]] == [("rand", 0, 2), ("(between ops)", 2, 5), ("rand", 7, 2)]


def test_the_twister_counts_across_refills():
    g = torch.Generator().manual_seed(12)
    twister, words = Twister(), 0
    for n in (3, 0, 621, 1, 5000, 623, 624, 40000):
        torch.rand(n, generator=g)
        words += n
        assert twister.look(g.get_state().numpy()) == words
    g.manual_seed(12)
    assert twister.look(g.get_state().numpy()) == 0
    torch.rand(9, generator=g)
    assert twister.look(g.get_state().numpy()) == 9


def test_the_command(both, tmp_path, capsys):
    assert main(["draws", str(both[0]), str(both[1])]) == 0
    assert "all the same" in capsys.readouterr().out
    assert main(["draws", str(both[0])]) == 2
    bad = tmp_path / "bad.trail"
    bad.write_text("{}\n")
    assert main(["draws", str(both[0]), str(bad)]) == 2
    assert "bad.trail:1" in capsys.readouterr().err


# ---- Philox --------------------------------------------------------------------------------------


@pytest.mark.parametrize("counter, key, words", [  # Random123's published known answers
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0), (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
])
def test_known_answers(counter, key, words):
    assert tuple(philox(np.array([counter], np.uint64), key)[0]) == words


# printed by torch on GPUs of several kinds, after torch.manual_seed(0)
RAND = [0.3990, 0.5167, 0.0249, 0.9401, 0.9459, 0.7967, 0.4150, 0.8203, 0.2290, 0.9096, 0.1183, 0.0752, 0.4092, 0.9601, 0.2093, 0.1940]
AGAIN = [0.9722, 0.7910, 0.4690, 0.3300, 0.3345, 0.3783, 0.7640, 0.6405, 0.1103, 0.3594]
RANDN = [-0.9247, -0.4253, -2.6438, 0.1452, -0.1209, -0.5797, -0.6229, -0.3284, -1.0745, -0.3631, -1.6711, 2.2655, 0.3117, -0.1842, 1.2866, 1.1820]


@pytest.mark.parametrize("gpu", [A100, H100, T4])
def test_the_numbers_that_gpus_print(gpu):
    g = CudaGenerator(0, geometry=gpu)
    assert np.array_equal(np.round(g.rand(16), 4), np.float32(RAND)) and g.offset == 4
    assert np.array_equal(np.round(g.rand(10), 4), np.float32(AGAIN)) and g.offset == 8
    assert np.array_equal(np.round(CudaGenerator(0).randn(16), 4), np.float32(RANDN))


def by_hand(seed, offset, gpu, numel, element, unroll=4):
    """Word `element` of a launch, straight from the definition: one thread, one block, one word."""
    total = gpu.threads(numel)
    thread, step = element % total, element // total
    place = offset // 4 + step // unroll
    words = philox(np.array([[place & 0xFFFFFFFF, place >> 32, thread, 0]], np.uint64), (seed & 0xFFFFFFFF, seed >> 32))
    return words[0], step % unroll


@pytest.mark.parametrize("seed, offset, gpu, numel", [(1, 0, Geometry(2, 512), 5000), (2**40 + 7, 8, Geometry(1, 256), 3000), (3, 2**35, T4, 1000)])
def test_the_grid_stride_loop(seed, offset, gpu, numel):
    g = CudaGenerator(seed, offset, gpu)
    values = g.rand(numel)
    for element in (0, 1, 255, 256, numel // 2, numel - 1):
        words, i = by_hand(seed, offset, gpu, numel, element)
        assert values[element] == np.float32(np.float64(np.float32(words[i])) * 2**-32 + 2**-33) % 1
    assert g.offset - offset == 4 * -(-numel // (4 * gpu.threads(numel)))


def test_integers():
    gpu = Geometry(1, 256)
    small, wide = CudaGenerator(5, 0, gpu).randint(-3, 7, 2000), CudaGenerator(5, 0, gpu).randint(0, 2**40, 2000)
    for element in (0, 300, 1999):
        words, i = by_hand(5, 0, gpu, 2000, element)
        assert small[element] == int(words[i]) % 10 - 3
        words, i = by_hand(5, 0, gpu, 2000, element, 2)
        assert wide[element] == (int(words[2 * i]) << 32 | int(words[2 * i + 1])) % 2**40


def test_doubles_take_two_words():
    gpu = Geometry(1, 256)
    values = CudaGenerator(9, 0, gpu).rand(1500, "float64")
    words, i = by_hand(9, 0, gpu, 1500, 1100, 2)
    x, y = int(words[2 * i]), int(words[2 * i + 1])
    assert values[1100] == (x ^ y << 21) * 2.0**-53 + 2.0**-54


@pytest.mark.parametrize("numel, itemsize", [(4096, 4), (4098, 4), (4097, 4), (4096, 2), (4096, 8)])
def test_dropout(numel, itemsize):
    """Vectors of 16 bytes where the size allows: neighbours share a block of words."""
    gpu = Geometry(2, 256)
    g = CudaGenerator(11, 0, gpu)
    kept = g.dropout(numel, 0.3, itemsize)
    width = 16 // itemsize
    while numel % width:
        width //= 2
    total, uniform = gpu.threads(numel), lambda w: np.float32(np.float64(np.float32(w)) * 2**-32 + 2**-33)
    for element in (0, 3, 1000, 3001, numel - 1):
        vector, lane = divmod(element, width)
        step, thread = divmod(vector, total)
        if width == 1:
            words, lane = by_hand(11, 0, gpu, numel, element)
        else:
            place = step * max(width // 4, 1) + lane // 4
            words, lane = philox(np.array([[place, 0, thread, 0]], np.uint64), (11, 0))[0], lane % 4
        assert kept[element] == (uniform(words[lane]) < np.float32(0.7)), element
    assert g.offset == 4 * -(-numel // (4 * total)) and abs(kept.mean() - 0.7) < 0.05


def test_moments():
    g = CudaGenerator(123)
    x, z = g.rand(200_000), g.randn(200_000)
    assert 0 <= x.min() and x.max() < 1 and abs(x.mean() - 0.5) < 0.003
    assert abs(z.mean()) < 0.01 and abs(z.std() - 1) < 0.01
    assert abs(g.randn(9999, "float64").std() - 1) < 0.03 and g.rand(10, "float16").dtype == np.float16
    assert abs(g.bernoulli(0.25, 20_000).mean() - 0.25) < 0.02


def test_an_offset_is_a_multiple_of_four():
    with pytest.raises(ValueError, match="multiple of 4"):
        CudaGenerator(0, 2)


@pytest.mark.cuda
@pytest.mark.skipif(bool(cuda_missing()), reason=cuda_missing() or "-")
@pytest.mark.parametrize("numel", [5, 1000, 1_000_000])
def test_on_a_real_gpu(numel):
    facts = torch.cuda.get_device_properties(0)
    g = CudaGenerator(77, 0, Geometry(facts.multi_processor_count, facts.max_threads_per_multi_processor))
    torch.cuda.manual_seed(77)
    assert np.array_equal(torch.rand(numel, device="cuda").cpu(), g.rand(numel))
    assert np.array_equal(torch.randint(0, 1000, (numel,), device="cuda").cpu(), g.randint(0, 1000, numel))
    assert np.array_equal(torch.rand(numel, device="cuda", dtype=torch.float64).cpu(), g.rand(numel, "float64"))
    assert np.allclose(torch.randn(numel, device="cuda").cpu(), g.randn(numel), atol=1e-5)
    ones = torch.ones(numel, device="cuda")
    assert np.array_equal(torch.nn.functional.dropout(ones, 0.4).cpu() > 0, g.dropout(numel, 0.4))
    assert torch.cuda.default_generators[0].get_offset() == g.offset
