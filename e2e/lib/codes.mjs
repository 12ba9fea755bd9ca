/** What people read elsewhere: their mail, and their authenticator app. */
import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

/** A mailbox at the server's admin API, which gives each message of `template` to `recipient` once. */
export function mailbox(adminUrl) {
  const read = new Set();
  return async function next(recipient, template) {
    for (const deadline = Date.now() + 10_000; Date.now() < deadline; await sleep(50)) {
      const answer = await fetch(`${adminUrl}/admin/courier/messages?recipient=${encodeURIComponent(recipient)}`);
      const messages = await answer.json();
      const message = messages.find(({ id, template_type }) => template_type === template && !read.has(id));
      if (message) {
        read.add(message.id);
        return message.body;
      }
    }
    throw new Error(`no message ${template} reached ${recipient}`);
  };
}

export const codeIn = (body) => body.match(/\b\d{6}\b/)[0];
export const linkIn = (body) => body.match(/https?:\/\/\S+/)[0];

/** The code of an authenticator app at this moment or some steps `ahead`, from its secret in base32
 * (RFC 6238: SHA-1, 30 seconds, 6 digits). */
export function totp(secret, ahead = 0) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const hash = createHmac("sha1", key).update(step).digest();
  const number = hash.readUInt32BE(hash.at(-1) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}
