"""Virtual clock, users, attackers, the engine simulator."""
