/** The keys that open the palette, as this person's keyboard names them. */
export const PALETTE_KEY = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘ K" : "Ctrl K";
