"""What people do: correct, replay, decide, map funds, let each other in; each act asks an Actor and is audited."""
