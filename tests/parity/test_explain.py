"""The difference explainer: each planted cause is named, by the bits it reproduces."""

import numpy as np
import pytest
import torch
from faults import Faulty

from parity import recipes, replay
from parity.__main__ import main
from parity.assertion import ParityError, assert_parity
from parity.compare import Lab
from parity.engines import open_engine
from parity.explain import explain, relation
from parity.outcome import Verdict
from parity.samples import row_for, samples_for

TORCH = open_engine("torch")
RNG = np.random.default_rng(5)


def factors(m=12, n=200, p=9, dtype=np.float32):
    return RNG.normal(size=(m, n)).astype(dtype), RNG.normal(size=(n, p)).astype(dtype)


def planted(x, y, order, fused=False):
    terms = replay.terms_of("matmul", [x, y], {})
    return replay.ORDERS[order](terms, fused).reshape(len(x), -1)


@pytest.mark.parametrize("order", ["sequential", "reversed", "pairs of pairs", "pairwise in blocks of 128", "blocked by 4", "blocked by 8", "blocked by 16"])
def test_an_order_of_summation(order):
    x, y = factors()
    theirs = planted(x, y, "blocked by 64")
    found = explain("matmul", [x, y], {}, planted(x, y, order), theirs)
    best = found.best("ours")
    assert best.name == order and best.ours == found.total > 50 and best.left_ours == 0
    assert found.best("theirs").name == "blocked by 64"


def test_a_fused_multiply_add():
    x, y = factors()
    found = explain("matmul", [x, y], {}, planted(x, y, "sequential", True), planted(x, y, "sequential"))
    assert found.best("ours").name == "sequential, fused multiply-add"
    assert found.best("theirs").name == "sequential"


def test_the_fused_replay_is_a_fused_sum():
    from fractions import Fraction
    x, y = factors(2, 30, 2)
    total = np.float32(0)
    for a, b in zip(x[0], y[:, 0]):
        exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(total))
        near = np.float32(float(exact))
        total = min((np.nextafter(near, np.float32(-9e9)), near, np.nextafter(near, np.float32(9e9))), key=lambda c: abs(Fraction(float(c)) - exact))
    assert planted(x, y, "sequential", True)[0, 0] == total


@pytest.mark.parametrize("name, change", replay.INPUTS.items(), ids=replay.INPUTS)
def test_inputs_of_fewer_bits(name, change):
    x, y = factors()
    if "denormals" in name:
        x, y = x * np.float32(1e-38), y
    ours = planted(change(x), change(y), "sequential")
    best = explain("matmul", [x, y], {}, ours, planted(x, y, "sequential")).best("ours")
    assert best.name.startswith(name) and best.left_ours == 0


def test_cut_to_tf32():
    x = np.float32([1.0, 1 + 2**-10, 1 + 2**-11, 1 + 2**-11 + 2**-20, -1 - 2**-12, np.inf, np.nan, 0.0])
    assert replay.cut(x, 10).tolist()[:5] == [1.0, 1 + 2**-10, 1.0, 1.0, -1.0]
    assert replay.cut(x, 10, True).tolist()[:5] == [1.0, 1 + 2**-10, 1 + 2**-10, 1 + 2**-10, -1.0]
    assert np.isinf(replay.cut(x, 10, True)[5]) and np.isnan(replay.cut(x, 7)[6])


def test_halves_added_in_single_precision():
    x = RNG.normal(size=(20, 400)).astype(np.float16)
    ours = x.astype(np.float32).sum(1, dtype=np.float32).astype(np.float16)
    theirs = replay.ORDERS["sequential"](replay.terms_of("sum", [x, 1], {}), False)
    found = explain("sum", [x, 1], {}, ours, theirs)
    assert found.best("theirs").name == "sequential" and found.best("ours").name.startswith("float32 accumulation")


@pytest.mark.parametrize("shape, dim", [((5000,), None), ((3, 200), 1), ((7, 1000), 1), ((2, 70000), 1)])
def test_torchs_own_sum_is_known_to_the_bit(shape, dim):
    """On every machine: one of the vector widths is this processor's."""
    x = RNG.normal(size=shape).astype(np.float32)
    theirs = torch.from_numpy(x).sum() if dim is None else torch.from_numpy(x).sum(dim)
    terms = replay.terms_of("sum", [x, dim], {})
    results = [replay.cascade(terms, False, w).reshape(theirs.shape) for w in (4, 8, 16)]
    assert any(np.array_equal(r, theirs.numpy()) for r in results)


@pytest.mark.parametrize("op, args, kwargs", [
    ("sum", [(4, 5)], {"dim": 0}), ("mean", [(4, 5)], {"dim": (0, 1)}), ("matmul", [(3, 4), (4,)], {}), ("bmm", [(2, 3, 4), (2, 4, 5)], {}), ("mv", [(3, 4), (4,)], {}),
    ("nn.functional.linear", [(3, 4), (5, 4), (5,)], {}), ("addmm", [(5,), (3, 4), (4, 5)], {}), ("nn.functional.conv2d", [(2, 3, 7, 8), (4, 3, 3, 2), (4,)], {"stride": 2, "padding": 1}),
])
def test_the_terms_are_the_ops(op, args, kwargs):
    """Replayed in float64 the terms give torch's result."""
    arrays = [RNG.normal(size=s) for s in args]
    namespace, _, name = op.rpartition(".")
    theirs = TORCH.find(namespace or "torch", name)(*map(torch.from_numpy, arrays), **kwargs).numpy()
    terms = replay.terms_of(op, arrays, kwargs)
    assert np.allclose(terms.finish(replay.sequential(terms, False)).reshape(theirs.shape), theirs, rtol=1e-12)


def judged(fault, key, most=3):
    """The failing checks of some float32 samples."""
    chosen = [s for s in samples_for(key) if s.dtype == "float32" and s.kind == "call" and "distinct" not in str(s)][:most]
    lab, row = Lab(fault, TORCH), row_for(key)
    return [c for s in chosen for c in lab.compare_sample(s, row).checks if not c.verdict.ok]


def test_tf32_is_found_and_named():
    failing = [c for c in judged(open_engine("torch:tf32"), ("torch", "matmul")) if c.part == "out" and c.form == "function"]
    assert any("ours: TF32 inputs, rounded" in c.causes for c in failing), failing[:2]
    assert any(c.verdict == Verdict.WORSE for c in failing)


def test_tf32_gradients_are_cut_too():
    device = open_engine("torch:tf32")
    x, y = (torch.from_numpy(a).requires_grad_() for a in factors(3, 4, 5))
    g = torch.from_numpy(RNG.normal(size=(3, 5)).astype(np.float32))
    ours = torch.autograd.grad(device.find("torch", "matmul")(x, y), (x, y), g)
    cut = [torch.from_numpy(replay.cut(t.detach().numpy(), 10, True)) for t in (x, y, g)]
    assert torch.equal(ours[0], cut[2] @ cut[1].T) and torch.equal(ours[1], cut[0].T @ cut[2])


def test_float64_leaking_is_named():
    x, y = factors()
    exact = (x.astype(np.float64) @ y.astype(np.float64)).astype(np.float32)
    assert "wider accumulator" in explain("matmul", [x, y], {}, exact, planted(x, y, "sequential")).best("ours").name


def test_three_ulp_of_exp_are_counted_and_seven_have_no_cause():
    steps = 3

    def wrong(x):
        y = torch.exp(x)
        for _ in range(steps):
            y.data.copy_(torch.nextafter(y.detach(), torch.full_like(y, torch.inf)))
        return y

    causes = [c.causes for c in judged(Faulty("exp", wrong), ("torch", "exp")) if "ours:" in c.causes]
    assert any("ours: exp 3 ULP above (12 of 12 differing elements)" in c for c in causes)
    steps = 7
    causes = [c.causes for c in judged(Faulty("exp", wrong), ("torch", "exp")) if "ours:" in c.causes]
    assert causes and all("the rest within" in c.split("ours:")[1] or "no candidate cause" in c for c in causes)


LOGITS = RNG.normal(size=(20, 30)).astype(np.float32) * 3


@pytest.mark.parametrize("op, args, exact", [
    ("softmax", [LOGITS, 1], lambda x: torch.softmax(x, 1)), ("log_softmax", [LOGITS, 1], lambda x: torch.log_softmax(x, 1)), ("logsumexp", [LOGITS, 1], lambda x: torch.logsumexp(x, 1)),
    ("sigmoid", [LOGITS], torch.sigmoid), ("nn.functional.silu", [LOGITS], torch.nn.functional.silu), ("nn.functional.softplus", [LOGITS], torch.nn.functional.softplus),
    ("nn.functional.gelu", [LOGITS, "tanh"], lambda x: torch.nn.functional.gelu(x, approximate="tanh")), ("nn.functional.mish", [LOGITS], torch.nn.functional.mish), ("tanh", [LOGITS], torch.tanh),
])
def test_recipes_are_the_ops(op, args, exact):
    """In float64 every recipe is torch's op."""
    wide = [args[0].astype(np.float64), *args[1:]]
    for name, result in recipes.replays(op, wide, {}):
        assert np.allclose(result, exact(torch.from_numpy(wide[0])), rtol=1e-13, atol=1e-14), name


@pytest.mark.parametrize("op, args", [("softmax", [LOGITS, 1]), ("log_softmax", [LOGITS, 1]), ("sigmoid", [LOGITS]), ("nn.functional.gelu", [LOGITS, "tanh"])])
def test_another_exp_log_or_tanh_is_named(op, args):
    made = dict(recipes.replays(op, args, {}))
    plain = next(v for k, v in made.items() if k.startswith("correctly"))
    for name, result in made.items():
        if "ULP" in name and not np.array_equal(result, plain):
            best = explain(op, args, {}, result, plain).best("ours")
            assert best.ours == explain(op, args, {}, result, plain).total and best.left_ours == 0
            assert best.name == name or np.array_equal(made[best.name], result)


def test_the_command(capsys):
    assert main(["explain", "matmul", "--shapes", "6x64", "64x5", "--a", "torch:tf32"]) == 1
    out = capsys.readouterr().out
    assert "TF32 inputs, rounded" in out and "30 of 30 elements differ" in out
    assert main(["explain", "matmul", "--shapes", "6x64", "64x5", "--a", "torch"]) == 0
    assert main(["explain", "matmul", "--shapes", "6xa"]) == 2
    assert main(["explain", "matmul", "-k", "no such note"]) == 2
    assert "no samples" in capsys.readouterr().err
    assert main(["explain", "no_such_op"]) == 2
    assert "has no function no_such_op" in capsys.readouterr().err
    assert main(["explain", "matmul", "--shapes", "3x4", "5x6"]) == 2
    assert "torch raises RuntimeError: mat1 and mat2" in capsys.readouterr().err


def test_assert_parity_sees_tf32():
    x, y = map(torch.from_numpy, factors(64, 256, 64))
    ours = open_engine("torch:tf32").find("torch", "matmul")(x, y)
    with pytest.raises(ParityError):
        assert_parity(ours, x @ y, x.double() @ y.double(), terms=256, magnitude=x.abs() @ y.abs() / 64)


@pytest.mark.parametrize("pad, words", [((1, 0), "one more of padding before the width"), ((0, 0, 1, 0), "one more of padding before the height")])
def test_windows_that_are_one_off(pad, words):
    x, w = (torch.randn(*s, generator=torch.Generator().manual_seed(2)) for s in ((2, 3, 7, 8), (4, 3, 3, 3)))
    theirs = torch.nn.functional.conv2d(x, w, None, 2, 1)
    moved = torch.nn.functional.pad(x, pad)[:, :, : x.shape[2], : x.shape[3]]
    ours = torch.nn.functional.conv2d(moved, w, None, 2, 1)
    found = explain("nn.functional.conv2d", [x.numpy(), w.numpy(), None, 2, 1], {}, ours.numpy(), theirs.numpy())
    assert f"ours: {words}" in str(found) and words not in str(found).split("ours:")[0]
    unrelated = torch.nn.functional.conv2d(x.flip(0), w, None, 2, 1)
    assert "padding" not in str(explain("nn.functional.conv2d", [x.numpy(), w.numpy(), None, 2, 1], {}, unrelated.numpy(), theirs.numpy()))


def test_what_one_result_is_of_the_other():
    x = RNG.normal(size=(4, 4)).astype(np.float32)
    z = (x + 1j * x.T).astype(np.complex64)
    assert relation(-x, x) == "torch's with the other sign" and relation(x * np.float32(0.9), x) == "0.9 times torch's"
    assert relation(x.T.copy(), x) == "torch's transposed" and relation(0 * x, x) == "all zeros" and relation(z.conj(), z) == "the complex conjugate of torch's"
    other = x.copy()
    other[0, 0] *= 1.001
    for a, b in ((x, x), (x * np.float32(1 + 2**-22), x), (other, x), (x + 1, x), (x, 0 * x), (x > 0, x < 0), (x * np.float32(np.nan), x)):
        assert relation(a, b) == "", (a, b)


def test_a_whole_product_of_numpys_is_a_cause():
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=s).astype(np.float32) for s in ((16, 300), (300, 8)))
    exact = (a.astype(np.float64) @ b).astype(np.float32)
    found = explain("matmul", [a, b], {}, a @ b, np.nextafter(exact, np.float32(np.inf)))
    best = {c.name: c.ours for c in found.causes}
    assert best["NumPy's BLAS, the whole product"] == found.total > 100
