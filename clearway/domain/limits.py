"""Every limit on what Clearway accepts or stores, as named constants; checked against each other at import."""

AMOUNT_MINOR_MAX = 999_999_999_999
"""Largest amount of one order, in minor units: far below what a 64-bit sum over all of them could overflow."""

NOTES_KEYS_MAX = 15
NOTES_KEY_LENGTH_MAX = 64
NOTES_VALUE_LENGTH_MAX = 512
RECEIPT_LENGTH_MAX = 64
REASON_LENGTH_MAX = 255
URL_LENGTH_MAX = 2_048

JSON_INTEGER_MAX = 2**53 - 1
"""The largest whole number that every reader of JSON keeps exact (RFC 7493)."""

SEARCH_LENGTH_MAX = 340
"""The longest VPA, 321 characters, with some spaces around it: every stored value can be searched."""

PAGE_SIZE_DEFAULT = 50
PAGE_SIZE_MAX = 100

REQUEST_BODY_BYTES_MAX = 64 * 1024
TEST_EVENT_BYTES_MAX = 16 * 1024
"""Of the data of a test event, as JSON: ten times the largest example."""
IDEMPOTENCY_KEY_LENGTH_MAX = 255
IDEMPOTENCY_KEY_TTL_S = 24 * 3600

API_KEYS_PER_MERCHANT_MAX = 100
"""For one merchant; revoked keys do not count."""
API_KEY_NAME_LENGTH_MAX = 64
API_KEY_NETWORKS_MAX = 20
API_KEY_OVERLAP_S_MAX = 7 * 24 * 3600

MERCHANT_NAME_LENGTH_MAX = 100
ALLOWED_ORIGINS_MAX = 20
HELP_TEXT_LENGTH_MAX = 4_000
"""Of one help page."""

WEBHOOK_ENDPOINTS_PER_MERCHANT_MAX = 16
WEBHOOK_RESPONSE_BYTES_KEPT_MAX = 16 * 1024
WEBHOOK_ATTEMPTS_MAX = 20
WEBHOOK_ATTEMPTS_IN_ALL_MAX = 200
"""Of one delivery, retries by hand included: its workflow's history has an end."""
RECOVERY_REACH_S_MAX = 90 * 24 * 3600
"""How far back a recovery of an endpoint may begin."""
WEBHOOK_RETRY_INTERVAL_S_MAX = 7 * 24 * 3600

GATEWAYS_PER_MERCHANT_MAX = 100
GATEWAY_NAME_LENGTH_MAX = 64
GATEWAY_NETWORKS_MAX = 100
GATEWAY_CREDENTIAL_LENGTH_MAX = 16 * 1024
"""Of one credential: a certificate with its chain fits."""
GATEWAY_FIELDS_MAX = 50
GATEWAY_IDENTIFIER_LENGTH_MAX = 255
GATEWAY_REFERENCES_MAX = 16
GATEWAY_STATE_LENGTH_MAX = 4 * 1024
"""What a connector may keep of one attempt beside references."""
GATEWAY_ERROR_CODE_LENGTH_MAX = 64
GATEWAY_MESSAGE_LENGTH_MAX = 500
"""A gateway's text about a decline, as merchants see it: a longer one is cut."""
OPERATOR_TEXT_LENGTH_MAX = 1_000
MINOR_MAX = 2**63 - 1
"""The largest amount of a BIGINT: a gateway's amount may be wrong, but must be storable."""
SETTLED_MINOR_MAX = 10**15
"""The largest amount of one balance row or payout: many of them fit into one sum."""
CAPTURES_PER_PAYMENT_MAX = 50
CANCELS_PER_PAYMENT_MAX = 50

assert PAGE_SIZE_DEFAULT <= PAGE_SIZE_MAX
assert AMOUNT_MINOR_MAX < 2**63 // 1_000_000, "a million of the largest payments must fit a BIGINT sum"
