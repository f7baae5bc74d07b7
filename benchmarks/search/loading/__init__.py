"""Brings a clinic into a database, quickly: the rows that the service would write, without the round trips of writing them one by one."""
