"""Networks against torchvision's: the same parts, the same weights for the same seed, the same scores."""

from __future__ import annotations

import numpy as np
import pytest
from torchvision_side import seed_both, torchvision

import minitorch_ref as mt
from minitorch_ref import vision

SMALL = {
    "resnet18": {"num_classes": 3},
    "resnet34": {"num_classes": 3, "zero_init_residual": True},
    "resnet50": {"num_classes": 3, "replace_stride_with_dilation": [False, True, True]},
    "resnext50_32x4d": {"num_classes": 3, "zero_init_residual": True},
}
PLANS_ONLY = [
    "alexnet", "vgg11_bn",
    "resnet101", "resnet152", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2",
    "wide_resnet101_2", "vgg11", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn",
]  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
def test_same_network_same_weights_same_scores(name):
    import torch

    nets = []
    for t, v in ((mt, vision), (torch, torchvision)):
        t.manual_seed(7)
        nets.append(getattr(v.models, name)(**SMALL[name]))
    ours, theirs = nets
    assert repr(ours) == repr(theirs)
    a, b = ours.state_dict(), theirs.state_dict()
    assert list(a) == list(b)
    for key, value in a.items():
        np.testing.assert_array_equal(value.numpy(), b[key].numpy(), err_msg=key)
    image = np.random.RandomState(0).rand(2, 3, 64, 64).astype(np.float32)
    exact = theirs.double().eval()(torch.from_numpy(image).double()).detach().numpy()
    scores = ours.eval()(mt.from_numpy(image)).detach().numpy()
    spread = np.abs(exact).max() * 1e-4 + 1e-7  # rounding through up to fifty layers
    np.testing.assert_allclose(scores, exact, rtol=0, atol=spread)


@pytest.mark.parametrize("name", PLANS_ONLY)
def test_plan(name, monkeypatch):
    """The large ones: their parts, with no weights drawn."""
    import torch

    for draw in ("kaiming_normal_", "kaiming_uniform_", "normal_", "uniform_", "constant_"):
        monkeypatch.setattr(mt.nn.init, draw, lambda tensor, *args, **kwargs: tensor)
    with torch.device("meta"):
        theirs = getattr(torchvision.models, name)()
    ours = getattr(vision.models, name)()
    assert repr(ours) == repr(theirs)
    assert [(n, tuple(p.shape)) for n, p in ours.named_parameters()] == [
        (n, tuple(p.shape)) for n, p in theirs.named_parameters()
    ]


@pytest.mark.parametrize("name", ["alexnet", "vgg11_bn"])
def test_classifiers_pool_and_flatten_alike(name):
    """Their forward pass, under small layers of the same kinds."""
    import torch

    seed_both(0)
    scores = []
    for t, v in ((mt, vision), (torch, torchvision)):
        kind = v.models.AlexNet if name == "alexnet" else v.models.VGG
        net = kind.__new__(kind)
        t.nn.Module.__init__(net)
        net.features = (
            t.nn.Conv2d(3, 2, 3)
            if name == "alexnet"
            else v.models.vgg.make_layers([2, "M", 3], True)
        )
        net.avgpool, net.classifier = t.nn.AdaptiveAvgPool2d((2, 2)), t.nn.LazyLinear(4)
        scores.append(net(t.ones(2, 3, 9, 9)).detach().numpy())
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-5, atol=1e-6)


def test_gradients():
    """In training mode: the loss, the statistics of the batch, the gradient of every parameter.

    In double precision: in single, one ReLU that rounds to the other side of zero changes them all.
    """
    import torch

    found = []
    for t, v in ((mt, vision), (torch, torchvision)):
        t.manual_seed(0)
        net = v.models.resnet18(num_classes=4).double()
        data = t.from_numpy(np.random.RandomState(1).rand(4, 3, 64, 64))
        loss = t.nn.functional.cross_entropy(net(data), t.arange(4))
        loss.backward()
        arrays = [p.grad for p in net.parameters()] + list(net.buffers())
        found.append((loss.item(), [array.numpy() for array in arrays]))
    (loss, arrays), (their_loss, their_arrays) = found
    np.testing.assert_allclose(loss, their_loss, rtol=1e-12)
    for ours, theirs in zip(arrays, their_arrays, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10 * np.abs(theirs).max())


@pytest.mark.parametrize("options", [{"weights": "DEFAULT"}, {"weights": "IMAGENET1K_V1"}])
def test_published_weights_are_not_fetched(options):
    with pytest.raises(RuntimeError, match="resnet18: published weights are not fetched"):
        vision.models.resnet18(**options)


def test_old_argument():
    for v in (vision, torchvision):
        with pytest.warns(UserWarning, match="'pretrained' is deprecated since 0.13"):
            v.models.resnet18(pretrained=False, num_classes=2)


def test_refusals():
    for v in (vision, torchvision):
        with pytest.raises(ValueError, match="3-element tuple"):
            v.models.resnet18(replace_stride_with_dilation=[True])
        with pytest.raises(ValueError, match="groups=1 and base_width=64"):
            v.models.resnet18(groups=2)
        with pytest.raises(NotImplementedError, match="Dilation > 1"):
            v.models.resnet18(replace_stride_with_dilation=[True, True, True])


def test_the_names_scripts_list():
    """`imagenet` scripts offer every lower-case function of the module as an architecture."""
    names = [
        n for n, f in vars(vision.models).items() if n.islower() and callable(f) and n[0] != "_"
    ]
    assert set(names) == {*SMALL, *PLANS_ONLY}
    assert set(names) <= set(vars(torchvision.models))
