import { useSession } from "@/session";
import { Button } from "@/ui/button";
import { Page } from "@/ui/page";
import { Empty } from "@/ui/states";

/** A link that leads to nothing here may be right in the other mode or for another business. */
export function Elsewhere({ what, id }: { what: string; id: string }) {
  const { me, merchant, switchTo } = useSession();
  const others = me.memberships.flatMap((membership) =>
    membership.merchants
      .filter((each) => each.id !== merchant?.id)
      .map((each) => ({ ...each, account: membership.account_name })),
  );
  return (
    <Page title={`No such ${what}`} tab={`No such ${what}`}>
      <div className="rounded-xl border border-border bg-surface">
        <Empty
          title={`There is no ${what} with this id here`}
          action={others.slice(0, 6).map((each) => (
            <Button key={each.id} size="sm" onClick={() => switchTo(each.id)}>
              <span dir="auto" className="max-w-48 truncate">
                {each.account}
              </span>{" "}
              ({each.mode})
            </Button>
          ))}
        >
          <code className="font-mono break-all">{id}</code>
          <br />
          {others.length > 0
            ? "It may belong to the other mode or to another business of yours."
            : "Look at the id once more."}
        </Empty>
      </div>
    </Page>
  );
}
