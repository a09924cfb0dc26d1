/* How a card becomes a token in the browser: one adapter for each kind of gateway, all with the same contract.
 *
 *   adapter.mount(host, given) -> Promise<{token(): Promise<string>, destroy(): void}>
 *
 * host: an element to draw into. given: {values, amount, currency, text(key), theme, pay(), done()}.
 * token(): makes the token of what the customer entered; it throws {field, text} when that cannot be used.
 * pay(): of buttons: creates the payment and resolves to its state. done(): the customer has approved.
 * A card number is seen by the gateway's own frame, or by the simulator's endpoint in test mode, and by nobody else.
 */
(() => {
  'use strict';
  const loaded = new Map();

  function load(source) {
    if (!loaded.has(source)) {
      loaded.set(source, new Promise((resolve, reject) => {
        const script = document.createElement('script');
        script.src = source;
      const nonce = document.querySelector('script[nonce]').nonce;
      script.nonce = nonce;
      script.dataset.cspNonce = nonce;
        script.onload = resolve;
        script.onerror = () => { loaded.delete(source); script.remove(); reject({ text: 'card.failed' }); };
        document.head.append(script);
      }));
    }
    return loaded.get(source);
  }

  const decimal = (minor, currency) => {
    const digits = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits;
    return (minor / 10 ** digits).toFixed(digits);
  };

  /* The simulator: our own fields, exchanged at its endpoint. */
  const simulator = {
    async mount(host) {
      const value = (name) => host.querySelector(`[name^=${name}]`).value.trim();
      return {
        async token() {
          const [month, year] = value('expiry').split(/[/.\- ]+/);
          const body = { number: value('number').replace(/[ -]/g, ''), exp_month: +month, exp_year: 2000 + (+year % 100), cvc: value('cvc') };
          if (value('holder')) body.name = value('holder');
          const answer = await fetch(host.dataset.tokens, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), credentials: 'omit' });
          const read = await answer.json();
          if (answer.ok) return read.id;
          const fields = { incorrect_number: ['number', 'number.invalid'], invalid_expiry_month: ['expiry', 'expiry.invalid'], invalid_expiry_year: ['expiry', 'expiry.past'], invalid_cvc: ['cvc', 'cvc.invalid'] };
          const [field, text] = fields[read.error && read.error.code] || ['form', 'card.failed'];
          throw { field, text };
        },
        destroy() {},
      };
    },
  };

  /* Stripe: the Payment Element, deferred; the payment method is made here and charged by the server. */
  const stripe = {
    async mount(host, given) {
      await load(host.dataset.script);
      const api = window.Stripe(given.values.publishable_key, { locale: document.documentElement.lang });
      const elements = api.elements({
        mode: 'payment', amount: given.amount, currency: given.currency.toLowerCase(),
        paymentMethodCreation: 'manual', paymentMethodTypes: ['card'],
        appearance: { theme: given.dark ? 'night' : 'stripe' },
      });
      const element = elements.create('payment', { wallets: { applePay: 'never', googlePay: 'never' } });
      await new Promise((resolve) => { element.on('ready', resolve); element.mount(host); });
      return {
        async token() {
          const checked = await elements.submit();
          if (checked.error) throw { field: 'hosted', message: checked.error.message };
          const made = await api.createPaymentMethod({ elements });
          if (made.error) throw { field: 'hosted', message: made.error.message };
          return made.paymentMethod.id;
        },
        destroy() { element.destroy(); },
      };
    },
  };

  /* Square: the Web Payments card, which also verifies the customer. */
  const square = {
    async mount(host, given) {
      await load(host.dataset.script);
      const payments = window.Square.payments(given.values.application_id, given.values.location_id);
      const card = await payments.card();
      await card.attach(`#${host.id}`);
      return {
        async token() {
          const result = await card.tokenize({
            amount: decimal(given.amount, given.currency), currencyCode: given.currency, intent: 'CHARGE',
            customerInitiated: true, sellerKeyedIn: false, billingContact: {},
          });
          if (result.status !== 'OK') throw { field: 'hosted', message: (result.errors || []).map((error) => error.message).join(' ') };
          return result.token;
        },
        destroy() { card.destroy(); },
      };
    },
  };

  /* PayPal: its buttons create our payment, whose approval they then show in PayPal's own window. */
  const paypal = {
    async mount(host, given) {
      if (!host.dataset.script) return { token: async () => '', destroy() {} };
      const source = new URL(host.dataset.script);
      source.searchParams.set('client-id', given.values.client_id);
      source.searchParams.set('currency', given.currency);
      source.searchParams.set('intent', 'capture');
      await load(source.href);
      const buttons = window.paypal.Buttons({
        async createOrder() {
          const state = await given.pay();
          return new URL(state.action_url).searchParams.get('token');
        },
        onApprove: () => given.done(),
        onCancel: () => given.done(),
        onError: () => given.done(),
      });
      await buttons.render(host);
      return { token: async () => '', drawn: true, destroy() { buttons.close(); } };
    },
  };

  window.clearwayAdapters = { simulator, stripe, square, paypal };
})();
