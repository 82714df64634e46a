"""Sets of images: their formats, their manifest, and the splits that keep an experiment whole."""
