"""Settling a day: what is pending becomes available, and is paid out; a file has every movement of it."""
