// `new PaymentGateway(options).open()`: the checkout page in a modal, and what comes of it as events.
// What the browser reports is a hint. A shop ships goods when its server has verified the webhook.

import type { Failure, Leaving, Success } from "./messages";
import { isOpen, type Theme } from "./modal";
import { type Closed, start } from "./session";

/** The events by name. `success`, `redirect`, `fallback` and `beforeclose` can be prevented. */
export interface PaymentGatewayEvents {
  loaded: CustomEvent<undefined>;
  confirmed: CustomEvent<undefined>;
  pending: CustomEvent<{ payment_id?: string }>;
  success: CustomEvent<Success>;
  failure: CustomEvent<Failure>;
  redirect: CustomEvent<Leaving>;
  fallback: CustomEvent<Leaving>;
  beforeclose: CustomEvent<Closed>;
  close: CustomEvent<Closed>;
}

export interface PaymentGatewayOptions {
  /** The id of your API key: `key_…`. Never the secret. */
  key: string;
  /** The id of the order that your server created: `order_…`. */
  orderId: string;
  /** Where the customer goes after a success, and after a bank's page. Its origin must be one that you allowed. */
  returnUrl?: string;
  /** Default: `auto`, as the customer's system is set. */
  theme?: Theme;
  /** A language tag. Default: the browser's language. */
  locale?: string;
  /** The origin of the checkout. Default: where `checkout.js` came from. */
  checkoutUrl?: string;
  onSuccess?: (success: Success, event: CustomEvent<Success>) => void;
  onFailure?: (failure: Failure, event: CustomEvent<Failure>) => void;
  onClose?: (closed: Closed, event: CustomEvent<Closed>) => void;
}

export interface PaymentGateway {
  addEventListener<T extends keyof PaymentGatewayEvents>(
    type: T,
    listener: (event: PaymentGatewayEvents[T]) => void,
    options?: AddEventListenerOptions | boolean,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: AddEventListenerOptions | boolean): void;
}

// A script's own address is known only while it runs for the first time. A server that renders pages has no document.
const home = (globalThis.document?.currentScript as HTMLScriptElement | null | undefined)?.src;

export class PaymentGateway extends EventTarget {
  static readonly version: string = VERSION;
  /** Where the events happen, as `clearway:<name>`, in place of this object: the button of the one-tag form. */
  element?: HTMLElement;
  readonly #options: PaymentGatewayOptions;
  readonly #origin: string;
  #close?: () => boolean;

  constructor(options: PaymentGatewayOptions) {
    super();
    const { key, orderId, checkoutUrl = home, onSuccess, onFailure, onClose } = options;
    if (!/^key_/.test(key)) throw TypeError("key: the id of an API key (key_…), never the secret");
    if (!orderId) throw TypeError("orderId: missing");
    if (!checkoutUrl) throw TypeError("checkoutUrl: missing");
    this.#options = options;
    this.#origin = new URL(checkoutUrl).origin;
    // As listeners, so that an error in one of them is reported and leaves the modal as it should be.
    const handlers = { success: onSuccess, failure: onFailure, close: onClose };
    for (const [type, handler] of Object.entries(handlers)) {
      this.addEventListener(type, (event) => handler?.((event as CustomEvent).detail, event as never));
    }
  }

  /** Show the modal. Answers false, and does nothing, when the page shows one already. */
  open(): boolean {
    if (isOpen()) return false;
    if (!document.adoptedStyleSheets) {
      // A browser of before 2023: the full page does the same.
      location.assign(this.#address());
      return true;
    }
    this.#close = start(this.#address, this.#origin, this.#options, this.#emit);
    return true;
  }

  /** Close the modal. Answers false when it stays: a payment was confirmed and its result is awaited. */
  close(): boolean {
    return this.#close?.() ?? true;
  }

  /** The page's address: framed with a nonce, by itself without. */
  #address = (nonce?: string): string => {
    const { key, orderId, theme, locale, returnUrl } = this.#options;
    const url = new URL(`/checkout/${encodeURIComponent(orderId)}`, this.#origin);
    const asked = {
      key,
      lang: locale,
      theme,
      return_url: returnUrl,
      ...(nonce && { embed: "1", origin: location.origin }),
    };
    for (const [name, value] of Object.entries(asked)) if (value) url.searchParams.set(name, value);
    if (nonce) url.hash = `n=${nonce}`;
    return url.href;
  };

  #emit = (type: string, detail?: unknown, cancelable?: boolean): boolean => {
    const { element } = this;
    const event = new CustomEvent(element ? `clearway:${type}` : type, { detail, cancelable, bubbles: true });
    return (element ?? this).dispatchEvent(event);
  };
}
