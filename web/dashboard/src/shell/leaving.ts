/** Leaves for the log-in page, from where people come back to the page that they were on. */
export function goToLogIn(): void {
  const { pathname, search } = window.location;
  if (pathname === "/login") return;
  const next = pathname === "/" ? "" : `?next=${encodeURIComponent(pathname + search)}`;
  window.location.assign(`/login${next}`);
}

/** Only a path of this site may follow a log-in: `//other.example` and `https:` are somebody else's. */
export function safeNext(next: string | undefined): string {
  if (!next?.startsWith("/")) return "/";
  try {
    const target = new URL(next, window.location.origin);
    const path = target.pathname + target.search + target.hash;
    return target.origin === window.location.origin && !path.startsWith("//") ? path : "/";
  } catch {
    return "/";
  }
}
