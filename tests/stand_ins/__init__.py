"""Real parts that live in memory, and makers of ledgers, for the tests of several rooms."""
