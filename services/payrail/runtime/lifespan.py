"""How an app whose lifespan fails tells its server why: the protocol itself carries no more than a text."""

#: The key of the lifespan scope's state under which the app leaves the exception.
LIFESPAN_ERROR = "payrail.lifespan_error"
