"""The messages between gateway and controller, and what carries them."""
