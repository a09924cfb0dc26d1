// What the checkout page says to the shop's page over the port. Names are those of the API; the page is api/hosted's.

export interface Success {
  payment_id: string;
  order_id: string;
  status: string;
  /** Where the customer returns to, with the result in its query, signed by Clearway. Only with `returnUrl`. */
  return_url?: string | null;
  /** What the signature covers, beside payment and status: seconds. */
  timestamp?: number;
  signature?: string;
}

export interface Failure {
  payment_id?: string;
  code: string;
  message?: string;
  /** Whether the customer may try again in the modal, which stays open. */
  retryable: boolean;
}

export interface Leaving {
  url: string;
  kind?: string;
}

export type PageMessage =
  | { type: "loaded" | "close_requested" | "escape" | "confirmed" }
  | { type: "resize"; height: number }
  | { type: "pending"; payment_id?: string }
  | ({ type: "success" } & Success)
  | ({ type: "failed" } & Failure)
  | { type: "expired" }
  | ({ type: "redirect" } & Leaving);
