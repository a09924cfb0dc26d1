import { Badge } from "@/ui/badge";

/** The status of an answer, in the colour of its class. */
export function AnswerStatus({ status }: { status: number }) {
  return <Badge tone={status < 400 ? "success" : status < 500 ? "warning" : "danger"}>{status}</Badge>;
}
