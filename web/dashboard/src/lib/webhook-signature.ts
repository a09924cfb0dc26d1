/** Checks a webhook as a receiver does, and says what is wrong. The secret stays in the browser. */
export type Verdict = { ok: boolean; title: string; detail: string };

const TOLERANCE_S = 300;

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
}

async function hmac(key: Uint8Array<ArrayBuffer>, text: string): Promise<Uint8Array> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, bytesOf(text)));
}

function decoded(base64: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)) as Uint8Array<ArrayBuffer>;
  } catch {
    return null;
  }
}

const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));
const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Headers as pasted: `name: value` lines, in any case. */
export function parseHeaders(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const at = line.indexOf(":");
    if (at > 0) found[line.slice(0, at).trim().toLowerCase()] = line.slice(at + 1).trim();
  }
  return found;
}

/** What a changed body usually is: parsed and written again, or with a line end that a copy added. */
async function hintFor(body: string, matches: (body: string) => Promise<boolean>): Promise<string> {
  if (await matches(body.replace(/\r?\n$/, "")))
    return "It matches without the line end after the body. Sign the body as it came.";
  try {
    if (await matches(JSON.stringify(JSON.parse(body)))) {
      return "It matches when white space is removed: the body was parsed and written again. Verify the raw bytes before you parse them.";
    }
  } catch {
    return "The body is not even JSON. Paste it whole, from the first brace to the last.";
  }
  return "The body, or the secret, is not the one that was signed. Is the secret that of this endpoint, and the newest?";
}

export async function verifyWebhook(
  secret: string,
  headersText: string,
  body: string,
  now = Date.now() / 1_000,
): Promise<Verdict> {
  const headers = parseHeaders(headersText);
  const wrong = (title: string, detail: string): Verdict => ({ ok: false, title, detail });
  if (!secret.trim().startsWith("whsec_")) {
    return wrong("This is not a signing secret", "It begins with `whsec_`. An API secret signs nothing.");
  }
  const key = decoded(secret.trim().slice(6));
  if (!key || key.length < 24)
    return wrong("The secret is not whole", "Copy it again: the part after `whsec_` is base64.");
  const [id, at, signatures] = [headers["webhook-id"], headers["webhook-timestamp"], headers["webhook-signature"]];
  if (!id || !at || !signatures) {
    return verifyBodyOnly(secret.trim(), headers["x-webhook-signature"], body);
  }
  const matches = async (text: string) => {
    const made = `v1,${base64(await hmac(key, `${id}.${at}.${text}`))}`;
    return signatures.split(" ").includes(made);
  };
  if (!(await matches(body))) return wrong("The signature does not match", await hintFor(body, matches));
  const age = now - Number(at);
  if (Math.abs(age) > TOLERANCE_S) {
    const minutes = Math.round(Math.abs(age) / 60);
    return wrong(
      "The signature matches, and it is too old",
      `It was made ${minutes} minutes ${age > 0 ? "ago" : "from now"}. A receiver refuses more than 5 minutes, so that nobody can send it again. For an old delivery this is as it should be.`,
    );
  }
  return { ok: true, title: "The webhook is genuine", detail: "Signature and time are right." };
}

async function verifyBodyOnly(secret: string, signatures: string | undefined, body: string): Promise<Verdict> {
  if (!signatures) {
    return {
      ok: false,
      title: "The headers are missing",
      detail: "Paste `webhook-id`, `webhook-timestamp` and `webhook-signature`, one on each line.",
    };
  }
  const matches = async (text: string) => signatures.split(",").includes(hex(await hmac(bytesOf(secret), text)));
  if (await matches(body)) {
    return {
      ok: true,
      title: "The webhook is genuine",
      detail: "This header does not cover the time. Prefer `webhook-signature`, which does.",
    };
  }
  return { ok: false, title: "The signature does not match", detail: await hintFor(body, matches) };
}
