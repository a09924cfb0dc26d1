import { renderSVG } from "uqr";
import { api } from "@/api/client";
import { useInstallation } from "@/features/installation";
import { Allowed, useSession } from "@/session";
import { Card } from "@/ui/card";
import { Copyable } from "@/ui/copy";
import { Loaded } from "@/ui/states";

/** Where a customer pays the order of a payment, or sees that it is paid: as a link, and as a code for a phone. */
export function PublicLink({ orderId }: { orderId: string }) {
  return (
    <Allowed permission="keys:read">
      <LinkCard orderId={orderId} />
    </Allowed>
  );
}

function LinkCard({ orderId }: { orderId: string }) {
  const { mode } = useSession();
  const installation = useInstallation();
  const keys = api.useQuery("get", "/api/v1/api_keys", { params: { query: { limit: 100 } } }, { staleTime: 300_000 });
  return (
    <Card
      title="Public link"
      hint={`The checkout page of the order${mode === "test" ? ", with test data" : ""}. Whoever has the link can pay, and sees whether it is paid.`}
    >
      <Loaded query={keys}>
        {({ data }) => {
          const key = data.find((each) => !each.revoked_at && !isOver(each.expires_at));
          if (!key) {
            return (
              <p className="text-[13px] text-subtle">The link names an API key, and no key of this mode can be used.</p>
            );
          }
          if (!installation.data) return null;
          const link = `${installation.data.checkout_url}/checkout/${orderId}?key=${key.id}`;
          return (
            <div className="grid gap-3">
              <img
                src={`data:image/svg+xml;utf8,${encodeURIComponent(renderSVG(link, { border: 2 }))}`}
                alt="QR code of the public link"
                className="size-36 rounded-lg border border-border"
              />
              <Copyable text={link} what="public link" />
            </div>
          );
        }}
      </Loaded>
    </Card>
  );
}

function isOver(expiresAt: string | null): boolean {
  return expiresAt !== null && new Date(expiresAt) <= new Date();
}
