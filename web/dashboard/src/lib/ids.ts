/** Where an id leads: its prefix says what it names. The palette and every id on a page use it. */
const PLACES: [RegExp, (id: string) => string][] = [
  [/^pay_[a-z0-9]+$/i, (id) => `/payments/${id}`],
  [/^order_[a-z0-9]+$/i, (id) => `/orders/${id}`],
  [/^rfnd_[a-z0-9]+$/i, (id) => `/refunds/${id}`],
  [/^evt_[a-z0-9]+$/i, (id) => `/events/${id}`],
  [/^dlv_[a-z0-9]+$/i, (id) => `/webhooks/deliveries/${id}`],
  [/^whe_[a-z0-9]+$/i, (id) => `/webhooks/${id}`],
  [/^gw_[a-z0-9]+$/i, (id) => `/gateways/${id}`],
  [/^key_[a-z0-9_]+$/i, (id) => `/developers/keys/${id}`],
  [/^rql_[a-z0-9]+$/i, (id) => `/developers/requests/${id}`],
];

/** Returns the page of a pasted id or e-mail address, or null. */
export function placeOf(text: string): string | null {
  const wanted = text.trim();
  const found = PLACES.find(([form]) => form.test(wanted));
  if (found) return found[1](wanted);
  return /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(wanted) ? `/customers?q=${encodeURIComponent(wanted)}` : null;
}
