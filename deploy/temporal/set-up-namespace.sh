#!/bin/sh
# Makes Clearway's namespace, its retention and its search attributes. Running it again is harmless.
#
# TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE are read by the command itself. TEMPORAL_RETENTION: how long a closed
# workflow can be looked at; a week or more, so that a payment can be explained when its refund is asked about.
set -eu
retention=${TEMPORAL_RETENTION:?such as 720h}
: "${TEMPORAL_NAMESPACE:?}" "${TEMPORAL_ADDRESS:?}"

attempts=60
until temporal operator cluster health >/dev/null 2>&1; do
    attempts=$((attempts - 1))
    [ "$attempts" -gt 0 ] || { echo "Temporal does not answer at $TEMPORAL_ADDRESS." >&2; exit 1; }
    sleep 1
done

if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
    temporal operator namespace update --namespace "$TEMPORAL_NAMESPACE" --retention "$retention"
else
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$retention"
fi

# A fresh namespace is known to all of the server within some ten seconds.
attempts=60
until temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; do
    attempts=$((attempts - 1))
    [ "$attempts" -gt 0 ] || { echo "The namespace $TEMPORAL_NAMESPACE did not appear." >&2; exit 1; }
    sleep 1
done

# The list of clearway/durable/search_attributes.py; a test compares the two.
temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" \
    --name MerchantId --type Keyword \
    --name PaymentId --type Keyword \
    --name OrderId --type Keyword \
    --name PaymentStatus --type Keyword \
    --name Gateway --type Keyword \
    --name Amount --type Int \
    --name Currency --type Keyword
