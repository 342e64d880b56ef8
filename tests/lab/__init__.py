"""Real servers for the tests, each private: Asterisk, a carrier and phones (sipp), Redis, PostgreSQL."""
