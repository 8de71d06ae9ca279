"""The version of this package, and the torch release whose behaviour it follows."""

__version__ = "0.1.0"
follows_torch = "2.13.0"
follows_torchvision = "0.28.0"
as_torch = f"{follows_torch}+minitorch.{__version__}"  # what scripts see that ask torch's version
as_torchvision = f"{follows_torchvision}+minitorch.{__version__}"
cuda = None
