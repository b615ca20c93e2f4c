"""What TensorFlow and Keras read from the environment when they are first imported.

The wings that import them (models, training, inference) import this module first.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Snakemake gives a job its number of threads in OMP_NUM_THREADS; TensorFlow does not look there. A
# job also inherits what this module told the process that started it: its own number counts.
if "OMP_NUM_THREADS" in os.environ:
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["OMP_NUM_THREADS"]
    os.environ["TF_NUM_INTEROP_THREADS"] = "1"
