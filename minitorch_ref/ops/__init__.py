"""The operations on tensors, one file per table of the API; forward and gradient side by side."""
