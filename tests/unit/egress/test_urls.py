"""Which URLs an endpoint may have: every trick of writing an address is seen through before anything is connected."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from clearway.egress import EgressPolicy, UrlRefusedError, parse_url, validate_url

PRODUCTION = EgressPolicy()
DEVELOPMENT = EgressPolicy(allowed_networks=(ip_network("127.0.0.0/8"), ip_network("::1/128")), allow_http=True)

REFUSED = [
    ("", "scheme"),
    ("example.com", "scheme"),
    ("//example.com/x", "scheme"),
    (" https://example.com/", "blank"),
    ("http://example.com/", "scheme"),
    ("ftp://example.com/", "scheme"),
    ("file:///etc/passwd", "scheme"),
    ("gopher://example.com/", "scheme"),
    ("javascript:alert(1)", "scheme"),
    ("https://example.com/\r\nX-Injected: 1", "blank"),
    ("https://example.com/x ", "blank"),
    ("https://example.com/x\u00a0", "blank"),
    ("https://example.com/x\u3000", "blank"),
    ("https://example.com/x\u200b", "blank"),
    ("https://example.com/x\ufeff", "blank"),
    ("https://example.com/x\t", "blank"),
    ("https://example.com:8443 /x", "blank"),
    ("https://example.com:8443\u00a0/x", "blank"),
    ("https://example.com /x", "blank"),
    ("https://example.com/?a=b c", "blank"),
    ("https://example.com:port/", "malformed"),
    ("https://[::1/", "malformed"),
    ("https://[zz]/", "malformed"),
    ("https://0177.0.0.1/", "malformed"),
    ("https://999.1.1.1/", "malformed"),
    ("https://①②⑦.⓪.⓪.①/", "malformed"),
    ("https://" + "a." * 1_020 + "com/", "too_long"),
    ("https://user:password@example.com/", "userinfo"),
    ("https://user@example.com/", "userinfo"),
    ("https://example.com\\@127.0.0.1/", "userinfo"),
    ("https://example.com%20@127.0.0.1/", "userinfo"),
    ("https://", "host"),
    ("https:///x", "host"),
    ("https://exa mple.com/", "blank"),
    ("https://example.com\\.evil/", "host"),
    ("https://localhost%00.example.com/", "host"),
    ("https://-a.example/", "host"),
    ("https://a..example/", "host"),
    ("https://" + "a" * 64 + ".example/", "host"),
    ("https://" + "a.b" * 90 + ".example/", "host"),
    ("https://example.com:0/", "port"),
    ("https://example.com:65536/", "port"),
    ("https://example.com:-1/", "port"),
    ("https://example.com:+80/", "port"),
    ("https://example.com:+443/", "port"),
    ("https://example.com:8_0", "port"),
    ("https://example.com:\uff18\uff10/", "port"),
    ("https://[2606:4700::1111]:+80/", "port"),
    ("https://[2606:4700::1111]:\uff18\uff10?x", "port"),
    ("https://127.0.0.1/", "blocked_address"),
    ("https://127。0。0。1/", "blocked_address"),
    ("https://2130706433/", "blocked_address"),
    ("https://0x7f.1/", "blocked_address"),
    ("https://0x7f000001/", "blocked_address"),
    ("https://017700000001/", "blocked_address"),
    ("https://127.1/", "blocked_address"),
    ("https://127.0.1/", "blocked_address"),
    ("https://0/", "blocked_address"),
    ("https://127.1./", "blocked_address"),
    ("https://127.0.0.1./", "blocked_address"),
    ("https://10.0.0.1:8443/", "blocked_address"),
    ("https://127.0.0.1:5432/", "blocked_address"),
    ("https://localhost:7233/", "blocked_address"),
    ("https://[::1]:8000/", "blocked_address"),
    ("https://169.254.169.254/latest/meta-data/", "blocked_address"),
    ("https://168.63.129.16/machine/?comp=goalstate", "blocked_address"),
    ("https://2852039166/", "blocked_address"),
    ("https://[::]/", "blocked_address"),
    ("https://[::1]/", "blocked_address"),
    ("https://[::ffff:169.254.169.254]/", "blocked_address"),
    ("https://[::ffff:a9fe:a9fe]/", "blocked_address"),
    ("https://[64:ff9b::a9fe:a9fe]/", "blocked_address"),
    ("https://[64:ff9b:1::a9fe:a9fe]/", "blocked_address"),
    ("https://[2002:7f00:1::1]/", "blocked_address"),
    ("https://[::127.0.0.1]/", "blocked_address"),
    ("https://[fec0::1]/", "blocked_address"),
    ("https://[fe80::1%eth0]/", "blocked_address"),
    ("https://[fd00:ec2::254]/", "blocked_address"),
    ("https://localhost/", "blocked_address"),
    ("https://LOCALHOST./", "blocked_address"),
    ("https://anything.localhost/", "blocked_address"),
]


@pytest.mark.parametrize(("url", "reason"), REFUSED)
def test_refused(url, reason):
    """A URL that can never be delivered to is refused at registration, with the reason."""
    with pytest.raises(UrlRefusedError) as caught:
        validate_url(url, PRODUCTION)
    assert caught.value.reason == reason
    assert caught.value.status == 422


@pytest.mark.parametrize(("url", "reason"), REFUSED)
async def test_refused_when_sent_too(sender, url, reason):
    """The same URL, stored before a rule was made, gives a failed attempt and not an exception."""
    sender._policy = PRODUCTION
    result = await sender.send(url, {}, b"{}")
    assert result.error_code == ("blocked_address" if reason == "blocked_address" else "invalid_url")
    assert result.status is None
    assert not result.succeeded


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://EXAMPLE.com/Path?x=1#fragment",
        "https://example.com.:8443/hooks",
        "https://example.com:22/",
        "https://bücher.example/",
        "https://my_service.example/",
        "https://xn--bcher-kva.example/",
        "https://1.1.1.1/",
        "https://[2606:4700:4700::1111]:444/",
        "https://a1.2b.example/",
        "https://example.com/x%20y",
        "https://example.com/\u00fc?q=\u20ac",
    ],
)
def test_accepted(url):
    """Ordinary URLs pass, odd ports included: what must be kept from merchants is kept by address."""
    validate_url(url, PRODUCTION)


@pytest.mark.parametrize(("url", "reason"), [case for case in REFUSED if case[1] != "blocked_address"])
def test_the_form_is_one_for_all(url, reason):
    """A URL that only a browser opens is held to the same form; where it leads is the customer's network's affair."""
    if url == "http://example.com/":
        parse_url(url)
    else:
        with pytest.raises(UrlRefusedError):
            parse_url(url)
    for private in ("http://127.0.0.1:4000/done", "https://[::1]:8000/", "https://shop.internal/?order=1"):
        assert str(parse_url(private)) == private


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:4000/", "http://localhost:4000/", "http://[::1]:4000/", "http://127.1/"]
)
def test_development_may_open_loopback(url):
    """With http allowed and loopback listed, a receiver on the same machine can be registered."""
    validate_url(url, DEVELOPMENT)


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://169.254.169.254/", "http://[::ffff:127.0.0.1]/"])
def test_development_opens_no_more(url):
    """The allow-list of development opens what it names and nothing else."""
    with pytest.raises(UrlRefusedError):
        validate_url(url, DEVELOPMENT)
