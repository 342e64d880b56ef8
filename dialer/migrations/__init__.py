"""The history of the tables, in order; `Store.migrate` brings any database to the newest form."""
