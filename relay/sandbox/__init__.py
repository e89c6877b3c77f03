"""A faithful simulation of Blackbaud Luminate Online, to develop, demo and test against.

``python -m relay.sandbox --port 8081`` serves, for any organization name, the calls a relay needs:

* ``/<organization>/site/SRDonationAPI``: addOfflineDonation, refundOfflineDonation
* ``/<organization>/site/SRConsAPI``: getUserTransactions, isEmailValid
* ``/<organization>/site/CRDonationAPI``: getDonationFormInfo, getDesignees, getDesignationTypes

Every organization starts with the same defaults (``defaults.py``):

* api_key ``demo-api-key``
* logins, each with its password: ``demo-api-user`` / ``demo-api-password`` and ``demo-other-user`` /
  ``demo-other-password`` (may add and refund), ``demo-addonly`` / ``demo-addonly-password`` (may add),
  ``demo-readonly`` / ``demo-readonly-password`` (may do neither)
* form 1260 (online/offline): levels 1521 ($25), 1522 ($100), 1523 (donor-entered, at least $1); designations
* form 1261 (offline-only, Designated Giving): level 1530 (donor-entered, at least $1); designations and write-ins
* form 1262 (online-only): level 1540; form 1263 (unpublished): level 1550
* designees 1001 Library, 1002 Scholarships, 1003 Water, 1004 Stadium (archived)

What Luminate does not document is a switch of the organization (``switches.py``); what can go wrong on the wire is a
fault (``faults.py``). Marks in the docstrings: H stated by the vendor, M a strong inference, L a weak hint, ND not
documented (a choice of this sandbox). The package imports nothing of the rest of relay.
"""
