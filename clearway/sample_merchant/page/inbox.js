// Adds what is new and leaves the rest as it is, so that what a reader has opened stays open.
"use strict";

const POLL_MS = 1500;
const list = document.getElementById("received");
const shown = new Map();

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function amount(data) {
  if (typeof data.amount !== "number" || !data.currency) return "";
  const form = new Intl.NumberFormat("en", { style: "currency", currency: data.currency });
  const digits = form.resolvedOptions().maximumFractionDigits;
  return form.format(data.amount / 10 ** digits);
}

function about(item) {
  const data = (item.body && item.body.data) || {};
  return [amount(data), data.status, data.id || data.endpoint_id].filter(Boolean).join(" · ");
}

function row(item) {
  const verified = item.signature_ok && item.standard_ok;
  const verdict = `${verified ? "verified" : "NOT VERIFIED"} → ${item.answered}`;
  const summary = document.createElement("summary");
  summary.append(
    element("span", "time", item.at.slice(11, 23)),
    element("span", "type", item.type),
    element("span", "about", about(item)),
    element("span", verified ? "verdict good" : "verdict bad", verdict),
  );
  const details = document.createElement("details");
  details.append(summary, element("pre", "", JSON.stringify(item.body, null, 2)));
  const line = document.createElement("li");
  line.append(details);
  return line;
}

function show(items) {
  const present = new Set();
  for (const item of items) {
    const key = `${item.at} ${item.event_id}`;
    present.add(key);
    if (!shown.has(key)) {
      shown.set(key, row(item));
      list.prepend(shown.get(key));
    }
  }
  for (const [key, line] of shown) {
    if (!present.has(key)) {
      line.remove();
      shown.delete(key);
    }
  }
  document.getElementById("empty").hidden = items.length > 0;
}

async function poll() {
  try {
    const [items, behaviour] = await Promise.all(
      ["received", "behaviour"].map(async (path) => (await fetch(path)).json()),
    );
    show(items);
    document.getElementById("mode").textContent = behaviour.mode;
    document.getElementById("away").hidden = true;
  } catch {
    document.getElementById("away").hidden = false;
  }
  setTimeout(poll, POLL_MS);
}

poll();
