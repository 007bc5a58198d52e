"""Kernels and what runs them: one backend a device type, chosen by the tensor's device."""

from torch_radon.backends.interface import Backend, Geometry2D, Prepared, backend_for

__all__ = ["Backend", "Geometry2D", "Prepared", "backend_for"]
