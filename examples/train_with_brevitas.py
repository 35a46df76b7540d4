"""Trains a binary network with Brevitas on MNIST and exports it as QONNX, for `neuspin import`.

    pip install torch torchvision brevitas onnx onnxscript
    python examples/train_with_brevitas.py net.onnx
    neuspin import net.onnx -o models/net --dataset mnist --method spindrop --p 0.1

`neuspin import` finds 784 inputs of 1 bit, two hidden layers of 256 and ten logits. Dropout here keeps signs as they are, without PyTorch's
factor 1/(1 - p), which is what the hardware does.
"""

import sys

import torch
from brevitas.export import export_qonnx
from brevitas.nn import QuantIdentity, QuantLinear
from brevitas.quant import SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst
from torch import nn
from torchvision import datasets, transforms

EPOCHS = 15


class Drop(nn.Module):
    """SpinDrop: a dropped activation is 0, a kept one stays +1 or -1. In evaluation mode it is not there, nor in the file."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        return x * (torch.rand_like(x) >= self.p) if self.training else x


def sign():
    return QuantIdentity(act_quant=SignedBinaryActPerTensorConst, scaling_init=1.0)


def linear(inputs, outputs):
    return QuantLinear(inputs, outputs, bias=False, weight_quant=SignedBinaryWeightPerTensorConst, scaling_init=1.0)


def main(path):
    network = nn.Sequential(
        sign(), linear(784, 256), nn.BatchNorm1d(256), sign(), Drop(0.1),
        linear(256, 256), nn.BatchNorm1d(256), sign(), Drop(0.1),
        linear(256, 10), nn.BatchNorm1d(10),
    )
    # -1 to +1, so that the first sign is +1 from half the brightness on, as `--dataset mnist` has it.
    pixels = transforms.Compose([transforms.ToTensor(), lambda x: (2 * x - 1).flatten()])
    images = datasets.MNIST("data", train=True, download=True, transform=pixels)
    batches = torch.utils.data.DataLoader(images, batch_size=256, shuffle=True)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, EPOCHS * len(batches))
    for epoch in range(EPOCHS):
        for x, y in batches:
            loss = nn.functional.cross_entropy(network(x), y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            decay.step()
            # Weights beyond +1 and -1 would not come back: straight-through gradients end there.
            for layer in network:
                if isinstance(layer, QuantLinear):
                    layer.weight.data.clamp_(-1, 1)
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}")
    network.eval()
    export_qonnx(network, args=torch.zeros(1, 784), export_path=path)


if __name__ == "__main__":
    main(sys.argv[1])
