/* A stand-in of PayPal's JavaScript SDK: `Buttons({createOrder, onApprove, onCancel, onError}).render(place)`. */
(() => {
  'use strict';
  const base = new URL(document.currentScript.src).origin;

  window.paypal = {
    Buttons(given) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = 'PayPal';
      button.className = 'button';
      button.addEventListener('click', async () => {
        const popup = window.open(`${base}/paypal/sdk/window`, 'paypal', 'width=460,height=640');
        try {
          const order = await given.createOrder();
          let over = false;
          window.addEventListener('message', (event) => {
            if (event.origin !== base || event.source !== popup) return;
            if (event.data === 'ready') popup.postMessage({ order }, base);
            if (event.data === 'approved' || event.data === 'cancelled') { over = true; popup.close(); given[event.data === 'approved' ? 'onApprove' : 'onCancel']({ orderID: order }); }
          });
          popup.postMessage({ order }, base);
          const watch = setInterval(() => { if (popup.closed) { clearInterval(watch); if (!over) given.onCancel({ orderID: order }); } }, 300);
        } catch (error) { if (popup) popup.close(); if (given.onError) given.onError(error); }
      });
      return {
        async render(place) { (typeof place === 'string' ? document.querySelector(place) : place).append(button); },
        async close() { button.remove(); },
      };
    },
  };
})();
