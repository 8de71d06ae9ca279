"""Well-known programs that draw, run by both engines from one seed: the same story, step by step."""

from __future__ import annotations

import math

import numpy as np
import pytest
from distribution_sides import SIDES, numbers

import minitorch_ref.nn
import minitorch_ref.optim  # noqa: F401

# ---- REINFORCE on a pole that must be kept upright ----------------------------------------------


def pole(state, push):
    """One step of the cart and pole of Barto, Sutton and Anderson (1983), Euler at 20 ms."""
    x, speed, angle, turning = state
    force = 10.0 if push else -10.0
    cos, sin = math.cos(angle), math.sin(angle)
    pull = (force + 0.05 * turning**2 * sin) / 1.1
    swing = (9.8 * sin - cos * pull) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
    drift = pull - 0.05 * swing * cos / 1.1
    state = (x + 0.02 * speed, speed + 0.02 * drift, angle + 0.02 * turning, turning + 0.02 * swing)
    return state, abs(state[0]) < 2.4 and abs(state[2]) < 0.2095


def reinforce(side, episodes):
    """Policy gradients with normalised returns (Williams 1992): the lengths of the episodes, what was
    done, and the losses."""
    side.manual_seed(3)
    nn, Categorical = side.nn, side.distributions.Categorical
    policy = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))
    step = side.optim.Adam(policy.parameters(), lr=0.02)
    lengths, actions, losses = [], [], []
    for _ in range(episodes):
        state, up, chances = tuple((side.rand(4) * 0.1 - 0.05).tolist()), True, []
        while up and len(chances) < 60:
            choice = Categorical(logits=policy(side.tensor(state)))
            action = choice.sample()
            chances.append(choice.log_prob(action))
            actions.append(action.item())
            state, up = pole(state, action.item())
        returns = side.tensor([float(len(chances) - i) for i in range(len(chances))])
        returns = (returns - returns.mean()) / (returns.std() + 1e-6)
        loss = -(side.stack(chances) * returns).sum()
        step.zero_grad()
        loss.backward()
        step.step()
        lengths.append(len(chances))
        losses.append(loss.item())
    return lengths, actions, losses


def test_reinforce_is_the_same_story():
    (lengths, actions, losses), (our_lengths, our_actions, our_losses) = (
        reinforce(side, 12) for side in SIDES
    )
    assert our_lengths == lengths and our_actions == actions
    np.testing.assert_allclose(our_losses, losses, rtol=1e-3, atol=1e-4)


# ---- a variational autoencoder -------------------------------------------------------------------


def autoencoder(side, steps):
    """Kingma and Welling 2014 on random pictures: losses, and the first weights at the end."""
    side.manual_seed(5)
    nn, kinds = side.nn, side.distributions
    pictures = (side.rand(32, 12) < 0.3).float()
    encoder = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 6))
    decoder = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 12))
    step = side.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=0.01)
    prior = kinds.Normal(side.zeros(3), side.ones(3))
    losses = []
    for _ in range(steps):
        mean, log_scale = encoder(pictures).chunk(2, dim=-1)
        code = kinds.Normal(mean, log_scale.exp())
        picture = kinds.Independent(kinds.Bernoulli(logits=decoder(code.rsample())), 1)
        kl = kinds.kl_divergence(code, prior).sum(-1)
        loss = (kl - picture.log_prob(pictures)).mean()
        step.zero_grad()
        loss.backward()
        step.step()
        losses.append(loss.item())
    return losses, numbers(encoder[0].weight)


def test_an_autoencoder_learns_the_same():
    (losses, weights), (our_losses, our_weights) = (autoencoder(side, 40) for side in SIDES)
    assert losses[-1] < losses[0] - 1
    np.testing.assert_allclose(our_losses, losses, rtol=2e-5)
    np.testing.assert_allclose(our_weights, weights, rtol=0, atol=2e-4)


# ---- a policy of angles and positive numbers -----------------------------------------------------


def mixed_policy(side, steps):
    """Pathwise gradients through beta, gamma and Gumbel-softmax draws, all in one loss."""
    side.manual_seed(7)
    kinds = side.distributions
    raw = side.zeros(3, 4).requires_grad_()
    step = side.optim.SGD([raw], lr=0.05)
    losses = []
    for _ in range(steps):
        a, b, c = (side.nn.functional.softplus(row) + 0.5 for row in raw)
        share = kinds.Beta(a, b).rsample((8,))
        time = kinds.Gamma(c, b).rsample((8,))
        choice = kinds.RelaxedOneHotCategorical(side.tensor(0.7), logits=raw[0]).rsample((8,))
        loss = ((share - 0.8) ** 2 + (time - 2) ** 2 / 10 + choice * time / 4).sum(-1).mean()
        step.zero_grad()
        loss.backward()
        step.step()
        losses.append(loss.item())
    return losses


def test_pathwise_gradients_lead_the_same_way():
    """torch's slopes of beta and gamma numbers are off by up to 1e-3, so the two drift apart."""
    theirs, ours = (mixed_policy(side, 15) for side in SIDES)
    np.testing.assert_allclose(ours, theirs, rtol=2e-3)
    assert abs(ours[0] / theirs[0] - 1) < 1e-5


@pytest.mark.parametrize("side", SIDES, ids=["torch", "minitorch_ref"])
def test_a_bandit_finds_its_best_arm(side):
    """REINFORCE on three arms, all pulls of a step at once."""
    side.manual_seed(1)
    pay = side.tensor([0.1, 0.8, 0.3])
    logits = side.zeros(3).requires_grad_()
    step = side.optim.SGD([logits], lr=1.0)
    for _ in range(60):
        policy = side.distributions.Categorical(logits=logits)
        arms = policy.sample((32,))
        reward = side.distributions.Bernoulli(pay[arms]).sample()
        loss = -(policy.log_prob(arms) * (reward - reward.mean())).mean()
        step.zero_grad()
        loss.backward()
        step.step()
    chances = side.distributions.Categorical(logits=logits).probs
    assert chances.argmax().item() == 1 and chances.max().item() > 0.8
