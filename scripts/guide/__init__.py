"""The clinic's implementation guide as a package for other tools, and as a document for people."""
