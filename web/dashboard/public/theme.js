// Before the first paint, so that a dark page never flashes white. The policy allows no inline script.
(() => {
  let choice = null;
  try {
    choice = localStorage.getItem("clearway.theme");
  } catch {
    // Storage is blocked: the system decides.
  }
  const dark = choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.toggle("dark", dark);
})();
