import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Bookmark, Check, Pencil, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { messageOf } from "@/api/errors";
import { raw } from "@/api/raw";
import type { components } from "@/api/schema";
import type { Column } from "@/features/table";
import { filtersOf, type Hidden, hiddenColumns, shownColumns } from "@/lib/saved-view";
import type { Search } from "@/lib/search";
import { toast } from "@/lib/toast";
import { Button } from "@/ui/button";
import { Dialog, DialogActions } from "@/ui/dialog";
import { Field, Input } from "@/ui/field";
import { Menu, MenuItem, MenuLabel, MenuSeparator } from "@/ui/menu";

export type ListPage = components["schemas"]["ListPage"];
type View = components["schemas"]["SavedViewResource"];
const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
const sorted = (query: Record<string, string[]>) => Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1));

/** Filters and columns that a person comes back to, by name. The API keeps them, so they are there on every device. */
export function SavedViews<Row>({
  page,
  search,
  columns,
  hidden,
  onHidden,
}: {
  page: ListPage;
  search: Search;
  columns: Column<Row>[];
  hidden: Hidden;
  onHidden: (hidden: Hidden) => void;
}) {
  const navigate = useNavigate();
  const [open, setOpen] = useState<"save" | "manage" | null>(null);
  const query = api.useQuery("get", "/api/v1/saved_views", { params: { query: { page } } }, { staleTime: 300_000 });
  if (query.error) return null;
  const views = query.data?.data ?? [];
  const present = { query: filtersOf(search), columns: shownColumns(columns, hidden) };
  const chosen = views.find(
    (view) => same(sorted(view.query), sorted(present.query)) && same(view.columns, present.columns),
  );
  function choose(view: View) {
    onHidden(hiddenColumns(columns, view.columns));
    void navigate({ to: ".", search: view.query } as never);
  }
  return (
    <>
      <Menu
        trigger={
          <Button size="sm">
            <Bookmark aria-hidden />{" "}
            <span dir="auto" className="max-w-40 truncate">
              {chosen?.name ?? "Views"}
            </span>
          </Button>
        }
      >
        {views.length === 0 && <MenuLabel>Keep filters and columns here by name.</MenuLabel>}
        {views.map((view) => (
          <MenuItem key={view.id} onSelect={() => choose(view)}>
            {view === chosen ? <Check aria-label="Shown now" /> : <Bookmark aria-hidden />}
            <span dir="auto" className="min-w-0 max-w-64 truncate">
              {view.name}
            </span>
          </MenuItem>
        ))}
        <MenuSeparator />
        <MenuItem opens={() => setOpen("save")}>Save this view…</MenuItem>
        {views.length > 0 && <MenuItem opens={() => setOpen("manage")}>Manage views…</MenuItem>}
      </Menu>
      <SaveDialog open={open === "save"} onClose={() => setOpen(null)} view={{ page, ...present }} />
      <Dialog open={open === "manage"} onOpenChange={(on) => setOpen(on ? "manage" : null)} title="Your views">
        {views.length === 0 ? (
          <p className="text-subtle">You have no views of this list.</p>
        ) : (
          <ul className="grid gap-2">
            {views.map((view) => (
              <Managed key={view.id} view={view} present={present} />
            ))}
          </ul>
        )}
      </Dialog>
    </>
  );
}

function useRefresh() {
  const queries = useQueryClient();
  return () => queries.invalidateQueries({ queryKey: ["get", "/api/v1/saved_views"] });
}

type Present = { query: Record<string, string[]>; columns: string[] | null };

function SaveDialog({
  open,
  onClose,
  view,
}: {
  open: boolean;
  onClose: () => void;
  view: Present & { page: ListPage };
}) {
  const refresh = useRefresh();
  const save = api.useMutation("post", "/api/v1/saved_views");
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name"));
    save.mutate(
      { body: { name, ...view } },
      {
        onSuccess: () => {
          toast.success("Saved");
          void refresh();
          onClose();
        },
      },
    );
  }
  return (
    <Dialog open={open} onOpenChange={(on) => !on && onClose()} title="Save this view">
      <form onSubmit={submit}>
        <Field
          label="Name"
          hint="Its filters and columns are kept for you, not for your colleagues."
          error={save.error ? messageOf(save.error) : null}
        >
          <Input name="name" required maxLength={64} autoFocus dir="auto" />
        </Field>
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={save.isPending}>
            Save
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

function Managed({ view, present }: { view: View; present: Present }) {
  const refresh = useRefresh();
  const [naming, setNaming] = useState(false);
  const act = useMutation({
    mutationFn: ([method, body]: ["PATCH" | "DELETE", unknown?]) => raw<View>(method, `/saved_views/${view.id}`, body),
    onSuccess: () => {
      setNaming(false);
      void refresh();
    },
    onError: (error) => toast.error("The view was not changed", messageOf(error)),
  });
  if (naming) {
    return (
      <li>
        <form
          className="flex items-center gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            act.mutate(["PATCH", { name: String(new FormData(event.currentTarget).get("name")) }]);
          }}
        >
          <Input
            name="name"
            aria-label={`New name of the view ${view.name}`}
            required
            maxLength={64}
            autoFocus
            dir="auto"
            defaultValue={view.name}
          />
          <Button type="submit" look="primary" size="sm" busy={act.isPending}>
            Rename
          </Button>
        </form>
      </li>
    );
  }
  return (
    <li className="flex items-center gap-2">
      <span dir="auto" className="min-w-0 flex-1 truncate">
        {view.name}
      </span>
      <Button size="sm" busy={act.isPending} onClick={() => act.mutate(["PATCH", present])}>
        Use present filters
      </Button>
      <Button
        size="icon-sm"
        look="ghost"
        aria-label={`Rename the view ${view.name}`}
        disabled={act.isPending}
        onClick={() => setNaming(true)}
      >
        <Pencil />
      </Button>
      <Button
        size="icon-sm"
        look="ghost"
        aria-label={`Delete the view ${view.name}`}
        disabled={act.isPending}
        onClick={() => act.mutate(["DELETE"])}
      >
        <Trash2 />
      </Button>
    </li>
  );
}
