import { createFileRoute } from "@tanstack/react-router";
import { Address, DeleteUser, Memberships, Profile } from "@/features/account/profile";
import { Password, SecondFactor } from "@/features/account/security";
import { Sessions } from "@/features/account/sessions";
import { one } from "@/lib/search";
import { Page } from "@/ui/page";
import { Parts } from "@/ui/tabs";

const TABS = [
  ["profile", "Profile"],
  ["security", "Security"],
  ["sessions", "Sessions"],
] as const;
type Tab = (typeof TABS)[number][0];

export const Route = createFileRoute("/_app/account")({
  validateSearch: (search: Record<string, unknown>): { tab?: Tab } => {
    const wanted = one(search.tab as string | string[] | undefined);
    const found = TABS.find(([tab]) => tab === wanted);
    return found ? { tab: found[0] } : {};
  },
  component: Account,
});

function Account() {
  const { tab = "profile" } = Route.useSearch();
  return (
    <Page title="Your account" tab="Your account">
      <Parts label="Parts of your account" to="/account" parts={TABS} chosen={tab} />
      {tab === "profile" && (
        <>
          <Profile />
          <Address />
          <Memberships />
          <DeleteUser />
        </>
      )}
      {tab === "security" && (
        <>
          <Password />
          <SecondFactor />
        </>
      )}
      {tab === "sessions" && <Sessions />}
    </Page>
  );
}
