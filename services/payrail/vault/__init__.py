"""The card vault: the only place that holds card numbers."""
