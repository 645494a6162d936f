"""Augmentation: each variation does what it says, images of a batch vary independently, the generator decides."""

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp

from whosame.features.base import IMAGENET_MEAN as MEAN
from whosame.features.base import IMAGENET_STD as STD
from whosame.features.batches import to_unit
from whosame.training.augment import (
    AugmentConfig,
    affine,
    augment,
    clipped_rectangles,
    colour,
    erase,
    flip_and_crop,
    redrawn_rectangles,
)
from whosame.training.draws import Draws

OFF = AugmentConfig(flip=0, pad=0, erase=0, colour=0, channel_gain=0)


def draws(seed=0):
    return Draws(torch.Generator().manual_seed(seed))


def pictures(n=64, h=24, w=12):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (n, h, w, 3), dtype=np.uint8))


def test_switched_off_it_changes_nothing():
    pixels = pictures()
    np.testing.assert_allclose(augment(pixels, OFF, draws()), pixels.numpy().transpose(0, 3, 1, 2) / 255, atol=1e-6)


def test_the_input_is_left_alone_and_the_generator_decides():
    config = AugmentConfig(rotation=0.1, log_scale=0.1, shear=0.1, shift=0.1)
    pixels = pictures()
    kept = pixels.clone()
    a, b, c = (augment(pixels, config, draws(seed)) for seed in (0, 0, 1))
    assert torch.equal(pixels, kept)
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert a.shape == (64, 3, 24, 12)
    assert a.is_contiguous()


def test_flip_happens_as_often_as_asked():
    pixels = pictures(400)
    found = flip_and_crop(pixels, OFF.replace(flip=0.3), draws())
    flipped = (found == pixels.flip(2)).flatten(1).all(dim=1)
    same = (found == pixels).flatten(1).all(dim=1)
    assert (flipped | same).all()
    assert 0.2 < flipped.float().mean() < 0.4


@pytest.mark.parametrize(("name", "fill"), [("mean", [round(255 * mean) for mean in MEAN]), ("black", [0, 0, 0])])
def test_crop_is_a_shift_filled_with_a_colour(name, fill):
    pixels = pictures(200)
    found = flip_and_crop(pixels, OFF.replace(pad=2, pad_colour=name), draws())
    padded = np.empty((200, 28, 16, 3), np.uint8)
    padded[:] = fill
    padded[:, 2:-2, 2:-2] = pixels
    seen = set()
    for image, source in zip(found.numpy(), padded, strict=True):
        places = [(y, x) for y in range(5) for x in range(5) if np.array_equal(image, source[y : y + 24, x : x + 12])]
        assert len(places) == 1
        seen.add(places[0])
    assert len(seen) == 25


@pytest.mark.parametrize("shape", ["clipped", "redrawn"])
@pytest.mark.parametrize(
    ("name", "fill"), [("mean", MEAN), ("light", [m + m * s for m, s in zip(MEAN, STD, strict=True)])]
)
def test_erasing_fills_one_rectangle_of_the_size_asked_for(shape, name, fill):
    config = OFF.replace(erase=0.5, erase_area=(0.1, 0.3), erase_shape=shape, erase_colour=name)
    images = erase(torch.ones(400, 3, 40, 20), config, draws())
    blank = images[:, 0] != 1
    for channel, value in enumerate(fill):
        assert images[:, channel][blank].unique().tolist() == pytest.approx([value])
        assert (images[:, channel][~blank] == 1).all()
    erased = blank.flatten(1).any(dim=1)
    assert 0.4 < erased.float().mean() < 0.6
    for mask in blank[erased].numpy():
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        assert mask.sum() == len(rows) * len(columns)
        assert 0.04 < mask.mean() < 0.4


def published_erasing(random, height, width):
    """Return height and width of a rectangle as the code of SpCL and Cluster Contrast draws it."""
    while True:
        area, aspect = random.uniform(0.02, 0.4) * height * width, random.uniform(0.3, 1 / 0.3)
        h, w = round((area * aspect) ** 0.5), round((area / aspect) ** 0.5)
        if w < width and h < height:
            return h, w


def test_redrawn_rectangles_have_the_published_sizes():
    config = OFF.replace(erase=1, erase_shape="redrawn")
    top, left, *size = redrawn_rectangles(4000, 64, 32, config, draws()).numpy()
    random = np.random.default_rng(0)
    expected = np.array([published_erasing(random, 64, 32) for _ in range(4000)]).T
    assert (top + size[0] <= 64).all()
    assert (left + size[1] <= 32).all()
    for found, reference in zip(size, expected, strict=True):
        assert ks_2samp(found, reference).pvalue > 0.01
    assert size[1].max() == 31  # a clipped rectangle is a band across the image in 16 % of the cases
    bands = clipped_rectangles(4000, 64, 32, config, draws()).numpy()[3] == 32
    assert bands.mean() == pytest.approx(0.16, abs=0.02)


def test_a_rectangle_that_never_fits_is_left_out():
    images = torch.ones(8, 3, 40, 20)
    config = OFF.replace(erase=1, erase_area=(0.98, 0.99), erase_shape="redrawn")
    assert (erase(images, config, draws()) == 1).all()


def test_colour_equals_the_four_steps_one_by_one():
    config = AugmentConfig(colour=0.3, channel_gain=0.2)
    images = to_unit(pictures(5))
    found = colour(images, config, draws())
    generator = draws().generator
    gain, contrast, saturation = (torch.randn(3, 5, generator=generator) * 0.3).exp()
    balance = (torch.randn(5, 3, generator=generator) * 0.2).exp()
    for i, image in enumerate(images):
        x = image * gain[i] * balance[i, :, None, None]
        grey = (x * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(dim=0)
        x = grey + saturation[i] * (x - grey)
        x = x.mean() + contrast[i] * (x - x.mean())
        torch.testing.assert_close(found[i], x, atol=1e-5, rtol=1e-5)


def test_affine_without_strength_is_the_identity_and_with_it_moves_a_dot_a_little():
    images = to_unit(pictures(8))
    torch.testing.assert_close(affine(images, OFF, draws()), images, atol=1e-4, rtol=1e-4)
    dot = torch.zeros(300, 3, 41, 41)
    dot[:, :, 20, 20] = 1  # the centre
    turned = affine(dot, OFF.replace(rotation=0.5, shear=0.3), draws())
    torch.testing.assert_close(turned[:, 0, 20, 20], torch.ones(300), atol=1e-3, rtol=0)
    shifted = affine(dot, OFF.replace(shift=0.1), draws())[:, 0]
    column = (shifted.sum(dim=1) * torch.arange(41)).sum(dim=1) / shifted.sum(dim=(1, 2))
    assert (column - 20).std() == pytest.approx(0.1 * 20.5, rel=0.2)


def test_rotation_keeps_shapes_in_tall_images():
    """A disc stays a disc at every angle: angles are in pixels, not in units of a tall image's height and width."""
    y, x = torch.meshgrid(torch.arange(81) - 40, torch.arange(41) - 20, indexing="ij")
    disc = (x**2 + y**2 <= 144).float().expand(100, 3, 81, 41)
    found = affine(disc, OFF.replace(rotation=1.0), draws())
    assert (found - disc).abs().mean() < 0.01


@pytest.mark.parametrize("shape", ["clipped", "redrawn"])
def test_a_share_of_a_batch_is_augmented_as_in_the_whole(shape):
    config = AugmentConfig(rotation=0.1, log_scale=0.1, shear=0.1, shift=0.1, erase_shape=shape)
    pixels, share = pictures(20), slice(4, 12)
    generator = draws().generator
    whole = [augment(pixels, config, Draws(generator)) for _ in range(2)]
    generator = draws().generator
    for expected in whole:
        found = augment(pixels[share], config, Draws(generator, 20, share))
        torch.testing.assert_close(found, expected[share], atol=1e-5, rtol=1e-5)
