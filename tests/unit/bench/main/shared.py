"""The checks of all cases."""
from checks import Checks

check = Checks()
