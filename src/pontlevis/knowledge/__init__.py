"""What an operator's files say of addresses: networks, data centres, VPN exits.

Reads files and hands the brain an object to look things up in; knows nothing of detection, and touches
no network. Start at ``shelf``; ``lines`` and ``mmdb`` read the formats, ``gathering`` packs what they find.
"""
