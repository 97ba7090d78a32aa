"""Handlers: translate in, call one flow, translate out."""
