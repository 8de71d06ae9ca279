"""Hooks on all modules, told on both engines in processes of their own: they change how modules run."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

STORY = '''
import importlib, json, sys, warnings
t = importlib.import_module(sys.argv[1])
m = importlib.import_module(sys.argv[1] + ".nn.modules.module")
nn, said = t.nn, []
warnings.simplefilter("ignore")

def say(name, *what):
    said.append([name, *map(str, what)])

def kind(x):
    return type(x).__name__

def shapes(gradients):
    return [None if g is None else list(g.shape) for g in gradients]

def story():
    {body}

try:
    story()
except Exception as error:
    say("error", kind(error), error)
print(json.dumps(said))
'''
NET = "net = nn.Sequential(nn.Linear(2, 3), nn.ReLU()); x = t.ones(1, 2, requires_grad=True)"
STORIES = {
    "forward": f"""
    {NET}
    own = net[1].register_forward_hook(lambda mod, a, o: say("own", kind(mod)))
    pre = m.register_module_forward_pre_hook(lambda mod, a: say("pre", kind(mod), len(a)))
    post = m.register_module_forward_hook(lambda mod, a, o: say("post", kind(mod), list(o.shape)))
    net(x)
    pre.remove()
    net(x)
    post.remove(); own.remove()
    net(x)
    say("end")
    """,
    "changes": f"""
    {NET}
    m.register_module_forward_pre_hook(lambda mod, a: (a[0] * 2,) if kind(mod) == "ReLU" else None)
    m.register_module_forward_hook(lambda mod, a, k, o: o * 0 + 1 if kind(mod) == "ReLU" else None, with_kwargs=True)
    say("out", net(x).tolist())
    """,
    "always": f"""
    {NET}
    m.register_module_forward_hook(lambda mod, a, o: say("always", kind(mod), o is None), always_call=True)
    m.register_module_forward_hook(lambda mod, a, o: say("sometimes", kind(mod)))
    net(t.ones(1, 5))
    """,
    "backward": f"""
    {NET}
    m.register_module_full_backward_pre_hook(lambda mod, go: say("before", kind(mod), shapes(go)))
    m.register_module_full_backward_hook(lambda mod, gi, go: say("after", kind(mod), shapes(gi), shapes(go)))
    net[1].register_full_backward_hook(lambda mod, gi, go: say("own", kind(mod)))
    net(x).sum().backward()
    """,
    "old": f"""
    {NET}
    m.register_module_backward_hook(lambda mod, gi, go: say("old", kind(mod), shapes(go)))
    net(x).sum().backward()
    """,
    "both kinds": """
    m.register_module_backward_hook(print)
    m.register_module_full_backward_hook(print)
    """,
    "registration": """
    a = m.register_module_parameter_registration_hook(lambda mod, n, p: say("parameter", kind(mod), n))
    b = m.register_module_buffer_registration_hook(lambda mod, n, v: say("buffer", kind(mod), n))
    c = m.register_module_module_registration_hook(lambda mod, n, v: say("module", kind(mod), n, kind(v)))
    nn.Sequential(nn.Linear(2, 3, bias=False), nn.BatchNorm1d(3))
    for handle in (a, b, c):
        handle.remove()
    nn.Sequential(nn.Linear(2, 3))
    """,
    "replaced": """
    m.register_module_module_registration_hook(lambda mod, n, v: nn.Tanh() if kind(v) == "ReLU" else None)
    m.register_module_parameter_registration_hook(lambda mod, n, p: nn.Parameter(p.detach() * 0) if n == "bias" else None)
    t.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    say("net", net, net[0].bias.tolist())
    """,
}


@pytest.mark.parametrize("name", STORIES)
def test_a_story(name):
    told = []
    for engine in ("minitorch_ref", "torch"):
        run = [sys.executable, "-c", STORY.replace("{body}", STORIES[name].strip()), engine]
        done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=200)
        told.append(json.loads(done.stdout.splitlines()[-1]))
    assert told[0] == told[1] != []
