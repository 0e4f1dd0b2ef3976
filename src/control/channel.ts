/**
 * `mauvectl channel test`: has the running station send a real message to one
 * person by one channel, and follows it until the channel has said its last
 * word. For the afternoon on which a channel is set up, not for the night on
 * which it is needed.
 */
import * as z from 'zod';
import { type Duration, formatDuration, type Instant, milliseconds, plus } from '../time.ts';
import { askStation, read, type StationPlace, withToken } from './ask.ts';
import { type Done, exit, Refusal } from './ending.ts';
import type { ChannelCommand } from './options.ts';

/** How often it is looked how far the message has come. */
export const lookEvery: Duration = milliseconds(500);

const knows = 'test messages';
const sentSchema = z.object({ id: z.number() });
const messageSchema = z.object({
  id: z.number(),
  person: z.string(),
  channel: z.string(),
  status: z.string(),
  why: z.string(),
});
type Shown = z.output<typeof messageSchema>;

export type ChannelPlace = StationPlace & {
  readonly now: () => Instant;
  readonly pause: (wait: Duration) => Promise<void>;
  /** Prints, at once. */
  readonly say: (text: string) => Promise<void>;
};

/** How each status is said; one that this version does not know is said by its name. */
const statusWords: Readonly<Record<string, string>> = {
  pending: 'waits to be sent',
  leased: 'being sent',
  accepted: 'accepted by the provider, no receipt yet',
  delivered: 'delivered',
  failed: 'failed',
  obsolete: 'not sent',
};
const last: ReadonlySet<string> = new Set(['delivered', 'failed', 'obsolete']);

/** @throws Refusal where the station refused, or the message did not arrive: with the reason. */
export async function channelCommand(command: ChannelCommand, place: ChannelPlace): Promise<Done> {
  const { person, channel, wait, json } = command;
  return await withToken(command.tokenFile, place, async (token) => {
    const ask = (path: string, body?: object): Promise<unknown> =>
      askStation({ page: place.page, token, path, knows }, body);
    const { id } = read(sentSchema, await ask('/messages/test', { person, channel }));
    const end = plus(place.now(), wait);
    let before = '';
    for (;;) {
      const found = read(messageSchema, await ask(`/messages/${id}`));
      const line = json ? `${JSON.stringify(found)}\n` : lineOf(found);
      if (line !== before) await place.say(line);
      before = line;
      if (found.status === 'delivered') return { text: '' };
      if (last.has(found.status)) throw new Refusal(exit.refused, notArrived(found));
      if (place.now() >= end) throw new Refusal(exit.late, late(found, wait));
      await place.pause(lookEvery);
    }
  });
}

function lineOf({ channel, person, status, why }: Shown): string {
  const words = statusWords[status] ?? status;
  return `${channel} to ${person}: ${words}${why === '' ? '' : `: ${why}`}\n`;
}

const notArrived = ({ channel, person, status, why }: Shown): string =>
  `the test by ${channel} to ${person} ${status === 'failed' ? 'failed' : 'was not sent'}: ${why === '' ? 'no reason was given' : why}`;

function late({ channel, person, status, why }: Shown, wait: Duration): string {
  const last = why === '' ? '' : `; last: ${why}`;
  const what =
    status === 'accepted'
      ? `the provider took the test by ${channel} to ${person}, but did not say within ${formatDuration(wait)} that it was delivered`
      : `the test by ${channel} to ${person} was not delivered within ${formatDuration(wait)}`;
  return `${what}${last}`;
}
