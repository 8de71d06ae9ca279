"""Program traces: what is compared, what is named, and the null model, on small made programs."""

import types

import numpy as np
import pytest
import torch

from parity import programs
from parity.engines import Engine, EngineError, open_engine
from parity.observe import Observed, nudge_array
from parity.outcome import Verdict
from parity.programs import Trace, compare_program, digest, judge, relative, trace


def small_run(torch, config, on_step):
    """A two-layer fit on random data: the shape of the real programs."""
    torch.manual_seed(config.seed)
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.5)
    for step in range(40):
        x = torch.rand(16, 4)
        y = x.sum(1, keepdim=True)
        loss = ((net(x) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        on_step(step, (x, y), loss.item())
        optimizer.step()
    return types.SimpleNamespace(seconds=0.1, source="made", accuracy=1.0)


SOURCE = types.SimpleNamespace(run=small_run)
CONFIG = types.SimpleNamespace(seed=3, epochs=2)


def made(nudge=None, config=CONFIG, engine=torch):
    return trace(SOURCE, engine, config, nudge)


def nulls():
    return [made(n) for n in programs.NULL_RUNS]


def test_torch_against_itself_is_identical():
    result = judge("small", made(), made(), [])
    assert result.verdict == Verdict.IDENTICAL and result.steps == 40 and "bit-identical" in result.detail


def test_a_one_ulp_start_stays_inside_the_null_band():
    result = judge("small", made(("all", 99)), made(), nulls())
    result.ours.weights, result.ours.batches = result.theirs.weights, result.theirs.batches
    assert judge("small", result.ours, result.theirs, nulls()).verdict == Verdict.EQUAL


def test_rounding_stays_inside_the_null_band_for_many_seeds():
    """The promise of the null model: one false alarm in a thousand; here none in 30."""
    reference, band = made(), nulls()
    for seed in range(50, 80):
        other = made(("steps", 1000 * seed))
        other.weights, other.batches = reference.weights, reference.batches
        assert judge("small", other, reference, band).verdict.ok, seed


def test_the_limit_is_students():
    from parity import nullmodel
    r = np.random.default_rng(0)
    beyond = [abs(r.normal()) > nullmodel.limit(np.abs(r.normal(size=(4, 1))))[0] for _ in range(20_000)]
    assert np.mean(beyond) == pytest.approx(0.001, abs=0.0007)
    with pytest.raises(ValueError, match="got 11"):
        nullmodel.limit(np.ones((11, 2)))


def test_a_dampened_momentum_is_outside():
    class Optim:
        def __getattr__(self, name):
            return getattr(torch.optim, name)

        @staticmethod
        def SGD(params, lr, momentum):
            return torch.optim.SGD(params, lr=lr, momentum=momentum, dampening=1e-4)

    class Damped:
        __name__ = "torch"
        optim = Optim()

        def __getattr__(self, name):
            return getattr(torch, name)

    result = judge("small", made(engine=Damped()), made(), nulls())
    assert result.verdict == Verdict.WORSE and "outside the null band from step" in result.detail


def test_other_initial_weights_are_named():
    other = made()
    other.weights[1] = other.weights[1] + np.float32(1e-7)
    result = judge("small", other, made(), [])
    assert result.verdict == Verdict.MISMATCH and "initial weight 1 differs in 8 of 8" in result.detail


def test_the_first_differing_batch_is_named():
    other = made()
    other.batches[7] = "0" * 24
    result = judge("small", other, made(), [])
    assert result.verdict == Verdict.MISMATCH and "the batch of step 7 differs" in result.detail


def test_a_run_of_another_length():
    short = made()
    short.losses = short.losses[:30]
    assert "ours ends with step 30, torch makes 40" in judge("small", short, made(), []).detail


def test_nan_losses_are_infinitely_far():
    assert relative(np.array([np.nan, 1.0, np.nan]), np.array([1.0, 1.0, np.nan])).tolist() == [np.inf, 0.0, 0.0]


def test_digest_sees_bits_dtype_and_shape():
    x = torch.arange(6.0)
    assert digest((x, 1)) == digest((x.clone(), 1))
    others = [x.reshape(2, 3), x.double(), -x, x.int(), torch.tensor([-0.0, 1, 2, 3, 4, 5])]
    assert len({digest((o, 1)) for o in [x, *others]}) == 6
    assert digest((x, 1)) != digest((x, 2))


def test_observed_notes_weights_and_passes_the_rest_through():
    namespace = Observed(torch)
    w = torch.ones(3, requires_grad=True)
    optimizer = namespace.optim.SGD([w], lr=0.5)
    assert isinstance(optimizer, torch.optim.SGD) and namespace.nn is torch.nn and namespace.__name__ == "torch"
    w.sum().backward()
    optimizer.step()
    assert namespace.initial[0].tolist() == [1, 1, 1] and namespace.final[0].tolist() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("how, moved", [("one", 1), ("all", 5)])
def test_nudges_move_by_one_ulp(how, moved):
    before = np.array([1.0, -2.0, 0.5, 3.0, -0.25], np.float32)
    after = nudge_array(before, how, 4)
    assert (before != after).sum() == moved
    assert np.all(np.abs(after.view(np.int32) - before.view(np.int32)) <= 1)


def test_nudges_at_every_step_keep_a_scheduler_happy():
    namespace = Observed(torch, ("steps", 1))
    w = torch.ones(50, requires_grad=True)
    optimizer = namespace.optim.SGD([w], lr=0.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    for _ in range(3):
        w.sum().backward()
        optimizer.step()
        schedule.step()
    away = np.abs(w.detach().numpy().view(np.int32) - np.float32(1).view(np.int32))
    assert 0 < away.max() <= 6, "a random walk of single ULPs (half as long below 1)"


def test_an_engine_without_programs():
    with pytest.raises(EngineError, match="ships no program"):
        programs.load_program(Engine("torch", torch), programs.PROGRAMS["lenet5"])


def test_an_exception_is_a_mismatch_not_a_crash(monkeypatch):
    def run(torch, config, on_step):
        if torch.__name__ != "torch":
            raise KeyError("lost")
        return small_run(torch, config, on_step)

    config = type("Config", (), {"__dataclass_fields__": {}})
    monkeypatch.setattr(programs, "load_program", lambda *a: types.SimpleNamespace(run=run, Config=config))
    monkeypatch.setattr(programs, "replace", lambda c: CONFIG)
    result = compare_program("lenet5", open_engine("minitorch_ref"), open_engine("torch"))
    assert result.verdict == Verdict.MISMATCH and "ours raises KeyError: 'lost'" in result.detail


def test_json_figures():
    facts = judge("small", made(("one", 5)), made(), nulls()).as_dict()
    assert facts["steps"] == 40 and facts["name"] == "small"
    assert isinstance(Trace("x", [], [], np.empty(0), [], 0.0), Trace)


@pytest.mark.parametrize("name", ["sigmoid_gd", "admissions"])
def test_the_short_programs_on_our_engine(name, ours, reference, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("MINITORCH_OFFLINE", "1")
    monkeypatch.setenv("MINITORCH_CACHE", str(tmp_path))
    monkeypatch.delenv("MINITORCH_DATA", raising=False)
    result = compare_program(name, ours, reference, {"epochs": 5})
    assert result.verdict.ok, result.detail
    assert capsys.readouterr().err.count("stand-in data:") == 1  # whatever the number of runs
