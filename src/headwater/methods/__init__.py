"""How a model is adapted: which of its parameters train."""
