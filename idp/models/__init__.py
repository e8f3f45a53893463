"""The rows of the provider, one table a file, with the queries that are used twice beside them."""
