"""How a pre-trained model is adapted: what trains, what is added, what changes with time."""
