type Kind = "success" | "error" | "message";

/** Says something in the corner of the page for a few seconds. The code for it is loaded when it is first needed. */
async function show(kind: Kind, text: string, description?: string): Promise<void> {
  const { toast: sonner } = await import("sonner");
  sonner[kind](text, description ? { description } : undefined);
}

export const toast = {
  success: (text: string, description?: string) => void show("success", text, description),
  error: (text: string, description?: string) => void show("error", text, description),
  message: (text: string, description?: string) => void show("message", text, description),
};
