"""Slower comparisons: what models learn and answer, not only how fast."""
