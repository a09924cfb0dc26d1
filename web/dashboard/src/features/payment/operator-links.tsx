import { ExternalLink } from "lucide-react";
import { useInstallation } from "@/features/installation";
import { useSession } from "@/session";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";

/** For operators: the workflow that carries the payment out. */
export function OperatorLinks({ paymentId }: { paymentId: string }) {
  const { me } = useSession();
  const installation = useInstallation(me.is_operator);
  const temporal = installation.data?.temporal;
  if (!me.is_operator || !temporal?.ui_url) return null;
  const workflow = encodeURIComponent(`payment/${paymentId}`);
  return (
    <Card title="Operator">
      <Button asChild size="sm">
        <a
          href={`${temporal.ui_url}/namespaces/${temporal.namespace}/workflows/${workflow}`}
          target="_blank"
          rel="noreferrer"
        >
          <ExternalLink aria-hidden /> Workflow in Temporal
        </a>
      </Button>
    </Card>
  );
}
