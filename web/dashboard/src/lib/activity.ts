/** A person who touched the page within this time is there: what it loads is theirs, also what follows their click. */
export const THERE_MS = 60_000;

const ACTS = ["pointerdown", "keydown", "wheel", "touchstart"] as const;

let lastAct = Date.now(); // opening the page was an act

/** Notes when the person touches the page, so that what it loads by itself does not keep their session alive. */
export function followActs(page: EventTarget = window): () => void {
  const note = () => {
    lastAct = Date.now();
  };
  for (const act of ACTS) page.addEventListener(act, note, { capture: true, passive: true });
  return () => {
    for (const act of ACTS) page.removeEventListener(act, note, { capture: true });
  };
}

/** Tells whether the page acts by itself now: it polls, or follows the socket, and nobody touched it for a while. */
export function actsByItself(): boolean {
  return Date.now() - lastAct >= THERE_MS;
}
