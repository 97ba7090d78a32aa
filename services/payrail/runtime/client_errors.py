"""How a call through a generated client ends where there is no answer that can be read."""

import httpx

#: What a generated client raises for an answer that is not what the contract says; the last one is of nesting too deep.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)

#: What it raises where no answer came, or none that can be read.
NO_ANSWER = (httpx.HTTPError, *UNREADABLE)
