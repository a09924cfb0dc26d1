"""Templates of custom documents: few statements, few filters, a limit of work, and nothing beyond their names."""

from __future__ import annotations

import pytest

from clearway.gateways.custom.templates import TemplateFailedError, filled_in, path_filled_in

NAMES = {"payment": {"id": "pay_1/2", "currency": "AMD"}, "setting": {"shop": "Ann & Co"}, "instrument": "../x"}
BOMBS = [
    "{{ 'a' * 500000000 }}",
    "{{ [1] * 3000000 }}",
    "{{ 10 ** 1000000 }}",
    "{{ [payment, payment] }}",
    "{{ payment.id ~ payment.id }}",
    "{{ '}}' * 900000000 == '{{' }}",
    "{{ '}}' * 900000000 }}",
    "{# {{ #}{{ 'a' * 900000000 }}",
    "{%- set a = 'b' %}",
    "{{" * 200,
    "{{ '" + "a" * 400,
    "{{ payment.id|pad(900000000) }}",
    "{% for a in payment %}{% for b in payment %}{% endfor %}{% endfor %}",
    "{% set a = 'aaaaaaaa' %}" + "{% set a = a ~ a ~ a ~ a %}" * 15 + "{{ a }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% include 'x' %}",
    "{{ range(1000000) }}",
    "{{ '%0900000d'|format(1) }}",
    "{{ payment|tojson|indent(9000000) }}",
]
BEYOND = [
    "{{ payment.__class__ }}",
    "{{ payment.id.__class__.__mro__ }}",
    "{{ payment.id.upper() }}",
    "{{ credential.secret }}",
    "{{ self }}",
    "{{ debug() }}",
    "{{ payment.nothing }}",
    "{{ payment.id|safe }}",
    "{{ payment.id",
]


def test_a_template_is_filled_in() -> None:
    """Names, filters and `if` do what they say; nothing is escaped, because the text is no HTML."""
    template = "{{ payment.id|upper }} {{ setting.shop }}{% if payment.currency == 'AMD' %} dram{% endif %}"
    assert filled_in(template, NAMES) == "PAY_1/2 Ann & Co dram"
    assert filled_in("{{ 7|pad(3) }}{{ payment.id|truncate(3) }}{{ 'a/b'|urlencode }}{{ 'a'|base64 }}", NAMES) == (
        "007paya%2FbYQ=="
    )


@pytest.mark.parametrize("template", BOMBS)
def test_a_bomb_is_stopped(template: str) -> None:
    """A template that works without end is refused."""
    with pytest.raises(TemplateFailedError):
        filled_in(template, NAMES)


@pytest.mark.parametrize("template", BEYOND)
def test_a_template_reaches_nothing_else(template: str) -> None:
    """Attributes of Python, methods, secrets, unknown names and filters are refused."""
    with pytest.raises(TemplateFailedError):
        filled_in(template, NAMES)


def test_what_is_filled_into_a_path_stays_one_segment() -> None:
    """A value with a slash, a question mark or dots leads nowhere else."""
    assert path_filled_in("/orders/{{ payment.id }}/pay", NAMES) == "/orders/pay_1%2F2/pay"
    assert path_filled_in("/orders/{{ instrument }}", NAMES) == "/orders/..%2Fx"
    for hostile in ("..", "."):
        with pytest.raises(TemplateFailedError, match="leads elsewhere"):
            path_filled_in("/orders/{{ instrument }}/pay", {"instrument": hostile})
