"""Image datasets under torchvision's names, and drawn shapes where there are none.

`base` is what all have in common.  `cifar`, `mnist`, `mnist_more` read official files (`idx` and
`unpickle` know their formats), `folder` reads your own, `arrays` holds pixels you have already;
`shapes` and `fake` are drawn.  `batched` makes a whole batch at once.
"""

from .arrays import ImageArrays
from .base import StandardTransform, VisionDataset
from .cifar import CIFAR10, CIFAR100
from .fake import FakeData
from .folder import DatasetFolder, ImageFolder
from .mnist import KMNIST, MNIST, FashionMNIST
from .mnist_more import EMNIST, QMNIST
from .shapes import Shapes

__all__ = [
    "CIFAR10", "CIFAR100", "EMNIST", "KMNIST", "MNIST", "QMNIST", "DatasetFolder", "FakeData",
    "FashionMNIST", "ImageArrays", "ImageFolder", "Shapes", "StandardTransform", "VisionDataset",
]  # fmt: skip
