"""``flask doctor``: one line for each part, ok, warning or failed, with what to do. It changes nothing.

No line holds a secret or a donor. What cannot be proven by reading is said, not passed over.
"""

from relay.doctor.checks import Check, Level
from relay.doctor.examination import Patient, examine

__all__ = ["Check", "Level", "Patient", "examine"]
