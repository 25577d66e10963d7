"""The only writer of market data: it validates, inserts, revises and announces in one transaction."""
