"""What is measured, one work a file; `benchmarks/table_of_works.py` lists them."""
