"""Read-only queries that pages, API and engine share; they know no request and no language."""
