"""Where the Functions host looks for functions."""
from semantest.functions import app  # noqa: F401
