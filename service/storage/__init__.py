"""The database: transactions, versions of resources, history. Everything above reaches rows through this package."""
