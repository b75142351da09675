"""The tasks of `transformers`' pipelines up to version 4, over models of headwater."""
