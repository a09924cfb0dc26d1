import { Toaster } from "sonner";

/** The corner in which short messages appear, in the colours of the theme. */
export default function AppToaster() {
  return (
    <Toaster
      position="bottom-right"
      closeButton
      toastOptions={{
        style: { background: "var(--raised)", color: "var(--foreground)", borderColor: "var(--border)" },
      }}
    />
  );
}
