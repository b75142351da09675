"""The verbs that come in groups, a file for each group; cli.py holds the single ones."""
