"""Two simulated payment providers with deterministic fates."""
