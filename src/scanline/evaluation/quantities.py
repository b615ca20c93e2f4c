"""Which quantities each stage measures: names in scores.csv and, of filled holes, in methods.csv.

What people read instead is in ``evaluation.words``, so that a new label makes no score anew.
"""

ENOUGH = 32  # effective sample size, the time to which is told
CLASSIFIED = ("nats", "accuracy")
PREDICTED = ("nats_per_pixel", "nats_per_image", "bits_per_image", "accuracy")
BY_CLASS = ("nats_per_image_given_class", "bayes_accuracy")  # besides, of models that read labels
LOOKED_AHEAD = ("nats_per_pixel", "accuracy")
COMPLETED = ("samples", "ground_truth_under_samples", "ground_truth_teacher_forced")
INPAINTED = (
    *("ground_truth_mean", "ground_truth_std", "map_mean", "map_std"),
    *("difference_mean", "difference_std"),
    *("whole_accuracy", "pixel_accuracy", "marginal_accuracy"),
    *("truth_log_posterior", "entropy"),
)
FILLED = (
    *("nats_per_hidden_pixel", "map_pixel_accuracy", "map_whole_accuracy", "brier"),
    *("digit_accuracy", "seconds_per_image", "marginal_pixel_accuracy", "sample_digit_accuracy"),
    "mean_digit_accuracy",
)
# The same three accuracies under the names that they were published with in figures.csv. Of hidden
# pixels: the share of images that the most probable completion restores whole, the share of pixels
# that it restores, and the share of pixels whose more probable value is the true one.
PUBLISHED_AS = {
    "map_whole_accuracy": "whole_accuracy",
    "map_pixel_accuracy": "pixel_accuracy",
    "marginal_pixel_accuracy": "marginal_accuracy",
}
BY_TASK = {
    "classify": CLASSIFIED,
    "predict": (*PREDICTED, *BY_CLASS),
    "look_ahead": LOOKED_AHEAD,
    "complete": COMPLETED,
    "inpaint": INPAINTED,
    "posterior": FILLED,
}
