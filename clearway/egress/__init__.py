"""Outbound requests to URLs that merchants chose, without danger for Clearway or its network (SSRF).

urls        which URLs are acceptable, without a look-up
addresses   which IP addresses may be reached
connection  names become sockets here, and only after all their addresses were judged
transport   httpx over those connections
sender      one attempt: deadline, caps, classification
"""

from clearway.egress.policy import EgressPolicy
from clearway.egress.result import SendError, SendResult
from clearway.egress.sender import WebhookSender
from clearway.egress.urls import UrlRefusedError, parse_url, validate_url

__all__ = ["EgressPolicy", "SendError", "SendResult", "UrlRefusedError", "WebhookSender", "parse_url", "validate_url"]
