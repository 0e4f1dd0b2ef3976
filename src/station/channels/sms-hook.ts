/**
 * What Twilio asks of the station: it reports what became of a message, and
 * brings what people answered. Nothing is believed before its signature is
 * checked, which is made with the account's auth token over the address that
 * Twilio called and all the fields.
 *
 * Twilio may bring the same answer twice, and nobody must then be acknowledged
 * for twice: the second time it gets the words of the first.
 */
import { LRUCache } from 'lru-cache';
import type { Logger } from '../../log.ts';
import type { ChannelEvents, HookAnswer, HookRequest } from './channel.ts';
import { isMessageSid, loadTwilio } from './sms-client.ts';
import { smsSegmentsMax } from './sms-limits.ts';
import { reportOf } from './sms-results.ts';
import { shortenedSms } from './sms-text.ts';

export type SmsHookOptions = {
  readonly authToken: () => string;
  /** What Twilio calls, without a slash at the end; null: Twilio cannot call this station. */
  readonly publicUrl: string | null;
  readonly events: ChannelEvents;
  readonly log: Logger;
};

export const statusPath = 'status';
export const inboundPath = 'inbound';
/** Behind `publicUrl`. */
export const hookPath = (path: string): string => `/hooks/sms/${path}`;

/** In characters, of all names and values together. */
export const formMax = 64 * 1024;
const statusMax = 32;
const fromMax = 64;
/** An SMS has at most 1600; who writes more means nothing good. */
const bodyMax = 2000;
/** How many messages that came in are remembered. */
export const rememberedMax = 1000;

const status = {
  ok: 200,
  noContent: 204,
  bad: 400,
  forbidden: 403,
  notFound: 404,
  tooLarge: 413,
  unavailable: 503,
} as const;

const plain = (code: number, body: string): HookAnswer => ({ status: code, type: 'text/plain', body });

/** @returns what takes Twilio's requests; it never rejects. */
export function smsHook(options: SmsHookOptions): (request: HookRequest) => Promise<HookAnswer> {
  const remembered = new LRUCache<string, Promise<string | null>>({ max: rememberedMax });
  let forged = 0;
  // Anybody can send thousands of these: each doubling has a line.
  const onForged = (url: string): void => {
    forged += 1;
    if (Number.isInteger(Math.log2(forged)))
      options.log.warn(
        { url, requests: forged },
        'a request that should be from Twilio has a wrong signature',
      );
  };
  return async (request) => {
    const refused = await refusal(request, options, onForged);
    if (refused !== null) return refused;
    try {
      return request.path === statusPath
        ? await takeStatus(request.form, options)
        : await takeInbound(request.form, options, remembered);
    } catch (error) {
      options.log.warn({ err: error, path: request.path }, 'what Twilio brought could not be recorded');
      return plain(status.unavailable, 'It cannot be recorded now. Please try again.');
    }
  };
}

/** @returns null: it is genuine. */
async function refusal(
  { path, form, headers }: HookRequest,
  { authToken, publicUrl }: SmsHookOptions,
  onForged: (url: string) => void,
): Promise<HookAnswer | null> {
  if (path !== statusPath && path !== inboundPath) return plain(status.notFound, 'There is nothing here.');
  if (publicUrl === null) {
    const why = 'base_url is not set in the station file to an address that Twilio can call';
    return plain(status.forbidden, `Nobody can tell whether this is genuine: ${why}.`);
  }
  const signature = headers['x-twilio-signature'] ?? '';
  if (signature === '') return plain(status.forbidden, 'X-Twilio-Signature is missing.');
  const size = Object.entries(form).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (size > formMax) return plain(status.tooLarge, `More than ${formMax} characters are not taken.`);
  const { validateRequest } = await loadTwilio();
  const url = `${publicUrl}${hookPath(path)}`;
  if (validateRequest(authToken(), signature, url, { ...form })) return null;
  onForged(url);
  return plain(
    status.forbidden,
    `The signature does not hold for ${url}: Twilio must call exactly this address, and the auth token must be the account's.`,
  );
}

type Form = HookRequest['form'];

async function takeStatus(form: Form, { events }: SmsHookOptions): Promise<HookAnswer> {
  const reference = form.MessageSid ?? form.SmsSid ?? '';
  const state = form.MessageStatus ?? form.SmsStatus ?? '';
  if (!isMessageSid(reference)) return plain(status.bad, 'MessageSid is missing, or is none.');
  if (state === '' || state.length > statusMax) {
    return plain(status.bad, 'MessageStatus is missing, or is none.');
  }
  const code = /^\d{1,9}$/.test(form.ErrorCode ?? '') ? Number(form.ErrorCode) : 0;
  const report = reportOf(reference, state, code);
  if (report === null) return plain(status.bad, `"${state}" is no status of a message that was sent.`);
  await events.report(report);
  return plain(status.noContent, '');
}

async function takeInbound(
  form: Form,
  options: SmsHookOptions,
  remembered: LRUCache<string, Promise<string | null>>,
): Promise<HookAnswer> {
  const sid = form.MessageSid ?? form.SmsSid ?? '';
  if (!isMessageSid(sid)) return plain(status.bad, 'MessageSid is missing, or is none.');
  const { From: from = '', Body: text } = form;
  if (from === '' || from.length > fromMax) return plain(status.bad, 'From is missing, or is too long.');
  if (text === undefined) return plain(status.bad, 'Body is missing.');
  if (text.length > bodyMax) return plain(status.bad, `Body has more than ${bodyMax} characters.`);
  const answer = remembered.get(sid) ?? hear(from, text, form, options);
  remembered.set(sid, answer);
  try {
    return await twiml(await answer);
  } catch (error) {
    // What was not recorded is no answer: the next time it is taken anew.
    remembered.delete(sid);
    throw error;
  }
}

async function hear(
  from: string,
  text: string,
  form: Form,
  { events, log }: SmsHookOptions,
): Promise<string | null> {
  if (form.OptOutType === 'STOP' || form.OptOutType === 'START') {
    const words = { STOP: 'unsubscribed: Twilio sends them nothing more', START: 'subscribed again' };
    log.warn({ from }, `somebody ${words[form.OptOutType]}`);
    return null;
  }
  // A short code or a name: a machine, which would answer the answer.
  if (!/^\+[1-9]\d{6,14}$/.test(from)) {
    log.info({ from }, 'an SMS from what is no telephone number was left alone');
    return null;
  }
  return await events.heard({ channel: 'sms', from, room: null, text });
}

/** Who asked may have a longer answer than an alert may be. */
async function twiml(answer: string | null): Promise<HookAnswer> {
  const { twiml: language } = await loadTwilio();
  const response = new language.MessagingResponse();
  if (answer !== null && answer.trim() !== '') response.message(shortenedSms(answer, smsSegmentsMax));
  return { status: status.ok, type: 'text/xml', body: response.toString() };
}
