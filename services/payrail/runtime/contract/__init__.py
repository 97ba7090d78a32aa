"""The parts of a contract app: the document, its routes, and one precompiled operation per path and
method."""

import warnings

with warnings.catch_warnings():
    # Connexion imports Starlette's test client and jsonschema's old resolver, and both warn; no user of ours
    # can act on that, so the first import of Connexion happens here, where those warnings are put aside.
    warnings.filterwarnings("ignore", module=r"connexion\.")
    import connexion  # noqa: F401
