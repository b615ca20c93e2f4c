"""Each way to fill a hole: against tabulated joints, the exact posterior, and by hand."""

import subprocess
import sys
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml
from tabulated import (
    all_images,
    conditional_table,
    log_joint_table,
    random_sets,
    tiny_look_ahead,
    tiny_predictor,
)

from scanline.evaluation import words
from scanline.evaluation.forecasts import scores
from scanline.holes.sets import values_at
from scanline.inference import methods
from scanline.inference.likelihood import log_likelihoods
from scanline.inference.methods import (
    METHODS,
    Given,
    Method,
    SamplerSettings,
    by_exact_posterior,
    by_gibbs,
    by_nearest_image,
    by_particle_gibbs,
    by_pixel_frequencies,
    by_prefix,
    by_smc,
    check,
    log_observed_at_least,
    methods_for,
)
from scanline.inference.smc import smc_posterior
from scanline.study import settings as study_settings

ROOT = Path(__file__).parents[2]
# float32 logits, a sum of 8 terms of a few nats each.
TOLERANCE = 1e-5
COUNT = 4
SETTINGS = SamplerSettings(
    exact_pixels=COUNT,
    particles=8,
    chain_images=0,
    chains=2,
    moves=3,
    block=2,
    move_particles=4,
    sweeps=1,
    samples=5,
    seed=0,
)


# By enumeration.
exact = partial(by_exact_posterior, exact_pixels=COUNT, particles=1)


@pytest.fixture(scope="module")
def model():
    return tiny_predictor("gru", 1, "context")


@pytest.fixture(scope="module", params=["alone", "with a look-ahead"])
def given(request, model) -> Given:
    """6 images with 4 hidden pixels each, and a model that has a companion or none."""
    companion = None if request.param == "alone" else tiny_look_ahead(model, spread=0.5)
    return Given(model, all_images()[::3], *random_sets(6, COUNT, seed=8), companion)


@pytest.mark.parametrize("way", ["exact", "smc"])
def test_the_posterior_is_that_of_the_table(given, way):
    model, _, pixels, hidden, _ = given
    if way == "exact":
        found, tolerance = exact(given, samples=3, seed=0), TOLERANCE
    else:  # 4,096 particles, a few hundred of them effective: 5 standard errors of a share
        found, tolerance = by_smc(given, particles=4096, samples=3, seed=0), 0.1
    table = log_joint_table(model)
    for n, image in enumerate(pixels):
        images, joint = conditional_table(table, image, hidden[n])
        values = images[:, hidden[n]]
        p = np.exp(joint - np.logaddexp.reduce(joint))
        is_truth = (values == image[hidden[n]]).all(axis=1)
        assert found.log_prob[n] == pytest.approx(np.log(p[is_truth][0]), abs=tolerance)
        np.testing.assert_allclose(found.marginals[n], p @ values, atol=tolerance)
        assert p[(values == found.best[n]).all(axis=1)] == pytest.approx(p.max(), abs=TOLERANCE)


@pytest.mark.parametrize("way", ["exact", "smc"])
def test_samples_are_the_posterior_s(given, way):
    samples = 20_000
    if way == "exact":
        found = exact(given, samples=samples, seed=1)
    else:
        found = by_smc(given, particles=64, samples=samples, seed=1)
    assert found.samples.shape == (6, samples, COUNT)
    # 5 standard errors of a share, which is largest at 1/2.
    assert np.abs(found.samples.mean(axis=1) - found.marginals).max() < 5 * 0.5 / np.sqrt(samples)


def test_where_nothing_is_observed_the_truth_costs_its_whole_likelihood(model):
    pixels = all_images()[5::50]
    hidden = np.tile(np.arange(8), (len(pixels), 1))
    given = Given(model, all_images()[::3], pixels, hidden)
    ways = [method for method in METHODS if not method.needs_look_ahead]
    found = {each.name: each.forecast(given, SETTINGS) for each in ways}
    assert all(each.best.shape == pixels.shape for each in found.values())
    for name in ("prefix", "exact", "smc"):
        expected = log_likelihoods(model, pixels)
        np.testing.assert_allclose(found[name].log_prob, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("way", ["particle_gibbs", "gibbs"])
def test_chains_end_in_the_posterior(given, way):
    chains = 2000
    if way == "particle_gibbs":
        found = by_particle_gibbs(
            given, particles=16, chains=chains, moves=2, block=16, move_particles=16, seed=0
        )
    else:
        found = by_gibbs(given, chains=chains, sweeps=20, seed=0)
    wanted = exact(given, samples=1, seed=0)
    assert found.samples.shape == (6, chains, COUNT)
    assert np.isnan(found.log_prob).all()
    # 5 standard errors of a share, which is largest at 1/2; the chains are independent.
    assert np.abs(found.marginals - wanted.marginals).max() < 5 * 0.5 / np.sqrt(chains)
    assert (found.best == wanted.best).all()


def test_the_truth_is_more_probable_where_more_is_seen_on_average(model):
    """Over all images by their own probability: the posterior's nats are the least there are."""
    pixels = all_images()
    weights = np.exp(log_joint_table(model))
    given = Given(model, pixels, pixels, np.tile([1, 2, 5], (len(pixels), 1)))
    before = by_prefix(given, samples=1, seed=0)
    given_all = exact(given, samples=1, seed=0)
    assert weights @ given_all.log_prob > weights @ before.log_prob + 0.01


def test_p_observed_is_at_least_that_of_the_known_completions(given):
    model, _, pixels, hidden, _ = given
    truth = values_at(pixels, hidden)
    nats = log_likelihoods(model, pixels)
    found = smc_posterior(model, pixels, hidden, particles=3, seed=0)
    low = found._replace(log_observed=found.log_observed - 100)
    bounds = log_observed_at_least(low, nats, truth)
    wanted = exact(given, samples=1, seed=0)
    for n in range(len(pixels)):
        known = {tuple(truth[n].tolist()): nats[n]}
        for values, each in zip(found.values[n], found.log_likelihood[n], strict=True):
            known[tuple(values.tolist())] = each
        assert bounds[n] == pytest.approx(np.log(sum(np.exp(list(known.values())))), abs=TOLERANCE)
        assert bounds[n] <= nats[n] - wanted.log_prob[n] + TOLERANCE  # log p(observed)
    high = found._replace(log_observed=found.log_observed + 100)
    assert (log_observed_at_least(high, nats, truth) == high.log_observed).all()


def test_the_nearest_image_fills_the_hole():
    training = np.array([[0, 0, 0, 1], [1, 1, 0, 1], [1, 0, 1, 1]], np.uint8)
    pixels, hidden = np.array([[1, 1, 1, 0]], np.uint8), np.array([[1, 3]])
    found = by_nearest_image(Given(None, training, pixels, hidden))
    assert found.best.tolist() == [[0, 1]]  # of the third, which has both observed pixels
    assert found.marginals.tolist() == [[0, 1]]
    assert found.samples.shape == (1, 0, 2)
    assert np.isnan(scores(found, np.array([[1, 0]]))["nats_per_hidden_pixel"])


def test_a_pixel_that_is_as_often_ink_as_paper_is_filled_with_paper():
    training, pixels = np.array([[1, 0], [0, 0]], np.uint8), np.zeros((1, 2), np.uint8)
    found = by_pixel_frequencies(Given(None, training, pixels, np.array([[0, 1]])))
    assert found.best.tolist() == [[0, 0]]
    np.testing.assert_allclose(found.marginals, [[1 / 2, 1 / 4]])
    assert found.samples.shape == (1, 0, 2)


def test_pixel_frequencies_know_no_neighbours():
    training = np.array([[1, 1, 0], [1, 0, 0], [1, 0, 0]], np.uint8)
    pixels, hidden = np.array([[0, 1, 0]], np.uint8), np.array([[0, 1]])
    found = by_pixel_frequencies(Given(None, training, pixels, hidden))
    assert found.best.tolist() == [[1, 0]]
    np.testing.assert_allclose(found.marginals, [[4 / 5, 2 / 5]])
    assert found.log_prob[0] == pytest.approx(np.log(1 / 5 * 2 / 5))


@pytest.mark.parametrize(
    ("exact_pixels", "posterior"), [(4, ["exact"]), (3, ["smc", "particle_gibbs"])]
)
def test_every_method_says_something_of_every_hidden_pixel(given, exact_pixels, posterior):
    settings = replace(SETTINGS, exact_pixels=exact_pixels)
    companion = given.look_ahead is not None
    ways = methods_for(given, settings)
    begin = ["prefix", "look_ahead"] if companion else ["prefix"]
    names = [*begin, *posterior, "gibbs", "nearest_image", "pixel_frequencies"]
    assert [method.name for method in ways] == names
    for method in ways:
        found = method.forecast(given, settings)
        assert found.best.shape == found.marginals.shape == (6, COUNT)
        assert found.samples.shape[::2] == (6, COUNT)
        assert set(np.unique(found.best)) <= {0, 1}
        assert (np.abs(found.marginals - 0.5) <= 0.5 + TOLERANCE).all()
        assert (np.isnan(found.log_prob) | (found.log_prob <= TOLERANCE)).all()


def test_a_hole_that_is_read_last_is_drawn_from_its_posterior(given):
    last = given._replace(hidden=np.tile(np.arange(4, 8), (6, 1)))
    settings = replace(SETTINGS, exact_pixels=3, particles=4096)
    ways = {method.name: method for method in methods_for(last, settings)}
    assert list(ways) == ["prefix", "exact", "nearest_image", "pixel_frequencies"]
    found = ways["exact"].forecast(last, settings)
    enumerated = exact(last, samples=1, seed=0)
    np.testing.assert_allclose(found.log_prob, enumerated.log_prob, rtol=0, atol=TOLERANCE)
    # 5 standard errors of a share, which is largest at 1/2.
    np.testing.assert_allclose(found.marginals, enumerated.marginals, atol=5 * 0.5 / 64)
    np.testing.assert_array_equal(found.best, enumerated.best)
    one_of_them = last._replace(hidden=np.concatenate([last.hidden[:5], last.hidden[5:] - 1]))
    assert "smc" in [method.name for method in methods_for(one_of_them, settings)]


def test_chains_may_fill_fewer_images(given):
    settings = replace(SETTINGS, exact_pixels=3, chain_images=2)
    for method in methods_for(given._replace(look_ahead=None), settings):
        found = method.forecast(given, settings)
        count = 2 if method.name in ("particle_gibbs", "gibbs") else 6
        assert [len(each) for each in found] == [count] * len(found)


NAMES = [field.name for field in fields(SamplerSettings)]


def test_every_setting_is_read():
    read = {name for method in METHODS for name in method.settings}
    assert read | {"chain_images"} == set(NAMES)


def test_the_config_and_the_labels_have_what_the_methods_need():
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    check(study_settings.settings(config, "fill_holes"))
    assert {method.name for method in METHODS} <= set(words.METHODS)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            NAMES[1:],
            r"^config.yaml: posterior lacks 'exact_pixels', .* add it there and to workflow",
        ),
        (
            [*NAMES, "heat"],
            r"methods.py: SamplerSettings has no field 'heat', a key of posterior in",
        ),
    ],
)
def test_a_setting_that_is_only_half_there_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        check(settings)


def test_a_method_that_reads_what_is_no_setting_is_named(monkeypatch):
    def by_heat(given, *, heat):
        raise NotImplementedError

    monkeypatch.setattr(methods, "METHODS", (*METHODS, Method("heated", methods.ANY, by_heat)))
    with pytest.raises(ValueError, match=r"the method 'heated' reads 'heat', which is no field"):
        check(NAMES)


def test_the_methods_are_listed_without_tensorflow():
    """The study checks them before its plan; TensorFlow would take seconds."""
    code = "import sys; import scanline.inference.methods; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(ROOT / "src")})
