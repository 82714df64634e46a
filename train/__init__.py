"""Training: crops, recipes, evaluation and the release of weights (`python -m train`)."""
