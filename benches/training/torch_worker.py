"""The networks of a plan in PyTorch, trained on the CPU: torch_worker.py DIR.

`../src/bin/training` writes DIR and asks; `cargo xtask training` starts that. A request names a stage and the position of a network:

    one_thread I    one round, the usual way: Linear, BCEWithLogitsLoss, Adam, all as they come
    all_threads I   the same on all threads
    batched I       all rounds as one computation on all threads: baddbmm over stacked weights
    check I         losses of the first rounds after training from given weights, both ways
    versions        of Python and PyTorch
"""

import json
import platform
import sys
import time
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / "peers"))
from worker import serve

folder = Path(sys.argv[1])
plan = json.loads((folder / "plan.json").read_text())
loss_of = nn.BCEWithLogitsLoss()


def read(name, dtype, *shape):
    """A file of raw little-endian numbers."""
    return torch.frombuffer(bytearray((folder / name).read_bytes()), dtype=dtype).reshape(shape)


rows = read("rows.f32", torch.float32, plan["rounds"], plan["rows"], plan["features"])
labels = read("labels.u8", torch.uint8, plan["rounds"], plan["rows"], 1).float()


def shapes(network):
    """Inputs and outputs of every layer."""
    widths = [plan["features"], *network["hidden"], 1]
    return list(zip(widths, widths[1:]))


def usual(network):
    layers = [layer for shape in shapes(network) for layer in (nn.Linear(*shape), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


class Batched(nn.Module):
    """One network per round; weights [rounds, in, out], biases [rounds, 1, out]."""

    def __init__(self, weights, biases):
        super().__init__()
        self.weights, self.biases = nn.ParameterList(weights), nn.ParameterList(biases)

    @classmethod
    def drawn(cls, network, rounds):
        def draw(inputs, *shape):
            return torch.empty(rounds, *shape).uniform_(-(inputs**-0.5), inputs**-0.5)

        layers = shapes(network)
        return cls([draw(i, i, o) for i, o in layers], [draw(i, 1, o) for i, o in layers])

    def forward(self, value):
        for index, (weights, bias) in enumerate(zip(self.weights, self.biases)):
            if index > 0:
                value = value.relu()
            value = torch.baddbmm(bias, value, weights)
        return value


def adam(model, network):
    # Fused is the fastest for the stacked parameters; a network in the usual way has what comes by default.
    fused = True if isinstance(model, Batched) else None
    return torch.optim.Adam(model.parameters(), lr=network["learning_rate"], fused=fused)


def train(model, optimiser, inputs, targets, epochs):
    # The sum of the rounds' mean losses, so that each has the gradient that it would have alone.
    rounds = len(inputs) if isinstance(model, Batched) else 1
    for _ in range(epochs):
        optimiser.zero_grad()
        loss = rounds * loss_of(model(inputs), targets)
        loss.backward()
        optimiser.step()


def sample(model, network, inputs, targets, epochs, threads):
    """Seconds of a stretch of training; warmed up."""
    torch.set_num_threads(threads)
    optimiser = adam(model, network)
    train(model, optimiser, inputs, targets, plan["warm_up"])
    start = time.perf_counter()
    train(model, optimiser, inputs, targets, epochs)
    seconds = time.perf_counter() - start
    rounds = len(inputs) if isinstance(model, Batched) else 1
    return {"seconds": seconds, "epochs": rounds * epochs}


def one_thread(index):
    network = plan["networks"][index]
    return sample(usual(network), network, rows[0], labels[0], plan["sample"]["usual"], 1)


def all_threads(index):
    network = plan["networks"][index]
    return sample(usual(network), network, rows[0], labels[0], plan["sample"]["usual"], plan["threads"])


def batched(index):
    network = plan["networks"][index]
    model = Batched.drawn(network, plan["rounds"])
    return sample(model, network, rows, labels, plan["sample"]["batched"], plan["threads"])


def given(index, network):
    """The weights that the first rounds start from: of each round and layer, weights [out, in] and bias [out]."""
    values = read(f"weights-{index}.f32", torch.float32, -1)
    position = 0

    def take(*shape):
        nonlocal position
        start, position = position, position + torch.Size(shape).numel()
        return values[start:position].reshape(shape)

    return [[(take(o, i), take(o)) for i, o in shapes(network)] for _ in range(plan["check"]["rounds"])]


def check(index):
    network, epochs = plan["networks"][index], plan["check"]["epochs"]
    torch.set_num_threads(plan["threads"])
    start = given(index, network)

    def losses(model, inputs, targets):
        train(model, adam(model, network), inputs, targets, epochs)
        with torch.no_grad():
            every = nn.functional.binary_cross_entropy_with_logits(model(inputs), targets, reduction="none")
        return every.flatten(-2).mean(-1)

    answers = []
    for own, inputs, targets in zip(start, rows, labels):
        model = usual(network)
        with torch.no_grad():
            for layer, (weights, bias) in zip(model[::2], own):
                layer.weight.copy_(weights)
                layer.bias.copy_(bias)
        answers.append(losses(model, inputs, targets).item())
    stacked = [[torch.stack(values) for values in zip(*layer)] for layer in zip(*start)]
    model = Batched([weights.mT.contiguous() for weights, _ in stacked], [bias.unsqueeze(1) for _, bias in stacked])
    rounds = len(start)
    return {"usual": answers, "batched": losses(model, rows[:rounds], labels[:rounds]).tolist()}


def versions(_):
    return {"Python": platform.python_version(), "PyTorch": torch.__version__, "PyTorch's kernels": torch.backends.cpu.get_cpu_capability()}


serve({f.__name__: f for f in [one_thread, all_threads, batched, check, versions]})
