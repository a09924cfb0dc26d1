/* A stand-in of Square's Web Payments SDK: `payments(…).card()`, `attach` and `tokenize`. */
(() => {
  'use strict';
  const base = new URL(document.currentScript.src).origin;

  window.Square = {
    payments(application, location) {
      if (!application || !location) throw new Error('InvalidApplicationIdError');
      return {
        async card() {
          const element = document.createElement('iframe');
          element.title = 'Secure Credit Card Form';
          element.width = '100%';
          element.height = '190';
          element.src = `${base}/browser/card#kind=square`;
          return {
            attach(selector) {
              return new Promise((resolve) => { element.addEventListener('load', resolve); document.querySelector(selector).append(element); });
            },
            tokenize(details) {
              for (const name of ['amount', 'currencyCode', 'intent']) if (!details || !details[name]) throw new Error(`InvalidVerificationDetails: ${name}`);
              const id = Math.random();
              return new Promise((resolve) => {
                window.addEventListener('message', function heard(event) {
                  if (event.source !== element.contentWindow || event.origin !== base || event.data.answer !== id) return;
                  window.removeEventListener('message', heard);
                  resolve(event.data.id ? { status: 'OK', token: event.data.id } : { status: 'Invalid', errors: [{ message: event.data.message }] });
                });
                element.contentWindow.postMessage({ ask: 'token', id }, base);
              });
            },
            async destroy() { element.remove(); },
          };
        },
      };
    },
  };
})();
