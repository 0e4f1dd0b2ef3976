/**
 * The inbox: the channel that needs nothing outside. The row of the outbox is
 * the message itself and the web page shows it, so a message is delivered as
 * soon as it is there; this never writes or sends anything.
 */
import { seconds } from '../../time.ts';
import type { Channel } from './channel.ts';

const inboxConcurrency = 100;
const inboxTimeout = seconds(5);

export function openInbox(): Channel {
  return {
    name: 'inbox',
    concurrency: inboxConcurrency,
    timeout: inboxTimeout,
    send: () => Promise.resolve({ kind: 'delivered', why: 'in the inbox on the web page' }),
    close: () => Promise.resolve(),
  };
}
