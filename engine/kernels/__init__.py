"""Loops over pixels in C: what OpenCV has no call for, compiled when the package is built. See `source/`."""
