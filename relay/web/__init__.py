"""HTTP: the webhooks' front door and the health checks."""
