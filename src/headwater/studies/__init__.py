"""Published claims about language models, tested again by grids of runs."""
