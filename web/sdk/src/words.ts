// The few words outside the frame: its title, the close button, and the button of the one-tag form.

const WORDS: Record<string, string> = {
  en: "Payment|Close|Pay",
  ar: "الدفع|إغلاق|ادفع",
  de: "Zahlung|Schließen|Bezahlen",
  es: "Pago|Cerrar|Pagar",
  fr: "Paiement|Fermer|Payer",
  hi: "भुगतान|बंद करें|भुगतान करें",
  hy: "Վճարում|Փակել|Վճարել",
};

/** Language, title of the frame, name of the close button, text of the pay button. */
export type Words = [lang: string, payment: string, close: string, pay: string];

export function wordsOf(locale = navigator.language): Words {
  const lang = locale.slice(0, 2);
  return (WORDS[lang] ? `${lang}|${WORDS[lang]}` : `en|${WORDS.en}`).split("|") as Words;
}
