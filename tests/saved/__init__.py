"""What Charon answers and how its tables look, as bytes that the tests compare: `python -m tests.saved` writes them."""
