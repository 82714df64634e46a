"""Evaluation: what weights are worth on real images and on the simulation."""
