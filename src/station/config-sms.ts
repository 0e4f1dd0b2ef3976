/**
 * The `channels: {sms: …}` of the station file: what may be written there, and
 * what it means (docs/station-settings.md tells it to administrators).
 */
import * as z from 'zod';
import { minutes, seconds } from '../time.ts';
import { isLoopback } from './address.ts';
import type { SmsOptions } from './channels/sms.ts';
import type { SmsSender } from './channels/sms-client.ts';
import { smsSegmentsDefault, smsSegmentsMax } from './channels/sms-limits.ts';
import { rateSchema } from './config-rate.ts';
import { absent, type ChannelAround, type ChannelRead, type Findings, secretOf } from './config-secrets.ts';
import { phoneFault } from './policy/phone.ts';
import { durationBetween } from './yaml-file.ts';

const textMax = 4096;
export const smsTimeoutDefault = seconds(20);
const timeoutMin = seconds(1);
const timeoutMax = minutes(5);
export const smsConcurrencyDefault = 4;
const concurrencyMax = 20;
/** Twilio queues what a sender may not send yet; this only keeps a storm from being refused. */
export const smsRateDefault = { count: 10, per: seconds(1) };

const text = z.string().min(1).max(textMax);

const fromWords =
  'a telephone number such as "+447700900123" in quotes, a short code, or a name of at most 11 letters and digits is expected';

/** A key with nothing after it is one that is not there. */
export const smsSchema = z.strictObject({
  account_sid: z.string().regex(/^AC[0-9a-fA-F]{32}$/, {
    error:
      "the SID of an account is expected: AC and 32 digits of 0-9 a-f, as Twilio's console shows it (not SK…, which is that of an API key)",
  }),
  auth_token_file: text.nullish(),
  from: z.string({ error: fromWords }).max(textMax).nullish(),
  messaging_service_sid: z
    .string()
    .regex(/^MG[0-9a-fA-F]{32}$/, {
      error: 'the SID of a Messaging Service is expected: MG and 32 digits of 0-9 a-f',
    })
    .nullish(),
  api_base: text.nullish(),
  segments: z.int().min(1).max(smsSegmentsMax).nullish(),
  timeout: durationBetween(timeoutMin, timeoutMax).nullish(),
  concurrency: z.int().min(1).max(concurrencyMax).nullish(),
  rate: rateSchema.nullish(),
});
type Written = z.output<typeof smsSchema>;

/** The auth token comes from the file that is named, or from MAUVE_TWILIO_AUTH_TOKEN, which counts more. */
export function smsOptions(sms: Written, around: ChannelAround): ChannelRead<SmsOptions> {
  const found: Findings = { faults: [], warnings: [] };
  const missing = {
    key: 'account_sid',
    message: 'there is no auth token: set auth_token_file, or MAUVE_TWILIO_AUTH_TOKEN',
  };
  const tokenKey = 'auth_token_file';
  const token = secretOf(tokenKey, sms.auth_token_file, 'MAUVE_TWILIO_AUTH_TOKEN', missing, around, found);
  const sender = senderOf(sms, found);
  const apiBase = absent(sms.api_base) ? null : apiBaseOf(sms.api_base, found);
  const publicUrl = publicUrlOf(around.baseUrl, apiBase, found);
  if (found.faults.length > 0 || sender === null) return { ok: false, faults: found.faults };
  return {
    ok: true,
    warnings: found.warnings,
    options: {
      accountSid: sms.account_sid,
      authToken: () => token,
      sender,
      apiBase,
      publicUrl,
      segments: sms.segments ?? smsSegmentsDefault,
      timeout: sms.timeout ?? smsTimeoutDefault,
      concurrency: sms.concurrency ?? smsConcurrencyDefault,
      rate: sms.rate ?? smsRateDefault,
    },
  };
}

/** @returns null, with a fault on record, where nobody is named, or two are. */
function senderOf({ from, messaging_service_sid: service }: Written, found: Findings): SmsSender | null {
  if (absent(from) === absent(service)) {
    const message = absent(from)
      ? 'who sends is missing: set from, or messaging_service_sid'
      : 'from and messaging_service_sid both say who sends: leave one of the two out';
    found.faults.push({ key: absent(from) ? 'account_sid' : 'messaging_service_sid', message });
    return null;
  }
  if (!absent(service)) return { messagingService: service };
  if (absent(from)) return null;
  const fault = fromFault(from);
  if (fault !== null) found.faults.push({ key: 'from', message: fault });
  else if (!/^\+?\d+$/.test(from)) {
    const message = 'nobody can answer a name: people cannot acknowledge by answering the message';
    found.warnings.push({ key: 'from', message });
  }
  return { from };
}

/** E.164, a short code, or a name that is shown: Twilio wants a letter in it. */
function fromFault(from: string): string | null {
  if (from.startsWith('+')) return phoneFault(from);
  if (/^\d{3,8}$/.test(from)) return null;
  return /^(?=.*[A-Za-z])[A-Za-z0-9 +&_-]{1,11}$/.test(from) && from.trim() === from ? null : fromWords;
}

/** @returns null, with a fault on record, where it is none. */
function apiBaseOf(written: string, found: Findings): string | null {
  const url = URL.canParse(written) ? new URL(written) : null;
  const fault = (message: string): null => {
    found.faults.push({ key: 'api_base', message });
    return null;
  };
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return fault('an address such as https://api.dublin.ie1.twilio.com is expected');
  }
  if (url.username !== '' || url.password !== '') {
    return fault(
      'no login belongs into the address: the account and its auth token have settings of their own',
    );
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return fault(`only scheme, host and port are expected: ${url.origin}`);
  }
  if (url.protocol === 'http:' && !isLoopback(hostOf(url))) {
    return fault(`without https, the auth token can be read by whoever is between here and ${url.hostname}`);
  }
  return url.origin;
}

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1');

/** Where Twilio can call this station: on its own host only what stands in for Twilio there can. */
function publicUrlOf(baseUrl: string | null, apiBase: string | null, found: Findings): string | null {
  const here = (url: string): boolean => isLoopback(hostOf(new URL(url)));
  if (baseUrl !== null && (!here(baseUrl) || (apiBase !== null && here(apiBase)))) return baseUrl;
  const why = baseUrl === null ? 'base_url is not set' : 'base_url leads to this machine only';
  const message = `${why}, so that Twilio cannot call this station: it will be asked what became of messages, and no answers to them come in`;
  found.warnings.push({ key: 'account_sid', message });
  return null;
}
