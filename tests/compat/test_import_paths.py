"""TorchRadon's names are where TorchRadon has them, with its arguments in its order."""

from __future__ import annotations

import importlib
import inspect

import pytest

SIGNATURES = {
    "torch_radon:Radon": "resolution angles det_count=-1 det_spacing=1.0 clip_to_circle=False",
    "torch_radon:RadonFanbeam": (
        "resolution angles source_distance det_distance=-1 det_count=-1 det_spacing=-1 "
        "clip_to_circle=False"
    ),
    "torch_radon:ReadingsLookup": (
        "radon bins=4096 mu=None sigma=None ks=None signals=None normal_stds=None"
    ),
    "torch_radon:compute_lookup_table": (
        "sinogram signal normal_std bins=4096 eps=0.01 eps_prob=0.99 eps_k=0.01 verbose=False"
    ),
    "torch_radon:ParallelBeam": "det_count angles det_spacing=1.0 volume=None",
    "torch_radon:FanBeam": (
        "det_count angles src_dist=None det_dist=None det_spacing=None volume=None"
    ),
    "torch_radon:Volume2D": "center=(0.0,0.0) voxel_size=(1.0,1.0)",
    "torch_radon.radon:ParallelBeam": "det_count angles det_spacing=1.0 volume=None",
    "torch_radon.volumes:Volume2D": "center=(0.0,0.0) voxel_size=(1.0,1.0)",
    "torch_radon.solvers:Landweber": "operator projection=None grad=False",
    "torch_radon.solvers:cg": "forward x y callback=None max_iter=500 tol=1e-05",
    "torch_radon.solvers:cgne": "operator x y callback=None max_iter=5000 tol=1e-05",
    "torch_radon.shearlet:ShearletTransform": "width height alphas cache=None",
}
METHODS = {
    "Radon:filter_sinogram": "sinogram filter_name='ramp'",
    "Radon:add_noise": "x signal density_normalization=1.0 approximate=False",
    "Radon:emulate_readings": "x signal density_normalization=1.0",
    "Radon:emulate_readings_new": "x signal normal_std k bins",
    "Radon:readings_lookup": "sensor_readings lookup_table",
    "Radon:set_seed": "seed=-1",
    "Radon:backward": "sinogram",
    "RadonFanbeam:backprojection": "sinogram",
    "ParallelBeam:forward": "x angles=None",
    "FanBeam:backward": "sinogram angles=None volume=None",
}


def _arguments(function: object) -> str:
    parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"]
    return " ".join(
        p.name if p.default is p.empty else f"{p.name}={p.default!r}".replace(", ", ",")
        for p in positional
    )


@pytest.mark.parametrize("path", SIGNATURES)
def test_names(path: str) -> None:
    module, name = path.split(":")
    found = _arguments(getattr(importlib.import_module(module), name))
    # Where TorchRadon demands an argument, ours may have a default.
    assert found.replace("radon=None", "radon") == SIGNATURES[path]


@pytest.mark.parametrize("path", METHODS)
def test_methods(path: str) -> None:
    beam, name = path.split(":")
    method = getattr(getattr(importlib.import_module("torch_radon.compat"), beam), name)
    assert _arguments(method) == METHODS[path]
