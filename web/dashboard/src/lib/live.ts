import type { QueryClient } from "@tanstack/react-query";
import { join, type Seat } from "@/lib/tabs";

/** What the indicator shows. While it is not "connected", lists ask again by themselves. */
export type LiveState =
  | { kind: "connecting" }
  | { kind: "connected" }
  | { kind: "reconnecting"; at: number }
  | { kind: "off" };

type Message =
  | { type: "hello"; merchant_id: string; heartbeat_s: number }
  | {
      type: "event";
      id: string;
      event_type: string;
      subject_type: string;
      subject_id: string;
      payment_id: string | null;
    }
  | { type: "heartbeat" }
  | { type: "resync" };

export type LiveEvent = Extract<Message, { type: "event" }>;

/** What the tab with the socket says to the others. */
type Said = { type: "state"; state: LiveState } | LiveEvent | { type: "resync" } | { type: "membership_changed" };

const SIGNED_OUT = 4401;
const MEMBERSHIP_CHANGED = 4403;
const TOO_MANY = 1013;
const HEALTHY_AFTER_MS = 30_000;
const GATHER_MS = 300;

/** The wait before the next try: it grows to ten seconds and is spread, so that not every browser returns at once. */
export function backOffMs(failures: number, chance = Math.random()): number {
  const ceiling = Math.min(10_000, 1_000 * 2 ** Math.min(failures, 4));
  return 1_000 + chance * (ceiling - 1_000 + 500);
}

/** Which cached answers an event makes stale: those whose path speaks of the subject or of what is counted. */
export function isTouched(
  path: string,
  event: { subject_type: string; subject_id: string; payment_id: string | null },
): boolean {
  if (path.includes("{payment_id}")) return event.payment_id !== null || event.subject_type === "payment";
  const lists: Record<string, string[]> = {
    payment: ["/payments", "/orders", "/statistics", "/customers", "/events", "/webhooks"],
    refund: ["/refunds", "/payments", "/statistics", "/customers", "/events", "/webhooks"],
    gateway: ["/gateways", "/statistics", "/events"],
    reconciliation: ["/reconciliations", "/events"],
  };
  return (lists[event.subject_type] ?? ["/events", "/webhooks"]).some((part) => path.includes(part));
}

/** Hears which resources changed, and makes their cached answers stale. The tabs of a browser share one socket. */
export class Live {
  private socket: WebSocket | null = null;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private gathered: LiveEvent[] = [];
  private gathering: ReturnType<typeof setTimeout> | undefined;
  private listeners = new Set<() => void>();
  private merchantId: string | null = null;
  private seat: Seat<Said> | null = null;
  state: LiveState = { kind: "off" };

  constructor(
    private readonly queries: QueryClient,
    private readonly onSignedOut: () => void,
  ) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  follow(merchantId: string | null, userId: string): void {
    this.stop();
    this.merchantId = merchantId;
    this.failures = 0;
    if (merchantId === null) return;
    this.set({ kind: "connecting" });
    this.seat = join<Said>(`clearway.live.${userId}.${merchantId}`, {
      lead: () => this.connect(),
      hear: (said) => this.overhear(said),
      greet: () => ({ type: "state", state: this.state }),
    });
  }

  stop(): void {
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    clearTimeout(this.gathering);
    this.gathering = undefined;
    this.gathered = [];
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.seat?.leave();
    this.seat = null;
    this.set({ kind: "off" });
  }

  private set(state: LiveState): void {
    this.state = state;
    for (const listener of this.listeners) listener();
  }

  /** For the tab with the socket: the others show the same state. */
  private report(state: LiveState): void {
    this.set(state);
    this.seat?.say({ type: "state", state });
  }

  /** For the tabs without a socket. */
  private overhear(said: Said): void {
    if (said.type === "event") this.gather(said);
    if (said.type === "resync") this.refreshAll();
    if (said.type === "membership_changed") this.refreshMe();
    if (said.type !== "state") return;
    const isBack = said.state.kind === "connected" && this.state.kind !== "connected";
    this.set(said.state);
    if (isBack) this.refreshAll();
  }

  /** What happened while nobody listened is asked for once. */
  private refreshAll(): void {
    void this.queries.invalidateQueries();
  }

  private refreshMe(): void {
    void this.queries.invalidateQueries({ queryKey: ["me"] });
  }

  private connect(): void {
    this.report({ kind: "connecting" });
    const scheme = window.location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${window.location.host}/api/v1/live?merchant_id=${this.merchantId}`);
    this.socket = socket;
    let healthy: ReturnType<typeof setTimeout> | undefined;
    socket.onmessage = (message) => {
      // One that was left says nothing more: another merchant is followed now.
      if (this.socket === socket) this.hear(JSON.parse(message.data as string) as Message, socket);
    };
    socket.onopen = () => {
      healthy = setTimeout(() => {
        this.failures = 0;
      }, HEALTHY_AFTER_MS);
    };
    socket.onclose = (closing) => {
      clearTimeout(healthy);
      clearTimeout(this.watchdog);
      if (this.socket === socket) this.closed(closing.code);
    };
  }

  private hear(message: Message, socket: WebSocket): void {
    if (message.type === "hello") {
      this.report({ kind: "connected" });
      this.refreshAll();
      this.heartbeatS = message.heartbeat_s;
    }
    this.watch(socket);
    if (message.type === "resync") this.refreshAll();
    if (message.type === "event") this.gather(message);
    if (message.type === "resync" || message.type === "event") this.seat?.say(message);
  }

  private heartbeatS = 30;

  private watch(socket: WebSocket): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => socket.close(), this.heartbeatS * 2_000);
  }

  /** Many events in a moment make one refetch. */
  private gather(event: LiveEvent): void {
    this.gathered.push(event);
    this.gathering ??= setTimeout(() => {
      const events = this.gathered;
      this.gathered = [];
      this.gathering = undefined;
      void this.queries.invalidateQueries({
        predicate: ({ queryKey }) => events.some((each) => isTouched(String(queryKey[1] ?? ""), each)),
      });
    }, GATHER_MS);
  }

  private closed(code: number): void {
    if (code === SIGNED_OUT) {
      this.stop();
      this.onSignedOut();
      return;
    }
    if (code === MEMBERSHIP_CHANGED) {
      this.refreshMe();
      this.seat?.say({ type: "membership_changed" });
    }
    const wait = code === TOO_MANY ? 60_000 : backOffMs(this.failures);
    this.failures += 1;
    this.report({ kind: "reconnecting", at: Date.now() + wait });
    this.timer = setTimeout(() => this.connect(), wait);
  }
}
