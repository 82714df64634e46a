"""The seed paper's comparison, repeated: every network on the same data, splits and budget."""
