"""Two simple ways to fill hidden pixels from training images, without a model.

The nearest training image: the one that differs least from the observed pixels; its pixels fill the
hole. Pixel frequencies: how often each pixel is ink in training, whatever its neighbours are.
"""

import numpy as np

IMAGES = 256  # whose distances to all training images are held at once


def nearest_images(pixels: np.ndarray, hidden: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Which ``training`` image [M, T] is nearest each of ``pixels`` [N, T]: int [N].

    The nearest image differs in the fewest observed pixels; the first one wins a tie. What
    ``pixels`` have at ``hidden`` [N, k] is not read.
    """
    observed = np.ones(pixels.shape, np.float32)
    np.put_along_axis(observed, hidden, 0, axis=1)
    # |x - y| = x + y - 2 x y for pixels in {0, 1}; x alone adds the same to every distance. Sums
    # of up to 2**24 ones are exact in float32.
    weights = observed * (1 - 2 * pixels.astype(np.float32))
    images = training.astype(np.float32)
    parts = [
        np.argmin(weights[i : i + IMAGES] @ images.T, axis=1) for i in range(0, len(pixels), IMAGES)
    ]
    return np.concatenate(parts)


def ink_frequencies(training: np.ndarray) -> np.ndarray:
    """p(ink) of each pixel [T] over the ``training`` images [M, T], by Laplace's rule.

    (count + 1) / (M + 2): never 0 or 1, so that every image keeps a likelihood.
    """
    return (training.sum(axis=0, dtype=np.float64) + 1) / (len(training) + 2)
