/**
 * The `channels: {…}` of the station file: which ways of reaching people are
 * set up. What each one takes is in a file of its own, config-NAME.ts; here they
 * are gathered, so that config.ts need not know them one by one.
 */
import * as z from 'zod';
import type { EmailOptions } from './channels/email.ts';
import type { SmsOptions } from './channels/sms.ts';
import type { WebhookOptions } from './channels/webhook.ts';
import type { XmppOptions } from './channels/xmpp.ts';
import { emailOptions, emailSchema } from './config-email.ts';
import type { ChannelAround, ChannelRead, Finding } from './config-secrets.ts';
import { smsOptions, smsSchema } from './config-sms.ts';
import { webhookOptions, webhookSchema } from './config-webhook.ts';
import { xmppOptions, xmppSchema } from './config-xmpp.ts';

export const channelsSchema = z.strictObject({
  email: emailSchema.nullish(),
  sms: smsSchema.nullish(),
  xmpp: xmppSchema.nullish(),
  webhook: webhookSchema.nullish(),
});
type Written = z.output<typeof channelsSchema>;

/** Null: not set up. */
export type ChannelOptions = {
  readonly email: EmailOptions | null;
  readonly sms: SmsOptions | null;
  readonly xmpp: XmppOptions | null;
  readonly webhook: WebhookOptions | null;
};

/** The key is the channel's, and that of its setting. */
export type ChannelFinding = Finding & { readonly channel: keyof ChannelOptions };

export type ChannelsRead =
  | { readonly ok: true; readonly options: ChannelOptions; readonly warnings: readonly ChannelFinding[] }
  | { readonly ok: false; readonly faults: readonly ChannelFinding[] };

export function channelOptions(written: Written, around: ChannelAround): ChannelsRead {
  const faults: ChannelFinding[] = [];
  const warnings: ChannelFinding[] = [];
  const read = <Settings, Options>(
    channel: keyof ChannelOptions,
    settings: Settings | null | undefined,
    reader: (settings: Settings, around: ChannelAround) => ChannelRead<Options>,
  ): Options | null => {
    if (settings === null || settings === undefined) return null;
    const found = reader(settings, around);
    if (!found.ok) {
      faults.push(...found.faults.map((fault) => ({ ...fault, channel })));
      return null;
    }
    warnings.push(...found.warnings.map((warning) => ({ ...warning, channel })));
    return found.options;
  };
  const options: ChannelOptions = {
    email: read('email', written.email, emailOptions),
    sms: read('sms', written.sms, smsOptions),
    xmpp: read('xmpp', written.xmpp, xmppOptions),
    webhook: read('webhook', written.webhook, webhookOptions),
  };
  return faults.length > 0 ? { ok: false, faults } : { ok: true, options, warnings };
}
