// One opening of the modal, from the frame's address to its close: what the page says becomes events and acts.

import { connect, newNonce } from "./handshake";
import { addBackEntry } from "./history";
import type { Failure, Leaving, PageMessage } from "./messages";
import { showModal, type Theme } from "./modal";
import { wordsOf } from "./words";

/** A frame that is refused says nothing. It loads, and no hello comes. */
const REFUSED_MS = 3000;
/** On a slow network the frame may load that long. */
const SLOW_MS = 10_000;
/** A page that says hello and not that it is usable is shown all the same. */
const REVEAL_MS = 4000;
/** The customer is not held longer, when a page that locked the modal says no more. */
const LOCK_MS = 90_000;

export interface Closed {
  /** `pending`: the customer paid or may have, and the result is not known yet. */
  result: "success" | "failure" | "pending" | "none";
}

export interface Settings {
  theme?: Theme;
  locale?: string;
  returnUrl?: string;
}

/** Dispatch an event of the payment; answers false when a listener prevented what follows. */
export type Emit = (type: string, detail?: unknown, cancelable?: boolean) => boolean;

/** address: of the page, by itself or framed. Returns `close`, which answers false while the modal is locked. */
export function start(address: (nonce?: string) => string, origin: string, settings: Settings, emit: Emit): () => boolean {
  const nonce = newNonce();
  let result: Closed["result"] = "none";
  let open = true;
  let lock = 0;
  let timer = 0;

  const wait = (act: () => void, ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(act, ms);
  };

  const finish = async (): Promise<void> => {
    if (!open) return;
    open = false;
    clearTimeout(timer);
    disconnect();
    modal.remove();
    await back.leave();
    emit("close", { result });
  };

  /** Let go of the modal again. */
  const settle = (to: Closed["result"]): void => {
    result = to;
    clearTimeout(lock);
    lock = 0;
    modal.lock(false);
  };

  const close = (): boolean => {
    if (open && lock) return false;
    void finish();
    return true;
  };

  const dismiss = (): boolean => (!lock && emit("beforeclose", { result }, true) ? close() : false);

  const leave = (type: string, detail: Leaving): void => {
    if (emit(type, detail, true)) back.replace(detail.url);
  };

  const fall = (): void => leave("fallback", { url: address() });

  const fail = (detail: Failure): void => {
    settle("failure");
    emit("failure", detail);
  };

  const hear = async (message: PageMessage): Promise<void> => {
    const { type, ...detail } = Object(message);
    switch (type) {
      case "loaded":
        clearTimeout(timer);
        modal.reveal();
        emit(type);
        break;
      case "resize":
        if (detail.height > 0) modal.resize(detail.height);
        break;
      case "close_requested":
      case "escape":
        dismiss();
        break;
      case "confirmed":
        settle("pending");
        modal.lock(true);
        lock = setTimeout(settle, LOCK_MS, "pending");
        emit(type);
        break;
      case "pending":
        settle(type);
        emit(type, detail);
        break;
      case "success":
        settle(type);
        // Before the handlers, which may navigate.
        await back.leave();
        if (emit(type, detail, true)) {
          await finish();
          if (settings.returnUrl && detail.return_url) location.assign(detail.return_url);
        }
        break;
      case "failed":
        fail(detail);
        break;
      case "expired":
        fail({ code: "order_expired", retryable: false });
        break;
      case "redirect":
        // Should the navigation fail, the customer can close the modal.
        settle("pending");
        if (/^https?:/.test(detail.url)) leave(type, detail);
    }
  };

  const modal = showModal(address(nonce), wordsOf(settings.locale), settings.theme ?? "auto", dismiss);
  const back = addBackEntry(nonce, dismiss);
  const disconnect = connect(
    modal.frame,
    origin,
    nonce,
    () => {
      modal.frame.onload = null;
      wait(modal.reveal, REVEAL_MS);
    },
    hear,
  );
  wait(fall, SLOW_MS);
  modal.frame.onload = () => wait(fall, REFUSED_MS);
  return close;
}
