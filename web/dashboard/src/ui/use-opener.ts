import { useCallback, useLayoutEffect, useRef } from "react";

const OVER_THE_PAGE = "[role=dialog], [role=menu]";
let onThePage: HTMLElement | null = null;

/** What was focused last on the page itself, and is there to come back to when a dialog and a menu are gone. */
document.addEventListener("focusin", ({ target }) => {
  if (target instanceof HTMLElement && !target.closest(OVER_THE_PAGE)) onThePage = target;
});

/**
 * Gives the keyboard back to what opened a dialog, or to the content of the page when that is gone.
 * Use the result as `onCloseAutoFocus`. Radix does so only for a trigger inside of the dialog's own root.
 */
export function useOpener(open: boolean): (event: Event) => void {
  const opener = useRef<Element | null>(null);
  const page = useRef("");
  // Before the content is there: a field in it takes the focus as soon as it is.
  useLayoutEffect(() => {
    if (!open) return;
    opener.current = document.activeElement;
    page.current = window.location.pathname;
  }, [open]);
  return useCallback((event: Event) => {
    event.preventDefault();
    const content = document.getElementById("content");
    const back = [opener.current, onThePage].find((each) => each?.isConnected && each !== document.body);
    const isHere = page.current === window.location.pathname && back instanceof HTMLElement;
    (isHere ? back : content)?.focus();
  }, []);
}
