"""The ports made real: vault and providers through the generated SDK."""
