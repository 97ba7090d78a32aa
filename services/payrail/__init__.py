"""PayRail: a payment gateway that runs whole on one machine."""
