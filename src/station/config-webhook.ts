/**
 * The `channels: {webhook: …}` of the station file. To whom messages go is in
 * the policy; here is what all of them are signed and sent with.
 */
import * as z from 'zod';
import { minutes, seconds } from '../time.ts';
import { type WebhookOptions, webhookConcurrency, webhookTimeout } from './channels/webhook.ts';
import { rateSchema } from './config-rate.ts';
import {
  absent,
  type ChannelAround,
  type ChannelRead,
  certificatesIn,
  type Findings,
  secretOf,
} from './config-secrets.ts';
import { durationBetween } from './yaml-file.ts';

const concurrencyMax = 50;
const timeoutMin = seconds(1);
const timeoutMax = minutes(2);
/** In characters: a secret that is shorter can be found by trying, from one message that was overheard. */
export const webhookSecretMin = 16;

const text = z.string().min(1).max(4096);

export const webhookSchema = z.strictObject({
  secret_file: text.nullish(),
  tls_ca_file: text.nullish(),
  timeout: durationBetween(timeoutMin, timeoutMax).nullish(),
  concurrency: z.int().min(1).max(concurrencyMax).nullish(),
  rate: rateSchema.nullish(),
});

/** The secret comes from the file that is named, or from MAUVE_WEBHOOK_SECRET, which counts more. */
export function webhookOptions(
  webhook: z.output<typeof webhookSchema>,
  around: ChannelAround,
): ChannelRead<WebhookOptions> {
  const found: Findings = { faults: [], warnings: [] };
  const { faults, warnings } = found;
  const key = 'secret_file';
  const missing = {
    key,
    message: 'there is no secret to sign with: set secret_file, or MAUVE_WEBHOOK_SECRET',
  };
  const secret = secretOf(key, webhook.secret_file, 'MAUVE_WEBHOOK_SECRET', missing, around, found);
  if (faults.length === 0 && secret.length < webhookSecretMin) {
    const message = `the secret is to have at least ${webhookSecretMin} characters, as openssl rand -hex 32 makes them`;
    faults.push({ key, message });
  }
  const ca = absent(webhook.tls_ca_file)
    ? null
    : certificatesIn('tls_ca_file', webhook.tls_ca_file, around, found);
  if (faults.length > 0) return { ok: false, faults };
  return {
    ok: true,
    warnings,
    options: {
      secret: () => secret,
      ca,
      timeout: webhook.timeout ?? webhookTimeout,
      concurrency: webhook.concurrency ?? webhookConcurrency,
      rate: webhook.rate ?? null,
    },
  };
}
