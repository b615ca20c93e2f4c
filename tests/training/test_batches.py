"""Batches: every image once an epoch, shifted by whole pixels where the recipe says so."""

from dataclasses import replace

import numpy as np
from recipes import recipe

from scanline.data.pixels import PixelSet
from scanline.training import batches as batches_module
from scanline.training.batches import batches, held_out_images, pixels_of

RECIPE = recipe(3, batch_size=8, seed=5)
SHIFTED = recipe(3, "classify", batch_size=8, seed=5, shift_pixels=1)


def _epochs(train, recipe):
    """Of each epoch: its pixels and labels as they come, and the images that they are of."""
    given = list(batches(train, recipe, start=0))
    for epoch in range(recipe.epochs):
        pixels, labels = zip(
            *((batch.pixels, batch.labels) for batch in given if batch.epoch == epoch), strict=True
        )
        order = np.random.default_rng([recipe.seed, epoch]).permutation(len(train.labels))
        yield pixels, labels, order


def test_an_epoch_holds_every_image_once_as_it_is(pixel_sets):
    train = pixel_sets["train"]
    for pixels, labels, order in _epochs(train, replace(RECIPE, batch_size=5)):  # 32 images
        assert [len(each) for each in labels] == 6 * [5] + [2]
        np.testing.assert_array_equal(np.concatenate(pixels), train.pixels[order])
        np.testing.assert_array_equal(np.concatenate(labels), train.labels[order])
        assert sorted(order) == list(range(32))


def _moved(image, down, right):
    """An image [rows, columns] moved pixel by pixel; no ink comes in."""
    moved = np.zeros_like(image)
    for row, column in np.argwhere(image):
        to = row + down, column + right
        if 0 <= to[0] < image.shape[0] and 0 <= to[1] < image.shape[1]:
            moved[to] = 1
    return moved


def test_shifted_images_are_moved_by_whole_pixels(pixel_sets):
    noise = np.random.default_rng(0).integers(0, 2, (32, 16), np.uint8)
    train = replace(pixel_sets["train"], pixels=noise)
    seen, by_image = set(), []
    for pixels, labels, order in _epochs(train, replace(SHIFTED, epochs=4)):
        np.testing.assert_array_equal(np.concatenate(labels), train.labels[order])
        by_image.append(np.concatenate(pixels)[np.argsort(order)])
        for flat, image in zip(by_image[-1], noise, strict=True):
            original, shifted = image.reshape(4, 4), flat.reshape(4, 4)
            moves = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
            fits = [move for move in moves if np.array_equal(_moved(original, *move), shifted)]
            assert fits
            seen |= {move for move in fits if len(fits) == 1}
    assert len(seen) == 9
    assert (by_image[0] != by_image[1]).any(axis=1).sum() > 16  # drawn anew


def test_redrawn_pixels_tend_to_their_grey_values(pixel_sets):
    generator = np.random.default_rng(1)
    grey = generator.integers(0, 256, (32, 16), np.uint8)
    grey[:, :2] = 0, 255
    train, epochs = replace(pixel_sets["train"], grey=grey), 400
    by_image = np.stack(
        [
            np.concatenate(pixels)[np.argsort(order)]
            for pixels, _, order in _epochs(train, replace(RECIPE, epochs=epochs))
        ]
    )
    p = grey / 255
    # 5 standard errors: of 512 pixels one is beyond by chance in 3,000 such tests.
    error = np.sqrt(p * (1 - p) / epochs)
    assert (np.abs(by_image.mean(axis=0) - p) <= 5 * error).all()
    assert (by_image[0] != by_image[1]).any(axis=1).all()
    assert set(np.unique(by_image)) == {0, 1}
    # Pixels are drawn apart: of each two epochs' draws as many agree as by chance.
    agree = (by_image[::2] == by_image[1::2]).mean(axis=0)
    chance = p**2 + (1 - p) ** 2
    error = np.sqrt(chance * (1 - chance) / (epochs / 2))
    assert (np.abs(agree - chance) <= 5 * error).all()


def test_redrawn_pixels_come_with_the_probabilities_that_they_were_drawn_by(pixel_sets):
    """Shifted alike: a pixel that cannot be ink is none, one that must be is."""
    grey = np.random.default_rng(3).choice(np.array([0, 51, 255], np.uint8), (32, 16))
    train, seen = replace(pixel_sets["train"], grey=grey), []
    for batch in batches(train, replace(SHIFTED, epochs=200), 0):
        assert batch.ink.dtype == np.float32
        assert set(np.unique(batch.ink)) <= {0, np.float32(0.2), 1}
        assert (batch.pixels[batch.ink == 0] == 0).all()
        assert (batch.pixels[batch.ink == 1] == 1).all()
        seen.append(batch.pixels[(batch.ink > 0) & (batch.ink < 1)])
    drawn = np.concatenate(seen)
    assert abs(drawn.mean() - 0.2) < 5 * (0.2 * 0.8 / len(drawn)) ** 0.5  # standard errors


def test_the_darkest_grey_is_ink_once_in_255_redraws(pixel_sets):
    train = replace(pixel_sets["train"], grey=np.ones((32, 16), np.uint8))
    ink = sum(int(pixels_of(train, 5, epoch).sum()) for epoch in range(100))
    expected = 100 * 32 * 16 / 255
    assert abs(ink - expected) < 5 * expected**0.5  # standard errors


def test_redraws_depend_on_seed_and_epoch_alone(pixel_sets):
    grey = np.random.default_rng(2).integers(0, 256, (32, 16), np.uint8)
    train = replace(pixel_sets["train"], grey=grey)
    whole = list(batches(train, RECIPE, start=0))
    for ours, theirs in zip(batches(train, RECIPE, 6), whole[6:], strict=True):
        np.testing.assert_array_equal(ours.pixels, theirs.pixels)
    other = next(batches(train, replace(RECIPE, seed=6), 0)).pixels
    assert (np.sort(other, axis=0) != np.sort(whole[0].pixels, axis=0)).any()


def test_shifts_redraws_and_test_batches_have_numbers_of_their_own():
    """A stream that two of them shared would couple what they draw."""
    streams = {batches_module.TEST_IMAGES, batches_module.SHIFTS, batches_module.PIXELS}
    assert len(streams) == 3


def test_images_that_are_black_and_white_are_redrawn_as_they_are(pixel_sets):
    """Shifted ones, too."""
    train = pixel_sets["train"]
    redrawn = replace(train, pixels=1 - train.pixels, grey=255 * train.pixels)
    plain, drawn = (batches(each, SHIFTED, 0) for each in (train, redrawn))
    for ours, theirs in zip(plain, drawn, strict=True):
        np.testing.assert_array_equal(ours.pixels, theirs.pixels)
        assert ours.ink is None
        np.testing.assert_array_equal(theirs.ink, theirs.pixels)


def test_a_checkpoint_is_chosen_on_all_validation_images():
    images = numbered_images(1000)
    assert held_out_images(images, recipe(2), 1) is images


def test_a_checkpoint_is_chosen_on_800_test_images_drawn_anew_for_each_epoch():
    """The report's way. Each image is drawn once, and is as likely as any other."""
    images, settings = numbered_images(1000), recipe(200, selection="test_batches")
    numbers = np.stack([number_of(held_out_images(images, settings, e)) for e in range(200)])
    assert numbers.shape == (200, 800)
    assert all(len(set(row)) == 800 for row in numbers)
    assert (np.sort(numbers[0]) != np.sort(numbers[1])).any()
    share = np.bincount(numbers.ravel(), minlength=1000) / 200
    assert np.abs(share - 0.8).max() < 5 * (0.8 * 0.2 / 200) ** 0.5  # standard errors
    again = number_of(held_out_images(images, settings, 7))
    np.testing.assert_array_equal(again, numbers[7])
    other = replace(settings, seed=settings.seed + 1)
    assert (number_of(held_out_images(images, other, 7)) != again).any()
    few = held_out_images(numbered_images(9), settings, 0)  # all, where there are fewer
    assert sorted(number_of(few)) == list(range(9))


def numbered_images(count: int) -> PixelSet:
    """Images of 4 x 4 pixels that tell their number in binary digits."""
    pixels = (np.arange(count)[:, None] >> np.arange(16) & 1).astype(np.uint8)
    description = {"rows": 4, "columns": 4, "classes": 10, "split": "test"}
    return PixelSet(pixels, (np.arange(count) % 10).astype(np.uint8), description)


def number_of(images: PixelSet) -> np.ndarray:
    numbers = images.pixels.astype(int) @ (1 << np.arange(16))
    np.testing.assert_array_equal(images.labels, numbers % 10)
    return numbers
