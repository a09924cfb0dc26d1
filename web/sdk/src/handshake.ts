// Who may speak: only the window of our frame, only from the checkout's origin, only with the nonce of its address.
// After that everything goes over a MessagePort, which nobody else holds.

import type { PageMessage } from "./messages";

export function newNonce(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}

/** Answer each document of the frame that proves itself: a form in the frame loads another. Returns the way to stop. */
export function connect(
  frame: HTMLIFrameElement,
  origin: string,
  nonce: string,
  onHello: () => void,
  onMessage: (message: PageMessage) => void,
): () => void {
  let port: MessagePort | undefined;
  const listen = ({ origin: from, source, data }: MessageEvent): void => {
    const page = frame.contentWindow;
    if (from !== origin || !page || source !== page || data?.type !== "clearway:hello" || data.n !== nonce) return;
    port?.close();
    const channel = new MessageChannel();
    port = channel.port1;
    port.onmessage = (event) => onMessage(event.data);
    page.postMessage({ type: "clearway:port", n: nonce }, origin, [channel.port2]);
    onHello();
  };
  addEventListener("message", listen);
  return () => {
    removeEventListener("message", listen);
    port?.close();
  };
}
