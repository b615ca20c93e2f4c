"""Labels: one a quantity, a method of filling holes, and a task."""

HEADINGS = {
    "nats": "cross-entropy, nats",
    "accuracy": "accuracy",
    "nats_per_pixel": "nats per pixel",
    "nats_per_image": "nats per image",
    "bits_per_image": "bits per image",
    "samples": "samples",
    "ground_truth_under_samples": "ground truth under samples",
    "ground_truth_teacher_forced": "ground truth, teacher forced",
    "ground_truth_mean": "ground truth, mean",
    "map_mean": "in-painting, mean",
    "difference_mean": "in-painting − ground truth, mean",
    "ground_truth_std": "ground truth, s.d.",
    "map_std": "in-painting, s.d.",
    "difference_std": "in-painting − ground truth, s.d.",
    "whole_accuracy": "patches restored whole",
    "pixel_accuracy": "pixels restored",
}
METHODS = {
    "truth": "truth",
    "prefix": "prefix",
    "exact": "posterior, exact",
    "smc": "posterior, sampled",
    "mcmc": "posterior, particle Gibbs",
    "gibbs": "Gibbs sampling",
    "nearest_image": "nearest training image",
    "pixel_frequencies": "pixel frequencies",
}
TASKS = {"classify": "class", "predict": "next pixel", "complete": "completion"}
UNITS = {  # by quantity: what it is called, and its digits
    "accuracy": ("accuracy", "{:.2%}"),
    "nats_per_pixel": ("nats per pixel", "{:.4f}"),
    "nats_per_image": ("nats per image", "{:.2f}"),
    "ground_truth_teacher_forced": ("nats per hidden pixel, truth, teacher forced", "{:.4f}"),
}
