"""The comparison of decompositions: blind to signs, phases and order, and to nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from parity.bounds import sensitivity
from parity.compare import Lab
from parity.engines import Engine, open_engine
from parity.gauge import canonical
from parity.samples import ROWS
from parity.samples.expand import samples_of

TORCH = open_engine("torch")


class Faulty(Engine):
    """torch, with one function of torch.linalg replaced by `fault(original result)`."""

    def __init__(self, name, fault):
        super().__init__("faulty", torch)
        self.name_of_target, self.fault = name, fault

    def find(self, namespace, name):
        real = super().find(namespace, name)
        if (namespace, name) != ("linalg", self.name_of_target):
            return real
        return lambda *args, **kwargs: self.fault(real(*args, **kwargs))


def verdicts(name, fault, gradients=False):
    row = ROWS["linalg", name]
    sample = next(s for s in samples_of(row) if s.kind == "call")
    sample = replace(sample, grad=gradients, second=False)
    result = Lab(Faulty(name, fault), TORCH).compare_sample(sample, row)
    return {c.part: c.verdict.ok for c in result.checks if c.form == "function"}


def turned(found):
    """Other eigenvectors that are as good."""
    signs = torch.tensor([1.0, -1, -1, 1], dtype=found[1].dtype)
    return type(found)((found[0], found[1] * signs))


def test_other_signs_of_eigenvectors_are_no_difference():
    found = verdicts("eigh", turned, gradients=True)
    assert found["out.eigenvectors"] and found["grad[0]"]


PARTS = [
    ("eigh", "eigenvectors"), ("eigh", "eigenvalues"), ("qr", "Q"), ("qr", "R"), ("svd", "S"),
    ("svd", "U"), ("cholesky_ex", "L"), ("lu", "U"),
]  # fmt: skip


@pytest.mark.parametrize("name, part", PARTS)
def test_results_that_are_off_are_seen(name, part):
    def off(found):
        wrong = getattr(found, part)
        return type(found)([v * (1 + 1e-4) if v is wrong else v for v in found])

    assert not verdicts(name, off)[f"out.{part}"]


def test_swapped_eigenvectors_are_seen():
    def swapped(found):
        return type(found)((found[0], found[1].flip(-1)))

    assert not verdicts("eigh", swapped)["out.eigenvectors"]


def outputs(found):
    return {f"out[{i}]": x for i, x in enumerate(found)}


def test_the_form_does_not_depend_on_phases_and_order():
    draw = np.random.default_rng(0)
    a = torch.from_numpy(draw.normal(size=(4, 4)))
    values, vectors = torch.linalg.eig(a)
    order = [2, 0, 3, 1]
    phases = torch.from_numpy(np.exp(1j * draw.normal(size=4)))
    other = values[order], vectors[:, order] * phases
    first = canonical("eig", TORCH, outputs((values, vectors)))
    second = canonical("eig", TORCH, outputs(other))
    for key in first:
        assert torch.allclose(first[key], second[key])
    # it is still a set of eigenvectors, and not a constant
    assert torch.allclose((a + 0j) @ first["out[1]"], first["out[1]"] * first["out[0]"])


def test_the_form_of_a_singular_value_decomposition_keeps_the_product():
    a = torch.from_numpy(np.random.default_rng(1).normal(size=(5, 3)))
    u, s, vh = torch.linalg.svd(a)
    flip = torch.tensor([1.0, -1, -1], dtype=a.dtype)
    null = torch.linalg.qr(torch.from_numpy(np.random.default_rng(2).normal(size=(2, 2)))).Q
    other = torch.cat([u[:, :3] * flip, u[:, 3:] @ null], 1), s, vh * flip[:, None]
    first, second = (canonical("svd", TORCH, outputs(x)) for x in ((u, s, vh), other))
    for key in first:
        assert torch.allclose(first[key], second[key])
    assert torch.allclose(first["out[0]"][:, :3] * s @ first["out[2]"], a)


def test_the_bound_in_norm():
    """‖J‖‖A‖ for each matrix of a batch by itself; it is at least |J||A|."""
    a = torch.from_numpy(np.random.default_rng(3).normal(size=(2, 3, 3))).requires_grad_()
    y = torch.linalg.inv(a)
    rows = np.array([0, 13])
    loose, _ = sensitivity(torch, y, [a], rows, normwise=True)
    tight, _ = sensitivity(torch, y, [a], rows)
    assert (loose >= tight).all()
    for k, index in enumerate(rows):
        (g,) = torch.autograd.grad(y.reshape(-1)[index], a, retain_graph=True)
        expected = sum(float(g[i].norm() * a[i].detach().norm()) for i in range(2))
        assert loose[k] == pytest.approx(expected)
