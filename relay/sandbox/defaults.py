"""What every organization starts with."""

from .site import DesignationType, Designee, Form, Level, Login, Organization
from .switches import defaults

API_KEY = "demo-api-key"
ADDRESS_FIELDS = (
    "billing.address.street1",
    "billing.address.city",
    "billing.address.state",
    "billing.address.zip",
)


def logins() -> dict[str, Login]:
    return {
        "demo-api-user": Login("demo-api-password", ("add", "refund")),
        "demo-other-user": Login("demo-other-password", ("add", "refund")),
        "demo-addonly": Login("demo-addonly-password", ("add",)),
        "demo-readonly": Login("demo-readonly-password", ("read",)),
        "demo-soap-user": Login("demo-soap-password", ("soap",)),
    }


def forms() -> dict[str, Form]:
    return {
        "1260": Form("Online and offline gifts", required_fields=ADDRESS_FIELDS, levels={
            "1521": Level("$25", 2500), "1522": Level("$100", 10000), "1523": Level("Other")}),
        "1261": Form("Offline gifts", "offline_only", write_in=True, levels={"1530": Level("Designated Giving")}),
        "1262": Form("Online gifts", "online_only", levels={"1540": Level("Other")}),
        "1263": Form("Not published yet", published=False, levels={"1550": Level("Other")}),
    }  # fmt: skip


def designees() -> dict[str, Designee]:
    return {
        "1001": Designee("Library"),
        "1002": Designee("Scholarships"),
        "1003": Designee("Water", "12"),
        "1004": Designee("Stadium", "12", archived=True),
    }


def new_organization(name: str) -> Organization:
    """An organization nobody has changed yet. Every address may call, so that it works at once."""
    return Organization(
        name=name,
        api_key=API_KEY,
        logins=logins(),
        ip_allow=("0.0.0.0/0", "::/0"),
        soap_ip_allow=("0.0.0.0/0", "::/0"),
        switches=defaults(),
        forms=forms(),
        designees=designees(),
        designation_types={
            "11": DesignationType("Education", 1),
            "12": DesignationType("Projects", 2),
            "13": DesignationType("Past campaigns", 3, archived=True),
        },
    )
