"""Recurrent models that read and write an image one pixel at a time, in raster order."""
