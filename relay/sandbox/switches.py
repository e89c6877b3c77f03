"""One switch for each question that Luminate's documentation leaves open (facts section 12): name -> positions.

The first position is the default. Positions are texts; JSON numbers and booleans are read as their text.
"""

from collections.abc import Mapping

SWITCHES: dict[str, tuple[str, ...]] = {
    "designated_cents": ("refuse", "accept", "truncate"),
    "designated_sum": ("unchecked", "must_equal"),
    "single_designated": ("ignored", "honoured"),
    "fixed_level_other_amount": ("ignored", "used", "refused"),
    "amount_text": ("strict", "lenient_round", "lenient_truncate"),
    "read_back_delay_s": ("0", "5", "600"),
    "sub_source_readable": ("false", "true"),
    "soap_where": ("proven_fields_only", "all"),
    "offline_pay_method": ("OFFLINE", "ONLINE", "absent"),
    "donation_detail": ("absent", "minimal"),
    "read_permission": ("included", "separate"),
    "match_by": ("email", "email_and_name", "always_new"),
    "ambiguous_email": ("error_8", "first", "new"),
    "cons_id_conflict": ("cons_id_wins", "email_wins", "error"),
    "refund_reply": ("donation_response", "refund_response", "bare_200"),
    "refund_errors": ("donation_errors", "error_response"),
    "auto_responder_default": ("true", "false"),
    "refund_visibility": ("replaced_by_refund_row", "stays", "vanishes"),
    "form_info_offline_only": ("answers", "error"),
    "check_order": ("as in 13.2", "method_first", "parameters_first"),
    "donation_error_http": ("403", "200"),
    "mismatch_root": ("donation_errors", "error_response"),
    "missing_payment_method": ("error_9", "cash"),
    "unknown_parameters": ("ignored", "error_9"),
    "enforce_validation": ("false", "true"),
    "field_max": ("none", "truncate_50", "refuse_50"),
    "decimal_text": ("as_documented", "two_places"),
    "trailing_comma": ("false", "true"),
    "code_matches_id": ("true", "false"),
    "suppressed_error_root": ("errorResponse", "donationResponse"),
    "throttle": ("none", "429", "503_html", "slow"),
    "country_text": ("as_sent", "full_name"),
    "soap_fault_http": ("200", "500"),
}


def defaults() -> dict[str, str]:
    """Every switch in its first position."""
    return {name: positions[0] for name, positions in SWITCHES.items()}


def checked(wanted: Mapping[str, object]) -> dict[str, str]:
    """The wanted positions as texts. Raises ValueError with a sentence that names what would be allowed."""
    return {name: _position(name, value) for name, value in wanted.items()}


def _position(name: str, value: object) -> str:
    if name not in SWITCHES:
        raise ValueError(f"There is no switch {name!r}; the switches are {', '.join(sorted(SWITCHES))}.")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if text not in SWITCHES[name]:
        raise ValueError(f"The switch {name} has the positions {', '.join(SWITCHES[name])}; {text!r} is none of them.")
    return text
