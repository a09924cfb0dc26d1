"""What every route shares: errors, fields, pages, idempotency, limits, the OpenAPI document. It knows no noun."""
