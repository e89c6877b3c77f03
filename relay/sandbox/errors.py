"""Why a call is refused.

ApiError
  CommonError    an `errorResponse` with one of the documented codes (facts 5.1)
  DonationError  a `donationResponse/errors` (facts 5.2)
WrongVerb        HTTP 405: no method was run
"""

UNABLE, BAD_KEY, NOT_AUTHORIZED, BAD_ADDRESS, BAD_METHOD, AMBIGUOUS, MISSING, NO_MATCH, BAD_LIST = (
    1, 2, 3, 4, 6, 8, 9, 16, 50)  # fmt: skip
DONATION_FAILED = 101


class ApiError(Exception):
    """A call that Luminate refuses; nothing was recorded."""

    code: int


class CommonError(ApiError):
    """The common errorResponse. Texts of code 2 are the vendor's (H), the others are written for the sandbox."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class DonationError(ApiError):
    """Code 101: field texts, or a text for the top of the page, or both."""

    code = DONATION_FAILED

    def __init__(self, fields: list[str], page: str | None = None) -> None:
        super().__init__("; ".join(fields) or str(page))
        self.fields = fields
        self.page = page or "There was a problem processing your request.  Please see below."


class WrongVerb(Exception):
    """The servlet does not take this verb."""
