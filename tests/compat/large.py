"""A large value for the clients' scripts."""
import random

# 900 KB that do not repeat, so that a piece at the wrong offset is seen.
LARGE = random.Random(9).randbytes(900 * 1024)
