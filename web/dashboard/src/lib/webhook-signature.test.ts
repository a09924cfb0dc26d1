import { describe, expect, it } from "vitest";
import { verifyWebhook } from "@/lib/webhook-signature";

// Made by clearway.crypto.signing.sign with this secret, id, time and body.
const SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const BODY = '{"id":"evt_1","type":"payment.success"}';
const AT = 1_790_000_000;
const HEADERS =
  "webhook-id: evt_1\nwebhook-timestamp: 1790000000\nwebhook-signature: v1,Mqq5q1r3kuymkpK/EktZeCXqxiv5lAQaazdGAI9QxKg=";
const BODY_ONLY = "X-Webhook-Signature: 59a0bf74903dfef5334323c8bc8d716209c5e0b1aeb90655b6c22491e05d7c6e";

describe("verifyWebhook", () => {
  it("accepts what the server signed", async () => {
    expect((await verifyWebhook(SECRET, HEADERS, BODY, AT + 10)).ok).toBe(true);
    expect((await verifyWebhook(SECRET, BODY_ONLY, BODY)).ok).toBe(true);
  });

  it.each([
    ["too old", HEADERS, BODY, AT + 3_600],
    ["written again", HEADERS, JSON.stringify(JSON.parse(BODY), null, 2), AT],
    ["without the line end", HEADERS, `${BODY}\n`, AT],
    ["not the one that was signed", HEADERS, BODY.replace("success", "failed"), AT],
    ["missing", "Content-Type: application/json", BODY, AT],
    ["written again", BODY_ONLY, JSON.stringify(JSON.parse(BODY), null, 1), AT],
  ])("says that it is %s", async (words, headers, body, now) => {
    const verdict = await verifyWebhook(SECRET, headers, body, now);
    expect(verdict.ok).toBe(false);
    expect(`${verdict.title} ${verdict.detail}`).toContain(words);
  });

  it("names a secret that is none", async () => {
    expect((await verifyWebhook("secret_test_xyz789", HEADERS, BODY, AT)).title).toBe("This is not a signing secret");
    expect((await verifyWebhook("whsec_abc", HEADERS, BODY, AT)).title).toBe("The secret is not whole");
  });
});
