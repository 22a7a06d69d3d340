"""What scripts/mongodb is made of."""

import sys


def fail(message):
    sys.exit(f"scripts/mongodb: {message}")
