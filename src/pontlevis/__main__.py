"""``python -m pontlevis``."""

from pontlevis.cli import main

main()
