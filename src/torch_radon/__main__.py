"""``python -m torch_radon`` is the command ``torch-radon``."""

from torch_radon.cli import main

if __name__ == "__main__":
    main()
