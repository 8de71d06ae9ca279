"""The library's switches are kept and reported as torch's are."""

from __future__ import annotations

import pytest
import torch

import minitorch_ref as mt

ENGINES = pytest.mark.parametrize("engine", [mt, torch])


@ENGINES
def test_determinism(engine):
    try:
        for mode, number in (("warn", 1), (2, 2), ("default", 0), (1, 1)):
            engine.set_deterministic_debug_mode(mode)
            assert engine.get_deterministic_debug_mode() == number
            assert engine.are_deterministic_algorithms_enabled() is (number > 0)
            assert engine.is_deterministic_algorithms_warn_only_enabled() is (number == 1)
        engine.use_deterministic_algorithms(True)
        assert engine.get_deterministic_debug_mode() == 2
        for bad, error in ((5, RuntimeError), ("x", RuntimeError), (2.5, TypeError)):
            with pytest.raises(error, match="debug_mode"):
                engine.set_deterministic_debug_mode(bad)
        with pytest.raises(TypeError, match="must be bool, not int"):
            engine.use_deterministic_algorithms(3)
    finally:
        engine.use_deterministic_algorithms(False)


@ENGINES
def test_precision_and_warnings(engine):
    try:
        assert engine.get_float32_matmul_precision() == "highest"
        engine.set_float32_matmul_precision("high")
        assert engine.get_float32_matmul_precision() == "high"
        engine.set_warn_always(True)
        assert engine.is_warn_always_enabled()
    finally:
        engine.set_float32_matmul_precision("highest")
        engine.set_warn_always(False)
    assert engine.set_flush_denormal(False) is True


@ENGINES
def test_default_device(engine):
    engine.set_default_device("cpu")
    assert engine.get_default_device() == engine.device("cpu")
    engine.set_default_device(None)
    assert engine.ones(1).device == engine.device("cpu")


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(AssertionError, match="not compiled with CUDA"):
        mt.set_default_device("cuda")
    with pytest.raises(RuntimeError, match="device type"):
        mt.set_default_device("abacus")


@ENGINES
def test_default_tensor_type(engine):
    try:
        engine.set_default_tensor_type(engine.DoubleTensor)
        assert engine.tensor([1.0]).dtype is engine.float64
        engine.set_default_tensor_type("torch.FloatTensor")
        assert engine.get_default_dtype() is engine.float32
        for bad in (engine.LongTensor, 3):
            with pytest.raises(TypeError, match="only floating-point types are supported"):
                engine.set_default_tensor_type(bad)
        with pytest.raises(AttributeError, match="no attribute 'Foo'"):
            engine.set_default_tensor_type("torch.Foo")
    finally:
        engine.set_default_dtype(engine.float32)


@ENGINES
def test_interop_threads(engine):
    assert engine.get_num_interop_threads() >= 1
    with pytest.raises(RuntimeError, match="expects a positive integer"):
        engine.set_num_interop_threads(-1)
