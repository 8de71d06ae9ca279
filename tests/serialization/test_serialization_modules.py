"""Modules saved whole: loaded again, exchanged with torch, and nothing called on the way."""

from __future__ import annotations

import io
import pickle

import numpy as np
import own_modules
import pytest
import torch
from own_modules import OurNet, TorchNet
from test_serialization_hostile import G, S, load, with_pickle

import minitorch_ref as mt

X = np.random.RandomState(0).rand(2, 1, 5, 5).astype(np.float32)


def saved(t, obj):
    buffer = io.BytesIO()
    t.save(obj, buffer)
    return buffer.getvalue()


def output(t, net):
    return net.eval()(t.from_numpy(X)).detach().numpy()


def test_loaded_again():
    mt.manual_seed(0)
    net = OurNet()
    net(mt.from_numpy(X))  # moves the running statistics
    back = load(saved(mt, {"net": net, "epoch": 3}), weights_only=False)["net"]
    assert type(back) is OurNet and repr(back) == repr(net)
    assert (back.sizes, back.norm, back.activation) == (net.sizes, net.norm, net.activation)
    np.testing.assert_array_equal(output(mt, back), output(mt, net))
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(back.state_dict()[name].numpy(), value.numpy())
    back.train()(mt.from_numpy(X)).sum().backward()
    assert back.head.weight.grad is not None
    assert mt.optim.SGD(back.parameters(), lr=0.1).step() is None


def test_tied_parameters_stay_tied():
    net = mt.nn.Sequential(mt.nn.Linear(2, 2), mt.nn.Linear(2, 2))
    net[1].weight = net[0].weight
    back = load(saved(mt, net), weights_only=False)
    assert back[0].weight is back[1].weight


LAYERS = {
    "Linear": (3, 4), "Conv2d": (2, 3, 3), "BatchNorm1d": (3,), "LayerNorm": (4,), "Dropout": (0.2,),
    "Embedding": (5, 2), "ReLU": (), "MaxPool2d": (2,), "Flatten": (), "GELU": (), "GroupNorm": (1, 2),
    "ConvTranspose1d": (1, 1, 2), "LSTM": (2, 3), "GRU": (2, 3, 2), "RNN": (2, 3), "LSTMCell": (2, 3),
    "MultiheadAttention": (4, 2), "CrossEntropyLoss": (), "LPPool2d": (2, 2), "ParameterList": (),
    "TransformerEncoderLayer": (4, 2, 8), "TransformerDecoderLayer": (4, 2, 8),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_exchanged_with_torch(name):
    for source, target in ((torch, mt), (mt, torch)):
        source.manual_seed(1)
        layer = source.nn.Sequential(getattr(source.nn, name)(*LAYERS[name]))
        back = target.load(io.BytesIO(saved(source, layer)), weights_only=False)
        assert type(back[0]) is getattr(target.nn, name)
        assert repr(back) == repr(layer)
        assert list(back.state_dict()) == list(layer.state_dict())
        for key, value in layer.state_dict().items():
            np.testing.assert_array_equal(back.state_dict()[key].numpy(), value.numpy())
        target.manual_seed(2)
        other = target.nn.Sequential(getattr(target.nn, name)(*LAYERS[name]))
        other.load_state_dict(back.state_dict())
        if name in ("Linear", "LSTM", "GRU", "RNN", "TransformerEncoderLayer"):
            x = target.ones(2, {"Linear": 3, "TransformerEncoderLayer": 4}.get(name, 2))
            ours, theirs = back.eval()(x), other.eval()(x)
            ours, theirs = (y[0] if isinstance(y, tuple) else y for y in (ours, theirs))
            np.testing.assert_array_equal(ours.detach().numpy(), theirs.detach().numpy())


def test_a_program_of_one_engine_reads_what_the_other_wrote(monkeypatch):
    """The same class under the same name, as when a script runs on one engine and on the other."""
    torch.manual_seed(3)
    theirs = TorchNet()
    data = saved(torch, theirs).replace(b"TorchNet", b"MixedNet")
    monkeypatch.setattr(own_modules, "MixedNet", OurNet, raising=False)
    from test_serialization_hostile import repacked, zip_bytes  # fits the checksums again

    program = pickle_of(data)
    ours = load(
        repacked(saved(torch, theirs), lambda n, c: program if n == "data.pkl" else c),
        weights_only=False,
    )
    assert type(ours) is OurNet and zip_bytes()
    np.testing.assert_allclose(output(mt, ours), output(torch, theirs), rtol=1e-5, atol=1e-6)


def pickle_of(data):
    """`data.pkl` of an archive whose checksums need not fit."""
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open("archive/data.pkl") as record:
        record._expected_crc = None
        return record.read()


def test_approved_by_default():
    """With the default a whole module needs each of its classes approved, as in torch."""
    for t, net in ((mt, OurNet()), (torch, TorchNet())):
        data = saved(t, net)
        with pytest.raises(
            pickle.UnpicklingError, match="Net was not an allowed global by default"
        ):
            t.load(io.BytesIO(data))
        classes = [
            type(net), t.nn.Sequential, t.nn.Conv2d, t.nn.BatchNorm2d, t.nn.ReLU, t.nn.Linear,
            t.nn.functional.relu,
        ]  # fmt: skip
        with t.serialization.safe_globals(classes):
            back = t.load(io.BytesIO(data))
        assert type(back) is type(net) and back.activation is t.nn.functional.relu
        with t.serialization.safe_globals(classes[:3]), pytest.raises(pickle.UnpicklingError):
            t.load(io.BytesIO(data))


# ---- what is not done -------------------------------------------------------------------------------

NET = G + b"own_modules\nOurNet\n"
LINEAR = G + b"torch.nn.modules.linear\nLinear\n"
CALLS = {
    "a class is called": LINEAR + b"K\1K\1\x86R" + S,
    "arguments for an empty object": LINEAR + b"K\1\x85\x81" + S,
    "a class is built": LINEAR + b"}b" + S,
    "a function is called": G + b"torch.nn.functional\nrelu\nK\1\x85R" + S,
    "a function is built": G + b"torch.nn.functional\nrelu\n}b" + S,
    "state that is no dict": LINEAR + b")\x81]b" + S,
    "not a module": G + b"own_modules\nnet_class\nK\1\x85R" + S,
    "nor what a module imports": G + b"own_modules\ntorch\n" + S,
    "not imported": G + b"this\nThing\n)\x81" + S,
    "a function elsewhere": G + b"torch\nload\nX\1\0\0\0a\x85R" + S,
    "a path through a class": G + b"own_modules\nOurNet.forward\n" + S,
}


@pytest.mark.parametrize("name", CALLS)
def test_nothing_is_called(name):
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        load(with_pickle(CALLS[name]), weights_only=False)


def test_no_module_is_imported_for_a_file(tmp_path, monkeypatch):
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(pickle.UnpicklingError, match="trap.Net was not an allowed global"):
        load(with_pickle(G + b"trap\nNet\n)\x81" + S), weights_only=False)


def test_saving_names_what_cannot_be_found_again():
    class Local(mt.nn.Module):
        pass

    with pytest.raises(pickle.PicklingError, match="Local.*save obj.state_dict"):
        mt.save(Local(), io.BytesIO())
    net = OurNet()
    net.activation = lambda x: x
    with pytest.raises(pickle.PicklingError, match="function"):
        mt.save(net, io.BytesIO())
