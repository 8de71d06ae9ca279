"""Image datasets: CIFAR-10 and CIFAR-100 as torchvision has them, images in an array, drawn shapes.

`arrays` is the common base, `batched` its whole-batch path, `cifar` the official files,
`shapes` the procedural stand-in for them.
"""

from .arrays import ImageArrays
from .base import StandardTransform, VisionDataset
from .cifar import CIFAR10, CIFAR100
from .shapes import Shapes

__all__ = ["CIFAR10", "CIFAR100", "ImageArrays", "Shapes", "StandardTransform", "VisionDataset"]
