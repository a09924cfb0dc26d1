import { send } from "@/api/client";
import { messageOf } from "@/api/errors";
import { stringifySearch } from "@/lib/search";
import { toast } from "@/lib/toast";

/** Fetches a file of the API with the session's headers, and hands it to the browser under a name. */
export async function downloadUrl(path: string, query: Record<string, unknown>, name: string): Promise<void> {
  try {
    const response = await send(new Request(`${window.location.origin}/api/v1${path}${stringifySearch(query)}`));
    const url = URL.createObjectURL(await response.blob());
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (error) {
    toast.error("The file could not be made", messageOf(error));
  }
}
