/** Twilio's rules, as far as the stand-in needs them: what it refuses, with which code, and how it signs. */
import { createHmac } from 'node:crypto';

export type Refusal = { readonly status: number; readonly code: number; readonly message: string };
export const bad = (code: number, message: string): Refusal => ({ status: 400, code, message });

const magicTo: Readonly<Record<string, Refusal>> = {
  '+15005550001': bad(21211, "The 'To' number +15005550001 is not a valid phone number."),
  '+15005550002': bad(21612, "The 'To' phone number: +15005550002, is not currently reachable."),
  '+15005550003': bad(21408, 'Permission to send an SMS has not been enabled for the region.'),
  '+15005550004': bad(21610, 'Attempt to send to unsubscribed recipient'),
  '+15005550009': bad(21614, 'To number: +15005550009, is not a mobile number'),
};
const magicFrom: Readonly<Record<string, Refusal>> = {
  '+15005550001': bad(21212, "The 'From' number +15005550001 is not a valid phone number."),
  '+15005550007': bad(21606, 'The From phone number +15005550007 is not a valid, SMS-capable number.'),
  '+15005550008': { status: 429, code: 21611, message: "This 'From' number has exceeded its queue." },
};

/** As Twilio signs: the address it calls, then each field's name and value, in the order of their names. */
export function signatureOf(token: string, url: string, form: Readonly<Record<string, string>>): string {
  const fields = Object.keys(form).sort();
  const signed = fields.reduce((text, name) => `${text}${name}${form[name]}`, url);
  return createHmac('sha1', token).update(signed, 'utf8').digest('base64');
}

const bodyMax = 1600;

/** What Twilio would say against the request, in the order in which it looks. */
export function faultOf(form: URLSearchParams, type: string): Refusal | null {
  if (!type.startsWith('application/x-www-form-urlencoded')) {
    return { status: 415, code: 20415, message: 'Unsupported media type' };
  }
  const to = form.get('To') ?? '';
  const from = form.get('From');
  const body = form.get('Body') ?? '';
  const callback = form.get('StatusCallback');
  if (to === '') return bad(21604, "A 'To' phone number is required.");
  if (from === null && !form.has('MessagingServiceSid')) {
    return bad(21603, "A 'From' phone number or a 'MessagingServiceSid' is required.");
  }
  if (body === '') return bad(21602, 'Message body is required.');
  if (body.length > bodyMax)
    return bad(21617, 'The concatenated message body exceeds the 1600 character limit.');
  if (!/^\+[1-9]\d{6,14}$/.test(to)) return bad(21211, `The 'To' number ${to} is not a valid phone number.`);
  if (from !== null && !/^(\+[1-9]\d{6,14}|\d{3,8}|[A-Za-z0-9 +&_-]{1,11})$/.test(from)) {
    return bad(21212, `The 'From' number ${from} is not a valid phone number, shortcode, or sender ID.`);
  }
  if (callback !== null && !(URL.canParse(callback) && /^https?:/.test(callback))) {
    return bad(21609, `Invalid 'StatusCallback' URL ${callback}`);
  }
  if (to === from) return bad(21266, "'To' and 'From' number cannot be the same");
  return magicTo[to] ?? magicFrom[from ?? ''] ?? null;
}
