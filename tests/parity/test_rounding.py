"""Monte Carlo arithmetic: results are float32 numbers, neighbours of the exact ones, right on average."""

import numpy as np
import torch
from bits import same_bits

from parity.rounding import Rounded, round_at_random


def test_numbers_become_neighbouring_float32_numbers_with_the_right_odds():
    rng = np.random.default_rng(0)
    for x in (1 / 3, -1e10 / 7, 1 + 2.0**-25, 1e-30 / 3):
        values = np.full(40_000, x)
        round_at_random(values, rng)
        assert np.array_equal(values, values.astype(np.float32))
        near = np.float32(x)
        beyond = np.nextafter(near, np.float32(np.inf if x > float(near) else -np.inf))
        assert set(values.tolist()) == {float(near), float(beyond)}
        spacing = abs(float(beyond) - float(near))
        assert abs(values.mean() - x) < 5 * spacing / 2 / np.sqrt(values.size)


def test_float32_numbers_infinities_and_nan_stay():
    values = np.array([0.0, -0.0, 1.0, -2.5, np.inf, -np.inf, np.nan, 2.0**-126, 3.0e38], np.float32)
    wide = values.astype(np.float64)
    round_at_random(wide, np.random.default_rng(0))
    assert same_bits(wide.astype(np.float32), values)


def test_a_sum_that_cancels_moves_by_an_ulp_of_its_terms():
    x = torch.linspace(1, 2, 100, dtype=torch.float64) / 3
    assert abs((x - x.mean()).sum().item()) < 1e-14
    found = []
    for seed in range(8):
        with Rounded(torch, seed):
            found.append(abs((x * 1 - x.mean()).sum().item()))
    assert 1e-8 < np.median(found) < 1e-5


def test_backward_passes_and_steps_in_place_are_rounded_and_views_are_not():
    w = torch.tensor([1 / 3, 1 / 7], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    with Rounded(torch, 1):
        view = w.detach()[:1]
        assert view.item() == 1 / 3
        (w * w).sum().backward()
        optimizer.step()
    for x in (w.grad, w.detach()):
        assert torch.equal(x, x.float().double())
    assert not torch.equal(w * 3, (w * 3).float().double())  # outside of the context nothing is


def test_zeros_that_have_no_memory_are_no_obstacle():
    """The second gradient of sgn is such a tensor, and what is added to it is first shaped in meta."""
    x = torch.tensor([1 / 3, -1 / 7], dtype=torch.float64, requires_grad=True)
    with Rounded(torch, 1):
        (first,) = torch.autograd.grad((x.sgn() * x * x).sum(), x, create_graph=True)
        (second,) = torch.autograd.grad(first.sum(), x)
    assert torch.allclose(second, 2 * x.detach().sgn(), rtol=1e-6)


def test_the_same_seed_rounds_alike():
    def run(seed):
        with Rounded(torch, seed):
            return torch.linspace(0, 1, 50, dtype=torch.float64).exp().tolist()

    assert run(3) == run(3) != run(4)
