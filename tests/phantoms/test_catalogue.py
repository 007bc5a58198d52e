"""The ready-made phantoms hold what their publications and documentation say."""

import math

import numpy as np
import pytest
import torch
from skimage.data import shepp_logan_phantom

from torch_radon import Volume, phantoms


def up(points):
    """Published coordinates have y pointing up; the world's y grows with the row index."""
    return np.asarray(points, dtype=float) * (1, -1)


# Points well inside the regions of the published figures.
SHEPP_LOGAN = {
    (0.0, 0.9): (2.0, 1.0),
    (0.0, 0.7): (1.02, 0.2),
    (0.0, 0.0): (1.02, 0.2),
    (0.22, 0.0): (1.0, 0.0),
    (-0.22, 0.0): (1.0, 0.0),
    (0.0, 0.4): (1.03, 0.3),
    (0.0, 0.1): (1.04, 0.4),
    (0.0, -0.1): (1.03, 0.3),
    (-0.08, -0.605): (1.03, 0.3),
    (0.0, -0.606): (1.03, 0.3),
    (0.06, -0.605): (1.03, 0.3),
    (0.06, -0.63): (1.03, 0.3),
    (-0.08, -0.63): (1.02, 0.2),
    (-0.3, 0.3): (1.0, 0.0),
    (0.3, 0.25): (1.0, 0.0),
    (0.8, 0.0): (0.0, 0.0),
}


@pytest.mark.parametrize(("column", "contrast"), [(0, "original"), (1, "modified")])
def test_shepp_logan_has_the_published_values(column, contrast):
    phantom = phantoms.shepp_logan(contrast=contrast)
    expected = [values[column] for values in SHEPP_LOGAN.values()]
    actual = phantom.evaluate(up(list(SHEPP_LOGAN))).numpy()
    np.testing.assert_allclose(actual, expected, atol=1e-12)


def test_shepp_logan_looks_like_scikit_images():
    """The same head, upright; they differ where edges fall within pixels."""
    theirs = shepp_logan_phantom()
    volume = Volume((400, 400), spacing=0.5)
    ours = phantoms.shepp_logan(volume.extent[0]).rasterize(volume).numpy()
    assert np.abs(ours - theirs).mean() < 0.006
    assert np.median(np.abs(ours - theirs)) < 1e-6


# Densities at points of the central slice, from the regions of the three-dimensional definition
# of the FORBILD head (which lists bodies and densities, not sums of clipped ellipses).
FORBILD = {
    (0.0, 11.8): 1.8,  # skull
    (0.0, 11.0): 0.0,  # frontal sinus
    (0.0, 9.6): 1.8,  # bone in the sinus
    (0.3, 9.6): 0.0,
    (0.0, 9.1): 1.8,
    (0.0, 8.9): 0.0,
    (0.0, 3.6): 1.8,  # nasal bone
    (1.1, 3.8): 1.8,
    (1.3, 3.8): 1.05,
    (0.0, 4.0): 1.05,
    (1.9, 5.4): 1.8,  # bones beside the sinus, rising outwards
    (2.3, 6.1): 1.8,
    (1.5, 6.1): 1.05,
    (-2.3, 6.1): 1.8,
    (4.3, 6.8): 1.8,  # orbital bones, rising outwards
    (5.6, 7.55): 1.8,
    (5.6, 6.0): 1.05,
    (-5.6, 7.55): 1.8,
    (-4.7, 4.3): 1.06,  # eyes
    (4.7, 2.6): 1.06,
    (4.7, 2.4): 1.05,
    (0.0, -3.6): 1.045,  # ventricle
    (0.0, -7.1): 1.045,
    (6.39395, -6.39395): 1.055,  # haematoma, its long axis 58.1 degrees from +x
    (6.9, -5.57): 1.055,
    (6.82, -6.66): 1.05,
    (-1.08, -9.0): 1.0525,  # low contrast
    (1.08, -9.0): 1.0475,
    (0.0, -10.9): 1.8,  # occipital protuberance
    (0.0, -10.2): 1.05,
    (5.0, -8.0): 1.05,  # brain
    (9.7, 3.0): 0.0,  # air
    (8.6, 0.0): 1.8,  # right ear: bone between air cells
    (8.8, 0.0): 0.0,
    (5.6, 0.0): 0.0,
    (5.2, 0.0): 1.8,
    (8.6, 0.34641): 0.0,
    (6.0, -0.69282): 0.0,
    (6.6, 1.03923): 0.0,
    (6.2, 1.03923): 1.8,
    (8.5, 1.7): 1.8,
    (-7.0, -1.0): 1.8,  # left ear: resolution pattern
    (-7.0, -0.9286): 1.8,
    (-7.0, -0.9643): 1.05,
    (-6.92, -1.0 + 4 * 0.0624): 1.8,
    (-6.76, 0.44 + 4 * 0.05): 1.8,
    (-8.0, 0.0): 1.05,
}


def test_the_forbild_head_has_the_published_densities():
    actual = phantoms.forbild_head().evaluate(up(list(FORBILD))).numpy()
    np.testing.assert_allclose(actual, list(FORBILD.values()), atol=1e-12)


def test_the_forbild_head_without_its_ears_is_symmetric_but_for_blood_and_contrast(rng):
    head = phantoms.forbild_head(ear=False, resolution=False)
    points = rng.uniform(-12.8, 12.8, (20_000, 2))
    points = points[points[:, 1] < 5.0]
    both = head.evaluate(points), head.evaluate(points * (-1, 1))
    assert (both[0] - both[1]).abs().max() < 1e-12
    assert len(phantoms.forbild_head()) == 16 + 1 + 1 + 53 + 80
    assert len(phantoms.forbild_head(ear=False)) == 17 + 80
    assert len(head) == 17


def test_the_forbild_head_has_no_negative_density_and_no_gap_at_the_ear():
    volume = Volume((1024, 1024), spacing=0.025)
    image = phantoms.forbild_head().rasterize(volume, 1, dtype=torch.float64)
    assert image.min() > -1e-12
    densities = torch.unique(image.round(decimals=9)).tolist()
    assert densities == pytest.approx([0, 1.045, 1.0475, 1.05, 1.0525, 1.055, 1.06, 1.8])


def test_random_phantoms_follow_their_seed():
    one, again, other = (phantoms.random_ellipses(seed) for seed in (3, 3, 4))
    assert one == again
    assert one != other
    supply = np.random.default_rng(3)
    assert phantoms.random_ellipses(supply) == one
    assert phantoms.random_ellipses(supply) != one


def test_random_phantoms_keep_to_their_ranges():
    volume = Volume((128, 128), spacing=0.5)
    y, x = np.meshgrid(volume.coordinates(0), volume.coordinates(1), indexing="ij")
    outside = torch.from_numpy(np.hypot(x, y) > 30.0)
    for seed in range(20):
        phantom = phantoms.random_ellipses(
            seed, 60.0, count=5, values=(0.2, 0.4), semi_axes=(0.1, 0.5)
        )
        assert len(phantom) == 5
        assert all(0.2 <= figure.value <= 0.4 for figure in phantom.figures)
        axes = [figure.axes for figure in phantom.figures if figure.axes is not None]
        lengths = np.linalg.norm(np.array(axes), axis=-1)
        assert (lengths >= 6.0 - 1e-9).all()
        assert (lengths <= 30.0 + 1e-9).all()
        assert not phantom.rasterize(volume, 1)[outside].any()


def test_line_pairs_have_the_periods_that_were_asked_for():
    phantom = phantoms.line_pairs(40.0, periods=(0.2, 0.05), bars=4, value=2.0)
    x = np.linspace(-20, 20, 4001)
    for y, period in ((-10.0, 8.0), (10.0, 2.0)):
        profile = phantom.evaluate(np.stack([x, np.full_like(x, y)], -1)).numpy()
        rising = x[1:][(profile[1:] > 1) & (profile[:-1] < 1)]
        falling = x[1:][(profile[1:] < 1) & (profile[:-1] > 1)]
        np.testing.assert_allclose(np.diff(rising), period, atol=0.02)
        np.testing.assert_allclose(falling - rising, period / 2, atol=0.02)
        assert rising[0] + falling[-1] == pytest.approx(0.0, abs=0.03)


def test_a_siemens_star_has_its_spokes_at_every_radius():
    phantom = phantoms.siemens_star(20.0, spokes=9)
    angle = np.linspace(0, 2 * math.pi, 100_000, endpoint=False)
    for radius in (0.5, 5.0, 9.9):
        ring = np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)
        profile = phantom.evaluate(ring).numpy()
        assert ((profile > 0.5) & (np.roll(profile, 1) < 0.5)).sum() == 9
        assert profile.mean() == pytest.approx(0.5, abs=1e-3)
    area = phantom.rasterize(Volume((200, 200), spacing=0.1), dtype=torch.float64).sum() * 0.01
    assert area.item() == pytest.approx(50 * math.pi, rel=1e-3)


def test_contrast_discs_have_the_contrasts_and_diameters_that_were_asked_for():
    contrasts, diameters = (0.3, -0.1), (0.2, 0.1, 0.05)
    phantom = phantoms.contrast_discs(
        30.0, contrasts=contrasts, diameters=diameters, background=0.02
    )
    assert len(phantom) == 7
    for figure, (diameter, contrast) in zip(
        phantom.figures[1:], [(d, c) for d in diameters for c in contrasts], strict=True
    ):
        at_center = phantom.evaluate(figure.center).item()
        assert at_center == pytest.approx(0.02 * (1 + contrast))
        assert figure.axes is not None
        assert figure.axes[0][0] == pytest.approx(diameter * 15)


BAD = {
    "shepp_logan contrast": (lambda: phantoms.shepp_logan(contrast="high"), "contrast must be one"),
    "shepp_logan size": (lambda: phantoms.shepp_logan(0.0), "size must be positive"),
    "forbild size": (lambda: phantoms.forbild_head(math.inf), "size must be finite"),
    "values": (lambda: phantoms.random_ellipses(1, values=(1, 0)), "values must ascend"),
    "semi_axes": (lambda: phantoms.random_ellipses(1, semi_axes=(0.1, 0.6)), "semi_axes must lie"),
    "count": (lambda: phantoms.random_ellipses(1, count=0), "count must be at least 1"),
    "periods": (lambda: phantoms.line_pairs(periods=(0.5,)), "periods must be at most 0.2857"),
    "no periods": (lambda: phantoms.line_pairs(periods=()), "periods must hold at least one"),
    "spokes": (lambda: phantoms.siemens_star(spokes=1), "spokes must be at least 2"),
    "diameters": (lambda: phantoms.contrast_discs(diameters=(0.2,)), "diameters must be at most"),
    "contrasts": (lambda: phantoms.contrast_discs(contrasts=()), "contrasts must hold"),
}


@pytest.mark.parametrize(("make", "message"), BAD.values(), ids=BAD.keys())
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
