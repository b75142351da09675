"""The reference, written from the code: `make reference`."""
