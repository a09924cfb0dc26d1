/** Where each line of the checklist is done in this dashboard. `how` replaces the API's text, which is for programs. */
export const STEPS: Record<string, { to: string; label: string; how?: string }> = {
  test_payment: {
    to: "/testing",
    label: "Make a test payment",
    how: "Pay with a test card in test mode. No money moves.",
  },
  test_refund: {
    to: "/payments",
    label: "Choose a payment",
    how: "Open the test payment and choose Refund.",
  },
  webhook_endpoint: {
    to: "/webhooks",
    label: "Add an endpoint",
    how: "Your server learns there that an order is paid.",
  },
  webhook_delivered: {
    to: "/webhooks",
    label: "Send a test event",
    how: "Open the endpoint and send a test event. Your server must answer 2xx.",
  },
  gateway_enabled: {
    to: "/gateways",
    label: "Connect a gateway",
    how: "A gateway carries out your payments. You need an account there.",
  },
  gateways_accept_credentials: { to: "/gateways", label: "Look at the gateways" },
  no_warnings: { to: "/gateways", label: "Look at the gateways" },
  gateways_healthy: { to: "/gateways", label: "Look at their health" },
  currencies_have_a_route: { to: "/gateways", label: "Look at the gateways" },
  gateway_webhooks_arrive: { to: "/gateways", label: "Copy the webhook address" },
};

/** Lines that only the operator of the installation can do, on its server. */
export const OF_INSTALLATION: ReadonlySet<string> = new Set(["production_secrets", "public_address"]);
