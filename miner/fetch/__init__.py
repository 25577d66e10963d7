"""Network access: the one HTTP client, parsing, retries and call budgets."""
