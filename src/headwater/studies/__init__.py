"""Claims about language models, run again: grids of recipes, and what they say."""
