/**
 * Who speaks, by the address that the channel vouches for and nothing else:
 * names and nicknames are whatever anybody calls themselves.
 */
import type { Heard } from './channels/channel.ts';
import type { Person, Policy } from './core/policy.ts';

/** The people of the policy whose own address it is. */
export function speakersOf(policy: Policy, { channel, from }: Heard): readonly Person[] {
  if (from === '') return [];
  const wanted = foldAddress(channel, from);
  return [...policy.people.values()].filter((person) => ownAddress(person, channel) === wanted);
}

/** Null where the person has none, or it is that of a room, in which anybody may speak. */
function ownAddress(person: Person, channel: string): string | null {
  const written = person.addresses[channel];
  if (written === undefined) return null;
  const [address = '', query = ''] = written.split('?', 2);
  return query.split(/[;&]/u).includes('join') ? null : foldAddress(channel, address);
}

/** A JID's letters may be small or large, and a device of the person's may stand behind it. */
const foldAddress = (channel: string, address: string): string =>
  channel === 'xmpp' ? (address.split('/', 1)[0] ?? '').toLowerCase() : address;
