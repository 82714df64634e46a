"""The engine: from a microscope image to labelled crystals."""
