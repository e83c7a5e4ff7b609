"""The data path: credentials, client address, OpenAI wire types, relay to engines."""
