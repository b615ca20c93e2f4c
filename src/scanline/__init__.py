"""Recurrent models that read and write an image one pixel at a time, in raster order."""

import os

# TensorFlow and Keras read these when they are first imported, which only this module surely comes
# before. Snakemake gives each job its number of threads in OMP_NUM_THREADS, where TensorFlow does
# not look. It is set anew, because a job inherits what Snakemake's own process has set.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "OMP_NUM_THREADS" in os.environ:
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["OMP_NUM_THREADS"]
    os.environ["TF_NUM_INTEROP_THREADS"] = "1"
