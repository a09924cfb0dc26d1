import { ExternalLink } from "lucide-react";
import { useInstallation } from "@/features/installation";

/** Where the Temporal UI shows a workflow; null without its address. */
export function useWorkflowUrl(): (workflowId: string, runId?: string | null) => string | null {
  const { data } = useInstallation();
  const temporal = data?.temporal;
  return (workflowId, runId) =>
    temporal?.ui_url
      ? `${temporal.ui_url}/namespaces/${temporal.namespace}/workflows/${encodeURIComponent(workflowId)}${runId ? `/${runId}/history` : ""}`
      : null;
}

/** The id of a workflow, as a link to the Temporal UI where there is one. */
export function WorkflowLink({ workflowId, runId }: { workflowId: string; runId?: string | null }) {
  const url = useWorkflowUrl()(workflowId, runId);
  const name = <code className="font-mono text-xs break-all">{workflowId}</code>;
  if (!url) return name;
  return (
    <a
      href={url}
      target="_blank"
      rel="noreferrer"
      className="inline-flex items-center gap-1 text-primary hover:underline"
    >
      {name} <ExternalLink aria-label="in Temporal" className="size-3.5 shrink-0" />
    </a>
  );
}
