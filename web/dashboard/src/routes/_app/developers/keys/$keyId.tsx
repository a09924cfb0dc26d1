import { createFileRoute, Link } from "@tanstack/react-router";
import { Ban, RefreshCw } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/client";
import { ApiError } from "@/api/errors";
import type { KeyWithSecret } from "@/features/developers/create-key-dialog";
import { keyStatus } from "@/features/developers/key-words";
import { NewSecret } from "@/features/developers/new-secret";
import { RevokeKeyDialog } from "@/features/developers/revoke-key-dialog";
import { RotateKeyDialog } from "@/features/developers/rotate-key-dialog";
import { Elsewhere } from "@/features/elsewhere";
import { actorName, named } from "@/lib/words";
import { Allowed, useSession } from "@/session";
import { Badge, Status } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Copyable } from "@/ui/copy";
import { Until } from "@/ui/countdown";
import { Moment } from "@/ui/moment";
import { Fact, Facts, Page } from "@/ui/page";
import { Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/developers/keys/$keyId")({ component: KeyPage });

function KeyPage() {
  const { keyId } = Route.useParams();
  const { mode, can } = useSession();
  const query = api.useQuery("get", "/api/v1/api_keys/{key_id}", { params: { path: { key_id: keyId } } });
  const [open, setOpen] = useState<"rotate" | "revoke" | null>(null);
  const [made, setMade] = useState<KeyWithSecret | null>(null);
  if (query.error instanceof ApiError && query.error.status === 404) return <Elsewhere what="API key" id={keyId} />;
  const key = query.data;
  const usable = key && keyStatus(key) === "active";
  return (
    <Page
      tab="API key"
      title={<span dir="auto">{key?.name ?? "API key"}</span>}
      above={
        <Link to="/developers" className="text-[13px] text-subtle hover:underline">
          API keys
        </Link>
      }
      actions={
        usable && (
          <Allowed permission="keys:write">
            <Button onClick={() => setOpen("rotate")}>
              <RefreshCw aria-hidden /> Rotate
            </Button>
            <Button look="danger" onClick={() => setOpen("revoke")}>
              <Ban aria-hidden /> Revoke
            </Button>
          </Allowed>
        )
      }
    >
      <Card title="Facts">
        <Loaded query={query}>
          {(found) => (
            <Facts>
              <Fact name="Status">
                <Status value={keyStatus(found)} />
              </Fact>
              <Fact name="Mode">{named(mode)}</Fact>
              <Fact name="Key id, sent as X-Api-Key">
                <Copyable text={found.id} what="key id" />
              </Fact>
              <Fact name="Last used">{found.last_used_at ? <Moment at={found.last_used_at} /> : "Not used yet"}</Fact>
              <Fact name="Expires">{found.expires_at ? <Moment at={found.expires_at} /> : "Never"}</Fact>
              <Fact name="May be used from">
                {found.allowed_networks.length === 0 ? (
                  "Everywhere"
                ) : (
                  <code className="font-mono text-xs break-words">{found.allowed_networks.join(", ")}</code>
                )}
              </Fact>
              <Until at={found.previous_secret_expires_at}>
                {(countdown) => <Fact name="The former secret ends">{countdown}</Fact>}
              </Until>
              {found.revoked_at && (
                <Fact name="Revoked">
                  <Moment at={found.revoked_at} />
                </Fact>
              )}
              <Fact name="Created">
                <Moment at={found.created_at} /> by <span className="break-all">{actorName(found.created_by)}</span>
              </Fact>
            </Facts>
          )}
        </Loaded>
      </Card>
      {key && (
        <Card title="Permissions">
          {key.permissions.includes("*") ? (
            <p>Everything, also what later versions of Clearway add.</p>
          ) : (
            <span className="flex flex-wrap gap-1.5">
              {key.permissions.map((each) => (
                <Badge key={each}>
                  <code className="font-mono">{each}</code>
                </Badge>
              ))}
            </span>
          )}
          {can("request_log:read") && (
            <p className="mt-4 text-[13px]">
              <Link
                to="/developers/requests"
                search={{ actor: `key:${key.id}` } as never}
                className="text-primary hover:underline"
              >
                Requests with this key
              </Link>
            </p>
          )}
        </Card>
      )}
      {open === "rotate" && <RotateKeyDialog keyId={keyId} onClose={() => setOpen(null)} onMade={setMade} />}
      {open === "revoke" && key && <RevokeKeyDialog apiKey={key} onClose={() => setOpen(null)} />}
      {made && <NewSecret made={made} onClose={() => setMade(null)} />}
    </Page>
  );
}
