import type { components } from "@/api/schema";
import type { Column } from "@/features/table";
import { money } from "@/lib/money";
import { named } from "@/lib/words";
import { Status } from "@/ui/badge";
import { Moment } from "@/ui/moment";

type Refund = components["schemas"]["RefundResource"];

export const REFUND_COLUMNS: Column<Refund>[] = [
  {
    id: "amount",
    header: "Amount",
    phone: "title",
    align: "right",
    cell: (refund) => (
      <span className="numeric font-medium whitespace-nowrap">{money(refund.amount, refund.currency)}</span>
    ),
  },
  { id: "status", header: "Status", phone: "side", cell: (refund) => <Status value={refund.status} /> },
  {
    id: "reason",
    header: "Reason",
    phone: "line",
    cell: (refund) =>
      refund.reason && (
        <span dir="auto" className="block truncate" title={refund.reason}>
          {refund.reason}
        </span>
      ),
  },
  {
    id: "payment",
    header: "Payment",
    cell: (refund) => <code className="font-mono text-xs">{refund.payment_id}</code>,
  },
  {
    id: "error",
    header: "Error",
    hiddenAtFirst: true,
    cell: (refund) => refund.error_code && named(refund.error_code),
  },
  {
    id: "id",
    header: "Refund",
    hiddenAtFirst: true,
    cell: (refund) => <code className="font-mono text-xs">{refund.id}</code>,
  },
  {
    id: "created",
    header: "Created",
    phone: "detail",
    align: "right",
    cell: (refund) => <Moment at={refund.created_at} />,
  },
];
