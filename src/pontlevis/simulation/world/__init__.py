"""A whole service in virtual time: engines, a million accounts, an attack, and who decides who is served."""
