"""Seeds, states and generators: what torch saves we continue, and the other way round."""

import copy
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt
from minitorch_ref import random as streams
from minitorch_ref.ops import sampling


def state_of(generator):
    return generator.get_state().numpy().tobytes()


def both(seed):
    return torch.Generator().manual_seed(seed), streams.Generator().manual_seed(seed)


@given(seed=st.integers(0, 2**64 - 1), n=st.integers(0, 1300), normals=st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_states_are_the_same_bytes_and_cross_over(seed, n, normals):
    theirs, ours = both(seed)
    torch.rand(n, generator=theirs), sampling.rand(n, generator=ours)
    torch.randn(normals, generator=theirs), sampling.randn(normals, generator=ours)
    assert state_of(theirs) == state_of(ours)
    # each continues from the other's state
    a = torch.Generator()
    a.set_state(torch.from_numpy(ours.get_state().numpy().copy()))
    b = streams.Generator().set_state(mt.from_numpy(theirs.get_state().numpy().copy()))
    assert torch.randn(9, generator=a).tolist() == sampling.randn(9, generator=b).tolist()
    assert state_of(a) == state_of(b)
    assert b.initial_seed() == seed


def test_a_new_generator_starts_from_torchs_seed():
    theirs, ours = torch.Generator(), streams.Generator()
    assert ours.initial_seed() == theirs.initial_seed()
    assert state_of(ours) == state_of(theirs)


@pytest.mark.parametrize("seed", [0, -1, -(2**63), 2**63, 2**64 - 1, 3.7, "12", True])
def test_seeds_of_all_kinds(seed):
    with torch.random.fork_rng(), streams.fork_rng():
        torch.manual_seed(seed)
        returned = streams.manual_seed(seed)
        assert returned is streams.default_generator
        assert streams.initial_seed() == torch.initial_seed()
        assert sampling.rand(3).tolist() == torch.rand(3).tolist()


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1, "a", None])
def test_impossible_seeds(seed):
    with torch.random.fork_rng(), pytest.raises(Exception) as theirs:
        torch.manual_seed(seed)
    with pytest.raises(theirs.type):
        streams.manual_seed(seed)


@pytest.mark.parametrize("seed", [3.7, "a", None, True])
def test_a_generators_own_seed_must_be_an_int(seed):
    with pytest.raises(RuntimeError, match="manual_seed expected a long"):
        torch.Generator().manual_seed(seed)
    with pytest.raises(RuntimeError, match="manual_seed expected a long"):
        streams.Generator().manual_seed(seed)


def test_seed_is_unforeseeable_and_remembered():
    generator = streams.Generator()
    seeds = {generator.seed() for _ in range(20)}
    assert len(seeds) == 20
    last = generator.seed()
    assert generator.initial_seed() == last
    assert sampling.rand(4, generator=generator).tolist() == sampling.rand(
        4, generator=streams.Generator().manual_seed(last)
    ).tolist()


def test_unseeded_programs_differ_and_importing_draws_nothing():
    script = (
        "import minitorch_ref.random as r; import minitorch_ref.ops.sampling as s; "
        "assert r.default_generator._source is None; print(s.rand(3).tolist())"
    )
    outputs = {
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=200).stdout
        for _ in range(2)
    }
    assert len(outputs) == 2


@pytest.mark.parametrize(
    "state",
    [
        lambda e: e.zeros(5056, dtype=e.uint8),
        lambda e: e.zeros(5, dtype=e.uint8),
        lambda e: e.zeros(5056),
        lambda e: 5,
    ],
)
def test_what_is_no_state_is_refused(state):
    with pytest.raises(Exception) as theirs:
        torch.Generator().set_state(state(torch))
    with pytest.raises(theirs.type) as ours:
        streams.Generator().set_state(state(mt))
    assert str(ours.value)[:40] == str(theirs.value)[:40]


def test_a_refused_state_changes_nothing():
    generator = streams.Generator().manual_seed(3)
    before = state_of(generator)
    with pytest.raises(RuntimeError):
        generator.set_state(mt.zeros(5056, dtype=mt.uint8))
    assert state_of(generator) == before


def test_copies_go_on_by_themselves():
    original = streams.Generator().manual_seed(5)
    sampling.randn(3, generator=original)
    copies = [
        original.clone_state(), copy.deepcopy(original), pickle.loads(pickle.dumps(original)),
    ]  # fmt: skip
    expected = sampling.randn(20, generator=original).tolist()
    for twin in copies:
        assert twin is not original
        assert sampling.randn(20, generator=twin).tolist() == expected


def test_a_saved_state_is_a_copy():
    generator = streams.Generator().manual_seed(5)
    state = generator.get_state()
    saved = state.numpy().copy()
    sampling.rand(5, generator=generator)
    assert np.array_equal(state.numpy(), saved)


def test_fork_rng_puts_the_stream_back():
    with streams.fork_rng():
        streams.manual_seed(1)
        with streams.fork_rng():
            first = sampling.rand(3).tolist()
            streams.manual_seed(99)
        assert sampling.rand(3).tolist() == first
        with streams.fork_rng(enabled=False):
            sampling.rand(3)
        streams.manual_seed(1)
        assert sampling.rand(6).tolist()[:3] == first


def test_get_and_set_rng_state():
    with streams.fork_rng():
        streams.manual_seed(4)
        state = streams.get_rng_state()
        assert state.dtype is mt.uint8 and tuple(state.shape) == (5056,)
        first = sampling.randn(7).tolist()
        streams.set_rng_state(state)
        assert sampling.randn(7).tolist() == first


def test_other_devices_are_refused():
    with pytest.raises(RuntimeError, match="Cannot get CUDA generator"):
        streams.Generator("cuda")
    with pytest.raises(RuntimeError, match="Expected one of cpu, cuda"):
        streams.Generator("nowhere")
    assert str(streams.Generator(device="cpu").device) == "cpu"
    with pytest.raises(RuntimeError, match="does not use offset"):
        streams.Generator().get_offset()
    with pytest.raises(TypeError, match="generator"):
        sampling.rand(2, generator=3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_continues_from_a_copy():
    with streams.fork_rng():
        streams.manual_seed(11)
        expected = sampling.rand(4).tolist()
        streams.manual_seed(11)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writing, pickle.dumps(sampling.rand(4).tolist()))
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            got = pickle.loads(pipe.read())
        os.waitpid(child, 0)
        assert got == expected
        assert sampling.rand(4).tolist() == expected  # the parent's stream did not move
