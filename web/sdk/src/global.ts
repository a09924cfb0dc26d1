// `checkout.js`: the same as a script, with the global and the one-tag form.
import { PaymentGateway } from "./gateway";
import { readTag } from "./tag";

const own = document.currentScript;

Object.assign(window, { PaymentGateway });
if (own instanceof HTMLScriptElement) readTag(own);
