"use strict";
const get = (id) => document.getElementById(id);
const listed = get("mails");
const NONE = "No mail yet. Register at the dashboard, for example, and its mail appears here.";
let shown = "";
let opened = Number(location.hash.slice(1)) || null;

function entry(mail) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.id = mail.id;
  button.setAttribute("aria-current", String(mail.id === opened));
  const subject = document.createElement("strong");
  subject.textContent = mail.subject;
  const about = document.createElement("span");
  about.textContent = `${mail.to.join(", ")} · ${new Date(mail.received_at).toLocaleTimeString()}`;
  button.append(subject, about);
  button.addEventListener("click", () => open(mail));
  item.append(button);
  return item;
}

function link(address) {
  const item = document.createElement("li");
  const anchor = document.createElement("a");
  anchor.href = address;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer";
  anchor.textContent = address;
  item.append(anchor);
  return item;
}

function open(mail) {
  opened = mail.id;
  history.replaceState(null, "", `#${mail.id}`);
  get("hint").hidden = true;
  get("mail").hidden = false;
  get("subject").textContent = mail.subject;
  get("from").textContent = mail.sender;
  get("recipients").textContent = mail.to.join(", ");
  get("received").textContent = new Date(mail.received_at).toLocaleString();
  get("links").replaceChildren(...mail.links.map(link));
  get("html").src = `mails/${mail.id}/html`;
  get("text").textContent = mail.text;
  for (const button of listed.querySelectorAll("button")) {
    button.setAttribute("aria-current", String(Number(button.dataset.id) === opened));
  }
}

async function refresh() {
  const to = get("to").value.trim();
  const answer = await fetch(to ? `api/mails?to=${encodeURIComponent(to)}` : "api/mails");
  const { items } = await answer.json();
  const now = JSON.stringify(items.map((mail) => mail.id));
  if (now === shown) return;
  shown = now;
  listed.replaceChildren(...items.map(entry));
  get("hint").textContent = items.length ? "Choose a mail to read it." : to ? `No mail to ${to}.` : NONE;
  const wanted = items.find((mail) => mail.id === opened);
  if (wanted && get("mail").hidden) open(wanted);
}

get("to").addEventListener("input", () => refresh());
get("to").form.addEventListener("submit", (event) => event.preventDefault());
get("forget").addEventListener("click", async () => {
  await fetch("api/mails", { method: "DELETE" });
  get("mail").hidden = true;
  get("hint").hidden = false;
  await refresh();
});
setInterval(() => refresh().catch(() => {}), 1500);
refresh();
