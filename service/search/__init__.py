"""Search: parameters, the query as data, its way to SQL, and the index that answers it."""
