"""The address and account of the SOAP web services: all three or none, and the mistakes made with the address."""

import pytest

from relay.config import load_settings
from relay.doctor import configuration
from relay.errors import ConfigurationError

SHAPE = "the shape is https://webservices.cluster2.convio.net/1.0/<shortname>."
BASE = {
    "DATABASE_URL": "sqlite:///var/relay.db",
    "LUMINATE_URL": "https://secure2.convio.net/acme/site",
    "LUMINATE_API_KEY": "k",
    "LUMINATE_LOGIN_NAME": "acme_api",
    "LUMINATE_LOGIN_PASSWORD": "p",
    "LUMINATE_FORM_ID": "1",
    "LUMINATE_LEVEL_ID": "2",
    "STRIPE_WEBHOOK_SECRET": "whsec_a",
}
SOAP = {
    "LUMINATE_SOAP_URL": "https://webservices.cluster2.convio.net/1.0/acme",
    "LUMINATE_SOAP_USER": "acme_soap",
    "LUMINATE_SOAP_PASSWORD": "soap-secret",
}
WSDL = f"must not end with /wsdl, which relay adds itself; {SHAPE}"
PARTS = f"must have exactly two parts behind the host, as in /1.0/acme; {SHAPE}"
PLAIN = f"must begin with https, because credentials travel in every call; {SHAPE}"
CARRIES = f"must not carry a login, a question mark or a #; {SHAPE}"
TOGETHER = "is needed, too: soap_url, soap_user, soap_password belong together."


def read(**changed):
    return load_settings({**BASE, **SOAP, **changed}).organizations["acme"].luminate


def problems(**changed):
    with pytest.raises(ConfigurationError) as wrong:
        read(**changed)
    return wrong.value.problems


@pytest.mark.parametrize("around", ["{}", " {}  ", "{}/", " {}/\n"])
def test_the_three_are_read_and_blanks_around_the_address_are_nothing(around):
    found = read(LUMINATE_SOAP_URL=around.format(SOAP["LUMINATE_SOAP_URL"]))
    assert found.soap_url == "https://webservices.cluster2.convio.net/1.0/acme"
    assert (found.soap_user, found.soap_password) == ("acme_soap", "soap-secret")
    assert "soap-secret" not in repr(found)


def test_none_is_well():
    found = read(**dict.fromkeys(SOAP, " "))
    assert (found.soap_url, found.soap_user, found.soap_password) == ("", "", "")


@pytest.mark.parametrize("name", sorted(SOAP))
def test_one_missing_or_one_alone_is_refused(name):
    assert problems(**{name: ""}) == (f"{name}: {TOGETHER}",)
    alone = problems(**{other: "" for other in SOAP if other != name})
    assert sorted(alone) == sorted(f"{other}: {TOGETHER}" for other in SOAP if other != name)


@pytest.mark.parametrize(("url", "wrong"), [
    (f"{SOAP['LUMINATE_SOAP_URL']}/wsdl", WSDL),
    (f"{SOAP['LUMINATE_SOAP_URL']}/wsdl/", WSDL),
    (f"{SOAP['LUMINATE_SOAP_URL']}/WSDL", WSDL),
    ("https://webservices.cluster2.convio.net", PARTS),
    ("https://webservices.cluster2.convio.net/1.0", PARTS),
    ("https://webservices.cluster2.convio.net/1.0/a/b", PARTS),
    ("https://webservices.cluster2.convio.net//acme", PARTS),
    ("http://webservices.cluster2.convio.net/1.0/acme", PLAIN),
    ("https://u:p@webservices.cluster2.convio.net/1.0/acme", CARRIES),
    ("https://webservices.cluster2.convio.net/1.0/acme?wsdl", CARRIES),
    ("webservices.cluster2.convio.net/1.0/acme", f"is not an https address; {SHAPE}"),
    ("https://[::1/1.0/acme", f"is not an address; {SHAPE}"),
])  # fmt: skip
def test_an_address_of_another_shape_is_refused_in_a_sentence(url, wrong):
    assert problems(LUMINATE_SOAP_URL=url) == (f"LUMINATE_SOAP_URL: {wrong}",)


def test_a_password_with_a_blank_behind_it_is_refused():
    assert problems(LUMINATE_SOAP_PASSWORD="soap-secret ") == (
        "LUMINATE_SOAP_PASSWORD: must not begin or end with a blank or line break.",
    )


def test_a_sandbox_on_this_machine_needs_no_https():
    assert read(LUMINATE_SOAP_URL="http://127.0.0.1:8081/1.0/demo").soap_url == "http://127.0.0.1:8081/1.0/demo"


def test_the_file_says_the_same(tmp_path):
    file = tmp_path / "relay.toml"
    file.write_text("""
        [organizations.acme]
        form_id = 1
        level_id = 2
        providers.stripe.secrets = ["whsec_a"]
        [organizations.acme.luminate]
        url = "https://secure2.convio.net/acme/site"
        api_key = "k"
        login_name = "n"
        login_password = "p"
        soap_url = "https://webservices.cluster2.convio.net/1.0/acme/wsdl"
        soap_user = "n"
    """)
    with pytest.raises(ConfigurationError) as wrong:
        load_settings({"RELAY_CONFIG": str(file)})
    assert sorted(wrong.value.problems) == [
        f"relay.toml: organizations.acme.luminate.soap_password: {TOGETHER}",
        f"relay.toml: organizations.acme.luminate.soap_url: must not end with /wsdl, which relay adds itself; {SHAPE}",
    ]


def test_the_doctor_warns_of_one_account_for_both():
    told = load_settings({**BASE, **SOAP, "LUMINATE_SOAP_USER": "ACME_api"})
    warned = [check for check in configuration.settings(told, ["stripe"]) if check.name == "acme: SOAP account"]
    assert [check.level for check in warned] == ["warning"]
    told = load_settings({**BASE, **SOAP})
    assert not [check for check in configuration.settings(told, ["stripe"]) if "SOAP" in check.name]
