// The one-tag form: <script src="…/checkout.js" data-key="key_…" data-order-id="order_…"></script> becomes a button.

import { PaymentGateway, type PaymentGatewayOptions } from "./gateway";
import { wordsOf } from "./words";

export function readTag(script: HTMLScriptElement): void {
  const options = script.dataset as unknown as PaymentGatewayOptions & { label?: string };
  if (!options.orderId) return;
  const gateway = new PaymentGateway({ ...options });
  const button = document.createElement("button");
  button.type = "button";
  button.className = "clearway-button";
  button.textContent = options.label || wordsOf(options.locale)[3];
  button.onclick = () => gateway.open();
  gateway.element = button;
  script.after(button);
}
