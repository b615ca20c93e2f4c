"""Recurrent models that read and write an image one pixel at a time, in raster order."""

import os

# TensorFlow reads these when it is first imported. Snakemake gives a job its number of threads in
# OMP_NUM_THREADS; TensorFlow does not look there.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "OMP_NUM_THREADS" in os.environ:
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", os.environ["OMP_NUM_THREADS"])
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
