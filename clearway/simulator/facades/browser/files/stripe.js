/* A stand-in of Stripe.js: the part of its surface that a deferred Payment Element needs. */
(() => {
  'use strict';
  const base = new URL(document.currentScript.src).origin;

  function frame(kind, key, dark) {
    const element = document.createElement('iframe');
    element.title = 'Secure card payment input frame';
    element.allow = 'payment';
    element.width = '100%';
    element.height = '190';
    element.src = `${base}/browser/card#${new URLSearchParams({ kind, key, ...(dark ? { dark: 1 } : {}) })}`;
    return element;
  }

  function ask(element, what) {
    const id = Math.random();
    return new Promise((resolve) => {
      window.addEventListener('message', function heard(event) {
        if (event.source !== element.contentWindow || event.origin !== base || event.data.answer !== id) return;
        window.removeEventListener('message', heard);
        resolve(event.data);
      });
      element.contentWindow.postMessage({ ask: what, id }, base);
    });
  }

  window.Stripe = (key) => {
    if (!/^pk_(test|live)_/.test(key)) throw new Error('Please call Stripe() with your publishable key.');
    const frames = new WeakMap();
    return {
      elements(options) {
        if (options.mode !== 'payment' || !Number.isInteger(options.amount) || !/^[a-z]{3}$/.test(options.currency)) throw new Error('IntegrationError: mode, amount and currency are needed.');
        if (options.paymentMethodCreation !== 'manual') throw new Error('IntegrationError: createPaymentMethod needs paymentMethodCreation "manual".');
        const elements = {
          submitted: false,
          create(name) {
            if (name !== 'payment') throw new Error(`IntegrationError: no element ${name}.`);
            const heard = {};
            const element = frame('stripe', key, options.appearance && options.appearance.theme === 'night');
            frames.set(elements, element);
            element.addEventListener('load', () => heard.ready && heard.ready());
            return {
              on(event, act) { heard[event] = act; return this; },
              mount(place) { (typeof place === 'string' ? document.querySelector(place) : place).append(element); },
              destroy() { element.remove(); },
            };
          },
          async submit() {
            const { message } = await ask(frames.get(elements), 'check');
            elements.submitted = !message;
            return message ? { error: { type: 'validation_error', message } } : {};
          },
        };
        return elements;
      },
      async createPaymentMethod({ elements }) {
        if (!elements.submitted) throw new Error('IntegrationError: call elements.submit() first.');
        const made = await ask(frames.get(elements), 'token');
        return made.id ? { paymentMethod: { id: made.id } } : { error: { type: 'card_error', message: made.message } };
      },
    };
  };
})();
