"""The base layer: the tables, the one writer of market data, and the queries over them."""
