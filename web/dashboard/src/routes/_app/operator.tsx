import { createFileRoute, notFound } from "@tanstack/react-router";
import { type ComponentType, lazy, Suspense } from "react";
import { asSearch } from "@/lib/list-route";
import { one } from "@/lib/search";
import { meQuery } from "@/session";
import { Page } from "@/ui/page";
import { SkeletonRows } from "@/ui/states";
import { Parts } from "@/ui/tabs";

/** Over all merchants, for operators of the installation. To others there is no such page. */
export const Route = createFileRoute("/_app/operator")({
  validateSearch: asSearch,
  beforeLoad: async ({ context }) => {
    const me = await context.queryClient.ensureQueryData(meQuery);
    if (!me.is_operator) throw notFound();
  },
  component: OperatorPage,
});

const TABS: Readonly<Record<string, [label: string, hint: string, content: ComponentType]>> = {
  reviews: [
    "Reviews",
    "Payments and refunds whose outcome somebody must look up at the gateway. The longest waiting come first.",
    lazy(() => import("@/features/operator/reviews")),
  ],
  merchants: [
    "Merchants",
    "Every business of this installation, in both modes.",
    lazy(() => import("@/features/operator/merchants")),
  ],
  gateways: [
    "Gateways",
    "Every gateway of every merchant, and whether it works.",
    lazy(() => import("@/features/operator/gateways")),
  ],
  jobs: ["Jobs", "What runs by itself: when, and with which result.", lazy(() => import("@/features/operator/jobs"))],
  dead_letters: [
    "Dead letters",
    "What ended without doing its work, and is not tried again by itself.",
    lazy(() => import("@/features/operator/dead-letters")),
  ],
  system: ["System", "Processes, workers, Temporal and Postgres.", lazy(() => import("@/features/operator/system"))],
};

function OperatorPage() {
  const tab = one(Route.useSearch().tab) ?? "reviews";
  const [label, hint, Content] = TABS[tab] ?? TABS.reviews!;
  return (
    <Page title="Operator" tab={`Operator: ${label}`} hint={hint}>
      <Parts
        label="Operator"
        to="/operator"
        parts={Object.entries(TABS).map(([name, [shown]]) => [name, shown])}
        chosen={tab in TABS ? tab : "reviews"}
      />
      <Suspense
        fallback={
          <div className="rounded-xl border border-border bg-surface">
            <SkeletonRows />
          </div>
        }
      >
        <Content />
      </Suspense>
    </Page>
  );
}
