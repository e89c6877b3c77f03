"""relay: payment webhooks in, one Luminate Online gift each out."""
