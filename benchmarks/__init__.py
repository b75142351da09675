"""How fast headwater is, beside its peers. See README.md."""
