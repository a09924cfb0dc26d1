// The shop's page. It opens the checkout, and shows side by side what the browser hears and what the server verified.
"use strict";

const POLL_MS = 1000;
const SLOW_POLL_MS = 5000;
const QUICK_POLLS = 60;
const EVENTS = ["loaded", "confirmed", "pending", "success", "failure", "redirect", "fallback", "close"];
const $ = (id) => document.getElementById(id);
// Not the signature and the addresses: they are long, and say nothing to a reader.
const SHOWN = ["payment_id", "status", "code", "message", "retryable", "kind", "result"];
let order;
let polls = 0;
let shown = "";

function element(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

function money(amount, currency) {
  const form = new Intl.NumberFormat("en", { style: "currency", currency });
  return form.format(amount / 10 ** form.resolvedOptions().maximumFractionDigits);
}

function picture(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

function complain(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The shop does not answer. Is `make dev` still running?");
  }
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  return body;
}

/* The shelf. */

function card(product) {
  const item = document.createElement("li");
  const line = element("div", "", "buy");
  const button = element("button", "Buy");
  button.setAttribute("aria-label", `Buy: ${product.name}`);
  button.dataset.testid = `buy-${product.id}`;
  button.onclick = () => buy(product, button);
  line.append(element("span", money(product.amount, product.currency), "price"), button);
  item.append(picture(product.id), element("h2", product.name), element("p", product.text), line);
  return item;
}

async function showShelf() {
  $("products").replaceChildren(...(await ask("/products")).map(card));
  $("shelf").hidden = false;
  $("order").hidden = true;
}

async function buy(product, button) {
  complain("");
  button.disabled = true;
  try {
    const body = JSON.stringify({ product: product.id });
    order = await ask("/orders", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    history.pushState({}, "", `/orders/${order.id}`);
    showOrder();
    pay();
  } catch (error) {
    complain(error.message);
  }
  button.disabled = false;
}

/* What the browser heard of an order. It outlives the way to a bank's page and back. */

function heard() {
  return JSON.parse(sessionStorage.getItem(order.id) ?? "[]");
}

function hear(type, detail) {
  const entry = { type, detail: detail ?? {}, at: new Date().toISOString() };
  sessionStorage.setItem(order.id, JSON.stringify([...heard(), entry]));
  show();
}

function pay() {
  if (!window.PaymentGateway) {
    complain("The checkout does not answer, so its script is not here. Is `make dev` still running?");
    return;
  }
  const gateway = new PaymentGateway({ key: order.key, orderId: order.id, returnUrl: location.origin + location.pathname });
  for (const type of EVENTS) gateway.addEventListener(type, (event) => hear(type, event.detail));
  // The customer stays on this page, which shows the result.
  gateway.addEventListener("success", (event) => {
    event.preventDefault();
    gateway.close();
  });
  gateway.open();
  hear("opened");
}

/* The order, side by side. */

function line(entry, ...more) {
  const item = document.createElement("li");
  const time = element("time", new Date(entry.at).toLocaleTimeString());
  time.dateTime = entry.at;
  item.append(element("b", entry.type), time, ...more);
  return item;
}

function details(detail) {
  const known = SHOWN.filter((name) => detail[name] != null);
  const text = known.map((name) => `${name}: ${detail[name]}`).join(", ");
  return text ? [element("code", text)] : [];
}

function verdict(browser) {
  const last = browser.findLast(({ type }) => ["success", "failure", "pending", "returned"].includes(type));
  if (order.status === "paid") return ["paid", "Paid. The webhook says so, and its signature is verified. The shop sends the goods."];
  if (last?.type === "success" || last?.detail.status === "success")
    return ["", "The browser says paid. The shop waits for the webhook before it believes it."];
  if (order.status === "failed" || last?.type === "failure") return ["failed", "Not paid. Nothing was taken; you can try again."];
  if (last) return ["", "The result is not known yet. The webhook will bring it."];
  return ["", "Not paid yet."];
}

function show() {
  const browser = heard();
  const state = JSON.stringify([order, browser]);
  if (state === shown) return;
  shown = state;
  const [className, text] = verdict(browser);
  $("verdict").className = className;
  if ($("verdict").textContent !== text) $("verdict").textContent = text;
  $("browser").replaceChildren(...browser.map((entry) => line(entry, ...details(entry.detail))));
  $("server").replaceChildren(
    ...order.events.map((entry) => line(entry, element("span", entry.checked, "good"), ...details(entry))),
  );
  $("pay").hidden = order.status === "paid";
  const paymentId = order.events.at(-1)?.payment_id;
  $("found").hidden = !paymentId;
  if (paymentId) $("found").href = `${order.dashboard}/payments/${paymentId}`;
  $("step-created").className = "done";
  $("step-opened").className = browser.some(({ type }) => ["confirmed", "success", "returned"].includes(type)) ? "done" : "";
  $("step-received").className = order.events.length ? "done" : "";
  $("step-paid").className = order.status === "paid" ? "done" : "";
}

function showOrder() {
  $("shelf").hidden = true;
  $("order").hidden = false;
  $("product").textContent = order.product.name;
  $("picture").setAttribute("href", `#${order.product.id}`);
  $("amount").textContent = money(order.amount, order.currency);
  $("order-id").textContent = order.id;
  polls = 0;
  show();
}

async function poll() {
  if (order) {
    const { id } = order;
    try {
      const state = await ask(`/orders/${id}/state`);
      if (order?.id === id) {
        order = state;
        show();
      }
      complain("");
    } catch (error) {
      complain(error.message);
    }
  }
  polls += 1;
  setTimeout(poll, polls < QUICK_POLLS ? POLL_MS : SLOW_POLL_MS);
}

async function route() {
  complain("");
  const [, page, id] = location.pathname.split("/");
  try {
    if (page !== "orders") {
      order = undefined;
      await showShelf();
      return;
    }
    if (order?.id === id) return;
    order = await ask(`/orders/${id}/state`);
    const query = Object.fromEntries(new URLSearchParams(location.search));
    if (Object.keys(query).length) {
      hear("returned", query);
      history.replaceState({}, "", location.pathname);
    }
    showOrder();
  } catch (error) {
    complain(error.message);
  }
}

$("pay").onclick = pay;
addEventListener("popstate", route);
route();
setTimeout(poll, POLL_MS);
