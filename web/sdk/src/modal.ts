// The dialog: frame, close button, wait, scroll lock, focus. It decides nothing about the payment.

import { applyStyles } from "./style";
import { CLOSE, FRAME, MODAL } from "./test_ids";
import type { Words } from "./words";

const BAR = 44;

export type Theme = "light" | "dark" | "auto";

export interface Modal {
  frame: HTMLIFrameElement;
  reveal: () => void;
  lock: (locked: boolean) => void;
  resize: (height: number) => void;
  remove: () => void;
}

/** Show it. onDismiss: the customer wants to close it, by the button or with Escape outside the frame. */
export function showModal(address: string, words: Words, theme: Theme, onDismiss: () => void): Modal {
  const [lang, payment, closing] = words;
  const make = <T extends keyof HTMLElementTagNameMap>(
    name: T,
    testId: string,
    label: string,
  ): HTMLElementTagNameMap[T] => {
    const element = document.createElement(name);
    element.dataset.testid = testId;
    element.ariaLabel = label;
    return element;
  };
  const dialog = make("dialog", MODAL, payment);
  const button = make("button", CLOSE, closing);
  const frame = make("iframe", FRAME, payment);
  dialog.className = "clearway-modal";
  dialog.lang = lang;
  dialog.dir = lang === "ar" ? "rtl" : "ltr";
  dialog.style.colorScheme = theme.replace("auto", "light dark");
  dialog.ariaBusy = "true";
  button.type = "button";
  button.textContent = "×";
  frame.title = payment;
  frame.allow = "payment; clipboard-write";
  frame.src = address;
  button.onclick = onDismiss;
  dialog.oncancel = (event) => {
    event.preventDefault();
    onDismiss();
  };
  // A browser closes a dialog at the second Escape, whoever prevents it.
  dialog.onclose = () => {
    dialog.showModal();
    onDismiss();
  };
  dialog.append(button, frame);
  document.body.append(dialog);
  applyStyles();
  dialog.showModal();
  // The page behind stays where it is, and does not jump when its scroll bar goes.
  const { style, clientWidth } = document.documentElement;
  const { overflow, scrollbarGutter } = style;
  if (innerWidth > clientWidth) style.scrollbarGutter = "stable";
  style.overflow = "hidden";
  return {
    frame,
    reveal: () => {
      dialog.ariaBusy = "false";
      frame.focus();
    },
    lock: (locked) => {
      button.disabled = locked;
    },
    resize: (height) => dialog.style.setProperty("--clearway-height", `${height + BAR}px`),
    remove: () => {
      dialog.onclose = null;
      dialog.close(); // the focus goes back to where it was
      dialog.remove();
      Object.assign(style, { overflow, scrollbarGutter });
    },
  };
}

/** One modal to a page, also when two copies of this script are in it. */
export function isOpen(): boolean {
  return !!document.querySelector(`[data-testid=${MODAL}]`);
}
