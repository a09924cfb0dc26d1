/* The checkout page: checks the form, sends it once, and shows the payment's status as it changes.
 * The server renders every part of the page; without this script the same form is posted and the page reloads. */
(() => {
  'use strict';
  const page = document.getElementById('page');
  const stage = document.getElementById('stage');
  const texts = JSON.parse(document.getElementById('texts').textContent);
  const embedded = window.parent !== window && page.dataset.framedBy !== '';
  const remembered = `clearway.method.${page.dataset.key}`;
  const POLL_MS = [2000, 30000, 5000];
  let sending = false;
  let stream = null;
  let timer = 0;
  let ticking = 0;
  let port = null;
  let components = new Map();

  const $ = (selector, within = stage) => within.querySelector(selector);
  const $$ = (selector, within = stage) => [...within.querySelectorAll(selector)];
  const text = (key) => texts[key] || texts['card.failed'];
  const storage = (act) => { if (!embedded) { try { return act(window.localStorage); } catch { /* it is closed to us */ } } return null; };

  /* The frame: the parent proves itself by its origin and the nonce; all else goes over a port. */
  const nonce = new URLSearchParams(location.hash.slice(1)).get('n');
  const say = (type, more = {}) => { if (port) port.postMessage({ type, ...more }); };

  function sayClosed(stage) {
    if (stage === 'order_expired') say('expired', { code: stage, message: $('section p').textContent });
    if (stage === 'order_cancelled') say('failed', { payment_id: null, code: stage, message: $('section p').textContent, retryable: false });
  }

  function greet() {
    if (!embedded || !nonce) return;
    const parentOrigin = page.dataset.framedBy;
    window.addEventListener('message', (event) => {
      if (port || event.source !== window.parent || event.origin !== parentOrigin) return;
      if (!event.data || event.data.type !== 'clearway:port' || event.data.n !== nonce || !event.ports[0]) return;
      port = event.ports[0];
      say('loaded');
      sayClosed(page.dataset.stage);
      new ResizeObserver(() => say('resize', { height: Math.ceil(document.documentElement.getBoundingClientRect().height) + 1 })).observe(document.body);
      document.addEventListener('keydown', (pressed) => { if (pressed.key === 'Escape' && !sending) say('escape'); });
    });
    /* Another language is another document, which has to prove itself too. */
    for (const link of document.querySelectorAll('.languages a')) link.hash = location.hash;
    window.parent.postMessage({ type: 'clearway:hello', n: nonce }, parentOrigin);
  }

  const kindOf = (part) => ({ card: 'three_ds', netbanking: 'bank' }[part.dataset.method] || part.dataset.method);

  function go(url, kind) {
    if (port) say('redirect', { url, kind });
    else if (!embedded) location.assign(url);
  }

  /* Fields. */
  const BRANDS = [[/^4/, 'Visa'], [/^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, 'Mastercard'], [/^3[47]/, 'Amex'], [/^(60|65|81|82|508)/, 'RuPay'],
    [/^(6011|64[4-9])/, 'Discover'], [/^35/, 'JCB'], [/^3(0[0-5]|[689])/, 'Diners'], [/^62/, 'UnionPay']];
  const DISCOVER = /^(6011|64[4-9]|65)/;
  const brandOf = (digits) => DISCOVER.test(digits) ? 'Discover' : (BRANDS.find(([prefix]) => prefix.test(digits)) || [0, ''])[1];

  function luhn(digits) {
    let sum = 0;
    for (let i = 0; i < digits.length; i++) {
      let n = +digits[digits.length - 1 - i];
      if (i % 2) { n *= 2; if (n > 9) n -= 9; }
      sum += n;
    }
    return sum % 10 === 0;
  }

  function group(digits) {
    const parts = /^3[47]/.test(digits) ? [4, 6, 5] : [4, 4, 4, 4, 3];
    const found = [];
    for (let at = 0, i = 0; at < digits.length && i < parts.length; at += parts[i++]) found.push(digits.slice(at, at + parts[i]));
    return found.join(' ');
  }

  function rewrite(input, form) {
    const before = input.value.slice(0, input.selectionStart).replace(/\D/g, '').length;
    const written = form(input.value);
    if (written === input.value) return;
    input.value = written;
    let at = 0;
    for (let seen = 0; at < written.length && seen < before; at++) if (/\d/.test(written[at])) seen++;
    if (before === written.replace(/\D/g, '').length) at = written.length;
    if (document.activeElement === input) input.setSelectionRange(at, at);
  }

  const expiryForm = (value) => {
    let digits = value.replace(/\D/g, '');
    if (/^\d{1,2}\s*[/.-]\s*20\d\d$/.test(value)) digits = digits.slice(0, -4) + digits.slice(-2);
    if (/^[2-9]/.test(digits) || /^1\s*[/.-]/.test(value)) digits = `0${digits}`;
    digits = digits.slice(0, 4);
    return digits.length > 2 ? `${digits.slice(0, 2)}/${digits.slice(2)}` : digits;
  };

  const CHECKS = {
    number(value) {
      const digits = value.replace(/[ -]/g, '');
      return !digits ? 'number.required' : /^\d{12,19}$/.test(digits) && luhn(digits) ? '' : 'number.invalid';
    },
    expiry(value) {
      const found = /^(\d{2})\/(\d{2})$/.exec(value);
      if (!found || +found[1] < 1 || +found[1] > 12) return value ? 'expiry.invalid' : 'expiry.required';
      const now = new Date();
      return (2000 + +found[2]) * 12 + +found[1] < now.getFullYear() * 12 + now.getMonth() + 1 ? 'expiry.past' : '';
    },
    cvc: (value) => !value ? 'cvc.required' : /^\d{3,4}$/.test(value) ? '' : 'cvc.invalid',
    vpa: (value, input) => !value ? (input.dataset.optional === undefined ? 'vpa.required' : '') : /^[\w.-]{2,256}@[A-Za-z][A-Za-z0-9.-]+$/.test(value) ? '' : 'vpa.invalid',
    bank: (value) => value ? '' : 'bank.required',
    wallet: (value) => value ? '' : 'wallet.required',
  };

  /* Where a customer chooses among gateways, the names of fields end in the option's id. */
  const plain = (name) => name.split('.')[0];
  const fieldOf = (name, method) => method && $$('input[name],select[name]', method).find((each) => plain(each.name) === name);

  function show(name, message, method = methodOf(chosen())) {
    const field = fieldOf(name, method);
    const place = (field && document.getElementById(`${field.id}-error`)) || document.getElementById(`${name}-error`) || document.getElementById('form-error');
    place.textContent = message;
    place.hidden = !message;
    if (field && field.type !== 'hidden') { if (message) field.setAttribute('aria-invalid', 'true'); else field.removeAttribute('aria-invalid'); }
  }

  const chosen = () => $('[name=option]:checked');
  const methodOf = (radio) => radio && radio.closest('.method');

  function checked(method) {
    let first = null;
    for (const input of $$('input[name],select[name]', method)) {
      const check = CHECKS[plain(input.name)];
      if (!check) continue;
      const key = check(input.value.trim(), input);
      show(plain(input.name), key ? text(key) : '', method);
      if (key && !first) first = input;
    }
    if (first) first.focus();
    return !first;
  }

  /* The gateway's component of a method is loaded when the method is chosen. */
  function component(method) {
    const key = method.dataset.option;
    const host = $('.hosted', method) || $('.card-form', method);
    if (!host) return null;
    if (!components.has(key)) {
      const kind = host.classList.contains('card-form') ? 'simulator' : method.dataset.kind;
      const given = {
        values: host.dataset.values ? JSON.parse(host.dataset.values) : {},
        amount: +host.dataset.amount, currency: host.dataset.currency,
        dark: (document.documentElement.dataset.theme || (matchMedia('(prefers-color-scheme:dark)').matches ? 'dark' : 'light')) === 'dark',
        pay: () => payByButton(), done: async () => { const state = await ask(); if (state) arrived(state); else follow(); },
      };
      const mounted = window.clearwayAdapters[kind].mount(host, given);
      mounted.then((made) => { if (made.drawn && methodOf(chosen()) === method) payButton().hidden = true; }, () => { components.delete(key); hostedError(method, text('card.failed')); });
      components.set(key, mounted);
    }
    return components.get(key);
  }

  function hostedError(method, message) {
    const place = $('.hosted-error', method);
    if (!place) { show('form', message); return; }
    place.textContent = message;
    place.hidden = !message;
  }

  const payButton = () => document.getElementById('pay');

  function choose() {
    const method = methodOf(chosen());
    if (!method) return;
    payButton().hidden = false;
    show('option', '');
    const made = component(method);
    if (made) made.then((each) => { payButton().hidden = Boolean(each.drawn) && methodOf(chosen()) === method; }, () => {});
  }

  function busy(on) {
    sending = on;
    const button = payButton();
    if (!button) return;
    button.setAttribute('aria-disabled', String(on));
    if (on) { button.dataset.label = button.textContent; button.textContent = texts.working; }
    else if (button.dataset.label) button.textContent = button.dataset.label;
  }

  async function post(form, token) {
    const body = new URLSearchParams(new FormData(form));
    for (const name of [...body.keys()]) if (['number', 'expiry', 'cvc'].includes(plain(name))) body.delete(name);
    body.set('gateway_token', token);
    const answer = await fetch(form.action, { method: 'POST', body, headers: { accept: 'application/json' }, credentials: 'omit' });
    return [answer.status, await answer.json()];
  }

  async function submit(event) {
    event.preventDefault();
    if (sending) return;
    const form = event.target;
    const method = methodOf(chosen());
    show('form', '');
    if (!method) { show('option', text('required')); return; }
    if (!checked(method)) return;
    if (!navigator.onLine) { show('form', texts.offline); return; }
    busy(true);
    let token = '';
    try {
      const made = component(method);
      hostedError(method, '');
      if (made) token = await (await made).token();
    } catch (problem) {
      busy(false);
      const message = problem.message && problem.field ? problem.message : text(problem.text);
      if (problem.field === 'hosted') hostedError(method, message);
      else { show(problem.field || 'form', message); const field = fieldOf(problem.field, method); if (field) field.focus(); }
      return;
    }
    await send(form, token);
  }

  async function send(form, token, quiet = false) {
    say('confirmed');
    try {
      const [status, read] = await post(form, token);
      if (read.errors) {
        busy(false);
        say('failed', { payment_id: null, code: 'invalid', message: Object.values(read.errors)[0], retryable: true });
        form.elements.token.value = read.token;
        for (const [name, message] of Object.entries(read.errors)) show(name, message);
        const first = $('[aria-invalid=true]');
        if (first) first.focus();
        return null;
      }
      if (status >= 400) { busy(false); show('form', read.error ? read.error.message : text('card.failed')); say('failed', { payment_id: null, code: read.error && read.error.code, message: read.error && read.error.message, retryable: true }); return null; }
      busy(false);
      if (!quiet) arrived(read, true);
      return read;
    } catch {
      /* The answer was lost: the server knows whether there is a payment. The same form cannot make a second one. */
      show('form', texts.unsure);
      return recover();
    }
  }

  async function callOff(event) {
    event.preventDefault();
    if (sending) return;
    sending = true;
    followsAction = false;
    try {
      const answer = await fetch(event.target.action, { method: 'POST', headers: { accept: 'application/json' }, credentials: 'omit' });
      if (answer.ok) { shown = ''; arrived(await answer.json()); }
    } catch { /* the page goes on showing what is true */ }
    sending = false;
  }

  async function recover() {
    for (let wait = 1000; ; wait = Math.min(wait * 2, 8000)) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      const state = await ask();
      if (!state) continue;
      busy(false);
      if (state.stage !== 'pay' || (state.payment_id || '') !== page.dataset.seen) arrived(state, true);
      else show('form', '');
      return state;
    }
  }

  async function payByButton() {
    const form = document.getElementById('form');
    sending = true;
    let state = await send(form, '', true);
    sending = false;
    for (let tries = 0; state && !state.action_url && state.moving && tries < 60; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      state = await ask();
    }
    if (!state || !state.action_url) throw new Error('no action');
    return state;
  }

  /* Status. */
  async function ask() {
    try {
      const answer = await fetch(page.dataset.state, { headers: { accept: 'application/json' }, credentials: 'omit', cache: 'no-store' });
      return answer.ok ? await answer.json() : null;
    } catch { return null; }
  }

  let slow = 0;
  let followsAction = false;
  let shown = '';

  function arrived(state, fresh = false) {
    const mark = [state.stage, state.payment_id, state.status, state.action_url].join(' ');
    if (fresh) followsAction = true;
    if (mark !== shown) {
      shown = mark;
      draw(state);
      announce(state);
    }
    if (state.stage === 'requires_action' && followsAction && state.action_url && $('#act')) {
      followsAction = false;
      if (!$('[data-stay]')) go(state.action_url, kindOf($('[data-method]')));
    }
    if (state.moving) follow(); else settle();
    clearTimeout(slow);
    if (state.moving) slow = setTimeout(() => say('pending', { payment_id: state.payment_id }), 5000);
  }

  function draw(state) {
    for (const made of components.values()) made.then((each) => each.destroy(), () => {});
    components = new Map();
    stage.innerHTML = state.html;
    page.dataset.seen = state.payment_id || '';
    begin();
    const heading = $('h1');
    if (heading) heading.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }

  function announce(state) {
    sayClosed(state.stage);
    if (state.stage === 'paid') say('success', state.result || { payment_id: state.payment_id, status: state.status, order_id: page.dataset.order });
    else if (state.stage === 'pay' && state.payment_id) say(state.status === 'expired' ? 'expired' : 'failed', { payment_id: state.payment_id, code: state.error_code, message: ($('[data-testid=payment-status] p') || {}).textContent, retryable: true });
    if (state.stage === 'paid' && state.result && state.result.return_url && !embedded) setTimeout(() => location.assign(state.result.return_url), 3000);
  }

  function settle() { if (stream) stream.close(); stream = null; clearTimeout(timer); timer = 0; }

  function follow() {
    if (!stream && window.EventSource) {
      stream = new EventSource(page.dataset.events);
      stream.addEventListener('state', ({ data }) => arrived(JSON.parse(data)));
      stream.addEventListener('again', () => { stream.close(); stream = null; follow(); });
    }
    if (!timer) poll(Date.now());
  }

  /* Beside the stream, because proxies may hold it back. */
  function poll(began) {
    const [first, until, later] = POLL_MS;
    timer = setTimeout(async () => {
      const state = await ask();
      timer = 0;
      if (state) arrived(state);
      if (!state || state.moving) { clearTimeout(timer); poll(began); }
    }, Date.now() - began < until ? first : later);
  }

  /* How long a UPI code is good for. The server's clock counts, and the server says when it is over. */
  function countDown() {
    clearInterval(ticking);
    const left = document.getElementById('left');
    if (!left) return;
    const ends = performance.now() + 1000 * left.dataset.left;
    ticking = setInterval(async () => {
      const seconds = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
      left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
      if (seconds) return;
      clearInterval(ticking);
      const state = await ask();
      if (state) arrived(state);
    }, 1000);
  }

  function begin() {
    countDown();
    const form = document.getElementById('form');
    if (form) {
      form.addEventListener('submit', submit);
      form.addEventListener('change', (event) => {
        if (event.target.name === 'option') { choose(); storage((kept) => kept.setItem(remembered, event.target.value)); }
        else if (event.target.getAttribute('aria-invalid') && CHECKS[plain(event.target.name)]) { const key = CHECKS[plain(event.target.name)](event.target.value.trim(), event.target); show(plain(event.target.name), key ? text(key) : '', methodOf(event.target)); }
      });
      for (const card of $$('.card-form')) {
        for (const name of ['number', 'expiry', 'cvc']) fieldOf(name, card).addEventListener('input', ({ target }) => {
          if (name === 'number') { rewrite(target, (value) => group(value.replace(/\D/g, '').slice(0, 19))); $('.brand', card).textContent = brandOf(target.value.replace(/\D/g, '')); }
          else if (name === 'expiry') rewrite(target, expiryForm);
          else rewrite(target, (value) => value.replace(/\D/g, '').slice(0, 4));
        });
      }
      const last = storage((kept) => kept.getItem(remembered));
      const radio = last && !$('[aria-invalid=true]') && $$('[name=option]').find((each) => each.value === last);
      if (radio) radio.checked = true;
      choose();
    }
    const other = $('.other');
    if (other) other.addEventListener('submit', callOff);
    const act = document.getElementById('act');
    if (act && embedded) act.addEventListener('click', (event) => { event.preventDefault(); go(act.href, kindOf($('[data-method]'))); });
    const back = document.getElementById('return');
    if (back && embedded) back.addEventListener('click', (event) => { event.preventDefault(); go(back.href, 'return'); });
  }

  /* A page that comes back from the browser's memory may be out of date. */
  window.addEventListener('pageshow', async (event) => {
    if (!event.persisted) return;
    sending = false;
    const state = await ask();
    if (state) { shown = ''; arrived(state); }
  });

  /* Back from the app: a phone may have stopped the stream meanwhile. */
  document.addEventListener('visibilitychange', async () => {
    if (document.hidden || !timer) return;
    const state = await ask();
    if (state) arrived(state);
  });

  page.dataset.seen = page.dataset.payment || '';
  greet();
  begin();
  if (page.dataset.moving === '1') follow();
})();
