import { FlaskConical } from "lucide-react";
import type { ReactNode } from "react";
import { useInstallation } from "@/features/installation";
import { useSession } from "@/session";
import { Button } from "@/ui/button";
import { Page } from "@/ui/page";
import { Empty } from "@/ui/states";
import { Tabs } from "@/ui/tabs";

const TABS = [
  ["/testing", "Test payment"],
  ["/testing/faults", "Faults"],
  ["/testing/webhooks", "Webhook tester"],
  ["/testing/data", "Test data"],
] as const;

/** The frame of the testing tools: in live mode it says that they are for test mode, and leads there. */
export function TestingPage({
  tab,
  hint,
  simulated,
  children,
}: {
  tab: string;
  hint: string;
  /** It needs the simulator, which installations for production do not have. */
  simulated?: boolean;
  children: ReactNode;
}) {
  const { mode, membership, switchTo } = useSession();
  const isMissing = useInstallation().data?.environment === "production" && simulated;
  const test = membership?.merchants.find((each) => each.mode === "test");
  if (mode === "live") {
    return (
      <Page title="Testing tools" tab={tab}>
        <div className="rounded-xl border border-border bg-surface">
          <Empty
            icon={<FlaskConical />}
            title="Testing tools are for test mode"
            action={
              test && (
                <Button look="primary" onClick={() => switchTo(test.id)}>
                  Switch to test mode
                </Button>
              )
            }
          >
            You look at live mode, where money is real. Nothing here can be switched, made up or sent for a live
            merchant.
          </Empty>
        </div>
      </Page>
    );
  }
  return (
    <Page title="Testing tools" tab={tab} hint={hint}>
      <Tabs label="Testing tools" tabs={TABS} />
      {isMissing ? (
        <div className="rounded-xl border border-border bg-surface">
          <Empty icon={<FlaskConical />} title="Not in this installation">
            This installation runs in production, without the simulator. Test with the sandboxes of your gateways, or in
            an installation for development.
          </Empty>
        </div>
      ) : (
        children
      )}
    </Page>
  );
}

/** What those see whose role may look only. */
export function NotAllowed({ what }: { what: string }) {
  return (
    <p role="status" className="rounded-xl border border-border bg-surface px-4 py-3 text-[13px] text-subtle">
      Your role does not allow you to {what}. Ask an owner or admin of this business.
    </p>
  );
}
