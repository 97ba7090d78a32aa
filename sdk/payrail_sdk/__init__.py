"""The Python SDK of PayRail."""
