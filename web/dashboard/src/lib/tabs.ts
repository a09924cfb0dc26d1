/** How a tab takes part. `say` reaches the other tabs; only the one that leads says something. */
export type Seat<Said> = { say: (said: Said) => void; leave: () => void };

type Part<Said> = {
  /** This tab leads now. */
  lead: () => void;
  /** What the leading tab said. */
  hear: (said: Said) => void;
  /** What a tab that has just come must hear from the leading one. */
  greet: () => Said;
};

const CAME = "came";

/**
 * Joins the tabs of this browser that want the same thing: one leads, and does it for all. When that one is closed or
 * leaves, the next one leads. Where a browser has no Web Locks (no https), each tab leads itself.
 */
export function join<Said extends object>(name: string, part: Part<Said>): Seat<Said> {
  if (!("locks" in navigator)) {
    part.lead();
    return { say: () => {}, leave: () => {} };
  }
  const channel = new BroadcastChannel(name);
  const waiting = new AbortController();
  let leads = false;
  let giveUp = () => {};
  channel.onmessage = ({ data }: MessageEvent<Said | typeof CAME>) => {
    if (data !== CAME) {
      if (!leads) part.hear(data);
    } else if (leads) channel.postMessage(part.greet());
  };
  channel.postMessage(CAME);
  navigator.locks
    .request(name, { signal: waiting.signal }, () => {
      if (waiting.signal.aborted) return;
      leads = true;
      part.lead();
      return new Promise<void>((resolve) => {
        giveUp = resolve;
      });
    })
    .catch(() => {}); // It left before its turn came.
  return {
    say: (said) => channel.postMessage(said),
    leave: () => {
      channel.close();
      waiting.abort();
      giveUp();
    },
  };
}
