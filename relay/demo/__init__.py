"""Development only: bring up the whole relay, and the servers it needs, on one machine."""
