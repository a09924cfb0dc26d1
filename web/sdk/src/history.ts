// The back button closes the modal: while it is open, the history has one entry more, with the address of the page.

let leaving: Promise<unknown> | undefined;

export interface BackEntry {
  /** Take the entry away. Await it before a navigation: going back would cancel it. */
  leave: () => Promise<unknown>;
  /** Go to another page in place of the entry, so that going back from there leads to the shop. */
  replace: (url: string) => void;
}

/** onBack: the customer went back. Answers whether the modal closed. */
export function addBackEntry(id: string, onBack: () => boolean): BackEntry {
  let wanted = true;
  const isCurrent = (): boolean => history.state?.clearway === id;
  const add = (): void => {
    if (wanted) history.pushState({ ...history.state, clearway: id }, "");
  };
  const popped = (): void => {
    if (!isCurrent() && !onBack()) add();
  };
  const forget = (): boolean => {
    wanted = false;
    removeEventListener("popstate", popped);
    return isCurrent();
  };
  const begin = async (): Promise<void> => {
    await leaving; // an earlier modal may still be going back
    add();
    if (wanted) addEventListener("popstate", popped);
  };
  void begin();
  return {
    leave: async () => {
      if (!forget()) return;
      await (leaving = new Promise((done) => {
        addEventListener("popstate", done, { once: true });
        setTimeout(done, 400);
        history.back();
      }));
    },
    replace: (url) => (forget() ? location.replace(url) : location.assign(url)),
  };
}
