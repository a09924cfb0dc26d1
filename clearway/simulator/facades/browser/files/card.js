/* The card frame of the stand-ins: makes a token of what is entered when its page asks. Nothing else leaves it. */
(() => {
  'use strict';
  const given = new URLSearchParams(location.hash.slice(1));
  if (given.get('dark')) document.documentElement.classList.add('dark');
  const value = (id) => document.getElementById(id).value.trim();

  function read() {
    const [month, year] = value('expiry').split(/[/\-. ]+/);
    return { number: value('number').replace(/[ -]/g, ''), month: +month, year: 2000 + (+year % 100), cvc: value('cvc') };
  }

  function problem(card) {
    if (!/^\d{12,19}$/.test(card.number)) return 'Your card number is incomplete.';
    if (!(card.month >= 1 && card.month <= 12)) return "Your card's expiration date is incomplete.";
    return /^\d{3,4}$/.test(card.cvc) ? '' : "Your card's security code is incomplete.";
  }

  async function stripe(card) {
    const body = new URLSearchParams({ type: 'card', 'card[number]': card.number, 'card[exp_month]': card.month, 'card[exp_year]': card.year, 'card[cvc]': card.cvc });
    const answer = await fetch('/stripe/v1/payment_methods', { method: 'POST', body, headers: { authorization: `Bearer ${given.get('key')}` } });
    const made = await answer.json();
    return answer.ok ? { id: made.id } : { message: made.error.message };
  }

  /* As in Square's sandbox, some cards and one security code are refused. */
  async function square(card) {
    if (card.cvc === '911') return { id: 'cnon:card-nonce-rejected-cvv' };
    return { id: card.number === '4000000000000002' ? 'cnon:card-nonce-declined' : 'cnon:card-nonce-ok' };
  }

  window.addEventListener('message', async (event) => {
    if (event.source !== window.parent || !event.data || !event.data.ask) return;
    const card = read();
    const message = problem(card);
    let answer = { message };
    if (!message && event.data.ask === 'check') answer = {};
    else if (!message) answer = await ({ stripe, square }[given.get('kind')])(card);
    event.source.postMessage({ answer: event.data.id, ...answer }, event.origin);
  });
})();
