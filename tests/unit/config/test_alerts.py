"""Who is alerted, and the mail server: what is taken, and each mistake's sentence."""

from datetime import time

import pytest

from relay.config import Alerts, MailServer, load_settings
from relay.errors import ConfigurationError

BASE = {
    "LUMINATE_URL": "https://give.acme.org/acme/site",
    "LUMINATE_API_KEY": "k",
    "LUMINATE_LOGIN_NAME": "n",
    "LUMINATE_LOGIN_PASSWORD": "p",
    "LUMINATE_FORM_ID": "1",
    "LUMINATE_LEVEL_ID": "2",
    "STRIPE_WEBHOOK_SECRET": "whsec_a",
}
MAIL = {"RELAY_SMTP_URL": "smtp://mail.acme.org", "RELAY_MAIL_FROM": "relay@acme.org"}


def alerts_of(**variables):
    return load_settings(BASE | MAIL | variables).organizations["acme"].alerts


def problems(**variables):
    with pytest.raises(ConfigurationError) as caught:
        load_settings(BASE | variables)
    return caught.value.problems


def test_nobody_is_told_unless_addresses_stand_there():
    assert load_settings(BASE).organizations["acme"].alerts == Alerts()
    assert not Alerts().anybody


def test_one_organization_needs_no_file():
    assert alerts_of(
        RELAY_ALERT_EMAILS="a@acme.org, b@acme.org a@acme.org",
        RELAY_ALERT_WEBHOOKS="https://hooks.slack.com/services/T/B/x?y=1",
        RELAY_ALERT_DAILY_AT="06:30",
        RELAY_ALERT_SILENCE_TIMES="3",
    ) == Alerts(
        emails=("a@acme.org", "b@acme.org"),
        webhooks=("https://hooks.slack.com/services/T/B/x?y=1",),
        daily_at=time(6, 30),
        silence_times=3,
    )
    assert alerts_of(RELAY_ALERT_DAILY_AT="never").daily_at is None


@pytest.mark.parametrize(
    ("url", "host", "port", "security", "user", "password"),
    [
        ("smtp://u:pa55%40word@h.org:2525?starttls", "h.org", 2525, "starttls", "u", "pa55@word"),
        ("smtp://u:pa55word@h.org?starttls", "h.org", 587, "starttls", "u", "pa55word"),
        ("smtps://u%40h.org:pa55word@h.org", "h.org", 465, "tls", "u@h.org", "pa55word"),
        ("smtp://h.org", "h.org", 25, "plain", "", ""),
        ("smtp://u:pa55word@127.0.0.1:1025", "127.0.0.1", 1025, "plain", "u", "pa55word"),
    ],
)
def test_the_mail_server(url, host, port, security, user, password):
    settings = load_settings(BASE | MAIL | {"RELAY_SMTP_URL": url})
    assert settings.mail == MailServer(
        host=host, port=port, security=security, user=user, password=password, sender="relay@acme.org"
    )
    assert "pa55" not in repr(settings)


@pytest.mark.parametrize(
    "url",
    ["mail.acme.org", "http://mail.acme.org", "smtp://", "smtp://h.org/inbox", "smtp://h.org?tls", "smtps://h?starttls",
     "smtp://u@h.org?starttls", "smtp://:p@h.org?starttls", "smtp://u:p@h.org", "smtp://h.org:port", "smtp://h.org#x",
     "smtp://h .org"],
)  # fmt: skip
def test_a_mail_server_that_cannot_be_or_would_show_the_password(url):
    (problem,) = problems(**MAIL | {"RELAY_SMTP_URL": url})
    assert problem.startswith("RELAY_SMTP_URL: ")


def test_server_and_sender_belong_together():
    for name, other in (("RELAY_SMTP_URL", "RELAY_MAIL_FROM"), ("RELAY_MAIL_FROM", "RELAY_SMTP_URL")):
        assert problems(**{name: MAIL[name]}) == (f"{other}: is not set, although {name} is.",)


def test_mail_without_a_server_is_a_mistake():
    assert problems(RELAY_ALERT_EMAILS="a@acme.org") == (
        "RELAY_SMTP_URL: is not set, although 'acme' wants alerts by e-mail.",
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("RELAY_ALERT_EMAILS", "the-treasurer"),
        ("RELAY_ALERT_EMAILS", "a@acme.org;b@acme.org"),
        ("RELAY_ALERT_EMAILS", "Finance<a@acme.org>"),
        ("RELAY_ALERT_WEBHOOKS", "http://hooks.acme.org/x"),
        ("RELAY_ALERT_WEBHOOKS", "https://user:pass@hooks.acme.org/x"),
        ("RELAY_ALERT_WEBHOOKS", "file:///etc/passwd"),
        ("RELAY_ALERT_DAILY_AT", "8am"),
        ("RELAY_ALERT_DAILY_AT", "24:00"),
        ("RELAY_ALERT_SILENCE_TIMES", "-1"),
        ("RELAY_MAIL_FROM", "relay"),
        ("RELAY_PUBLIC_URL", "http://relay.acme.org"),
        ("RELAY_PUBLIC_URL", "console.acme.org"),
        ("SENTRY_DSN", "http://key@sentry.acme.org/1"),
        ("SENTRY_DSN", "https://sentry.acme.org/1"),
        ("SENTRY_DSN", "https://key@sentry.acme.org"),
    ],
)
def test_each_mistake_is_named_and_repeats_no_value(variable, value):
    (problem,) = problems(**MAIL | {variable: value})
    assert problem.startswith(f"{variable}: ")
    assert value not in problem


def test_a_hook_on_this_machine_may_be_plain_and_the_public_address_loses_its_slash():
    assert alerts_of(RELAY_ALERT_WEBHOOKS="http://127.0.0.1:9/x").anybody
    assert load_settings(BASE | {"RELAY_PUBLIC_URL": "https://relay.acme.org/"}).public_url == "https://relay.acme.org"
