"""The generated parts of the documents: `python -m tests.documents`, or `make docs`, writes them."""
