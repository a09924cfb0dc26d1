/* The window of PayPal's stand-in: approves or cancels the order that the shop's page names. */
(() => {
  'use strict';
  const approve = document.getElementById('approve');
  const cancel = document.getElementById('cancel');
  window.addEventListener('message', (event) => {
    if (event.source !== window.opener || !event.data.order) return;
    document.getElementById('order').textContent = event.data.order;
    const act = (path, said) => async () => {
      await fetch(`/paypal/checkoutnow/${event.data.order}/${path}`, { method: 'POST', redirect: 'manual' });
      window.opener.postMessage(said, event.origin);
    };
    approve.onclick = act('approve/balance', 'approved');
    cancel.onclick = act('cancel', 'cancelled');
    approve.disabled = cancel.disabled = false;
  });
  window.opener.postMessage('ready', '*');
})();
