"""Every figure that is to be met or beaten, and what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from reproduction.job import Row
from reproduction.scale import Scale

NONE = "–"
PAPER = Scale(cases=())


class Accuracy(NamedTuple):
    """An error that the paper reports.

    Attributes
    ----------
    name : str
    part : str
        Where ours is.
    row : dict
        What identifies its row.
    key : str
        Its column.
    paper : float
    digits : int
        To which the paper gives it.
    needs : tuple of str
        Attributes of `Scale` that must be the paper's.
    astra : str, optional
        How the library is called in ASTRA's rows, from the start; the best of them counts.
    of_image : bool
        Whether it depends on the paper's own image.
    """

    name: str
    part: str
    row: Mapping[str, str]
    key: str
    paper: float
    digits: int
    needs: tuple[str, ...]
    astra: str | None = None
    of_image: bool = True


def _shearlets(dtype: str, word: str, values: dict[str, float]) -> list[Accuracy]:
    row = {"library": "torch_radon", "dtype": dtype}
    needs = ("size", "shearlet_scales")
    return [
        Accuracy(f"shearlet {key}, {word}", "shearlet errors", row, key, value, 3, needs)
        for key, value in values.items()
    ]


ITERATIVE = ("iterative_size", "iterations")
ACCURACY = (
    Accuracy(
        "FBP, MSE",
        "filtered backprojection",
        {"library": "torch_radon, linear"},
        "MSE",
        2.222e-4,
        4,
        ("size",),
        "ASTRA FBP",
    ),
    Accuracy(
        "Landweber, MSE",
        "iterative",
        {"solver": "Landweber", "library": "torch_radon"},
        "MSE",
        1.394e-4,
        4,
        ITERATIVE,
    ),
    Accuracy(
        "CGNE, MSE",
        "iterative",
        {"solver": "CGNE", "library": "torch_radon"},
        "MSE",
        4.422e-5,
        4,
        ITERATIVE,
        "ASTRA",
    ),
    Accuracy(
        "FBP in fp32, clipped, MSE",
        "half precision",
        {"dtype": "float32"},
        "FBP MSE",
        2.0566e-4,
        5,
        ("size",),
    ),
    Accuracy(
        "FBP in fp16, clipped, MSE",
        "half precision",
        {"dtype": "float16"},
        "FBP MSE",
        2.0576e-4,
        5,
        ("size",),
    ),
    Accuracy(
        "sinogram in fp16, from fp32",
        "half precision",
        {"dtype": "float16"},
        "sinogram, from float32",
        2.43e-4,
        3,
        ("size",),
    ),
    *_shearlets(
        "float32",
        "single",
        {"coefficients": 3.86e-7, "adjoint": 6.65e-7, "reconstruction": 6.65e-7},
    ),
    *_shearlets(
        "float64",
        "double",
        {"coefficients": 4.7e-16, "adjoint": 6.45e-16, "reconstruction": 6.14e-16},
    ),
    Accuracy(
        "limited angle, ADMM, relative error [%]",
        "limited angle",
        {"method": "ADMM, shearlets"},
        "relative error [%]",
        9.275,
        4,
        ("limited_size", "limited_scales", "limited_iterations"),
        of_image=False,
    ),
)


def judge_accuracy(
    parts: Mapping[str, Sequence[Row]], scale: Scale, is_papers_image: bool
) -> list[Row]:
    """Return a row a figure: ours, TorchRadon's, ASTRA's, and whether it is met or beaten."""
    rows = []
    for figure in ACCURACY:
        found = parts.get(figure.part, ())
        ours, astra = _ours(found, figure), _astra(found, figure)
        if ours is None:
            verdict = "not measured"
        elif any(getattr(scale, name) != getattr(PAPER, name) for name in figure.needs):
            verdict = "not comparable: smaller"
        elif figure.of_image and not is_papers_image:
            verdict = "not comparable: another image"
        else:
            # As many digits as the paper gives.
            rounded = float(f"{ours:.{figure.digits - 1}e}")
            verdict = "yes" if rounded <= figure.paper else "no"
        rows.append(
            {
                "figure": figure.name,
                "ours": _text(ours, figure.digits),
                "TorchRadon": _text(figure.paper, figure.digits),
                "ASTRA": _text(astra, figure.digits),
                "met or beaten": verdict,
            }
        )
    return rows


class Speed(NamedTuple):
    """How many times faster than a peer this library has to be."""

    dtype: str
    peer: str
    peer_dtype: str
    case: str
    times: float


SPEEDS = (
    Speed("float32", "ASTRA, linked", "float32", "parallel-512x32", 4),
    Speed("float16", "ASTRA, linked", "float32", "parallel-512x32", 10),
    Speed("float16", "ASTRA, from the host", "float32", "parallel-512x32", 100),
    # The paper has 2.6 to 3.2 on a V100.
    Speed("float16", "torch_radon", "float32", "parallel-256x128", 2.6),
)

# TorchRadon's own speed on an H200 in 10^9 samples a second, forward and adjoint.
TORCH_RADON = {
    "parallel-256x32-float32": (868, 909),
    "parallel-256x32-float16": (1999, 2580),
    "parallel-512x1-float32": (656, 812),
    "parallel-512x32-float32": (982, 989),
    "parallel-512x32-float16": (2464, 3024),
    "parallel-1024x16-float32": (1017, 1012),
    "parallel-1024x16-float16": (2553, 3054),
    "fan-512x1-float32": (673, 681),
    "fan-512x32-float32": (986, 979),
    "fan-512x32-float16": (2537, 2857),
}


def judge_speed(rows: Sequence[Row], gpu: str) -> Iterator[Row]:
    """Yield a row a comparison and direction that was measured."""
    times = {(row["library"], row["case"]): row for row in rows}
    for wanted in SPEEDS:
        ours = times.get(("torch_radon", f"{wanted.case}-{wanted.dtype}"))
        peer = times.get((wanted.peer, f"{wanted.case}-{wanted.peer_dtype}"))
        if ours is None or peer is None:
            continue
        for what in ("forward", "adjoint"):
            ratio = peer[f"{what} [ms]"] / ours[f"{what} [ms]"]
            yield {
                "comparison": f"{wanted.dtype} over {wanted.peer} in {wanted.peer_dtype}",
                "case": wanted.case,
                "direction": what,
                "times faster": ratio,
                "wanted": wanted.times,
                "met or beaten": "yes" if ratio >= wanted.times else "no",
            }
    for case, speeds in TORCH_RADON.items():
        row = times.get(("torch_radon", case))
        # Measured on another chip they say nothing.
        if row is None or "H200" not in gpu:
            continue
        for what, theirs in zip(("forward", "adjoint"), speeds, strict=True):
            ratio = row[f"{what} [Gs/s]"] / theirs
            yield {
                "comparison": f"TorchRadon on an H200, {theirs} Gs/s",
                "case": case,
                "direction": what,
                "times faster": ratio,
                "wanted": 1,
                "met or beaten": "yes" if ratio >= 1 else "no",
            }


def _ours(rows: Sequence[Row], figure: Accuracy) -> float | None:
    """The value in the row that a figure names."""
    for row in rows:
        if figure.row.items() <= row.items():
            return float(row[figure.key])
    return None


def _astra(rows: Sequence[Row], figure: Accuracy) -> float | None:
    """The smallest value in ASTRA's rows, which differ in the library from the one named."""
    if figure.astra is None:
        return None
    others = {name: value for name, value in figure.row.items() if name != "library"}
    values = [
        float(row[figure.key])
        for row in rows
        if row["library"].startswith(figure.astra) and others.items() <= row.items()
    ]
    return min(values, default=None)


def _text(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:#.{digits}g}"
