"""The command ``torch-radon``; each of its commands has a file of its own."""

from torch_radon.cli.app import main

__all__ = ["main"]
