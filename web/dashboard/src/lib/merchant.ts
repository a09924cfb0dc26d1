const KEY = "clearway.merchant";

let chosen: string | null = read();
const listeners = new Set<() => void>();

function read(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** The merchant, and so the mode, that every request of this tab is about. */
export function chosenMerchant(): string | null {
  return chosen;
}

export function chooseMerchant(id: string | null): void {
  if (id === chosen) return;
  chosen = id;
  try {
    if (id === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, id);
  } catch {
    // Kept for this page only.
  }
  for (const listener of listeners) listener();
}

export function onMerchantChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
