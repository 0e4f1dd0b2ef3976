/**
 * Addresses for XMPP as one text, which is how the outbox keeps addresses: a
 * person (`johnny@example.com`), a person who is told only while they are
 * online (`johnny@example.com?online`), or a room
 * (`ops@conference.example.com?join`). The one place that writes and reads
 * them: the policy writes, the channel reads.
 *
 * No domain holds a question mark, so that the two never run into each other.
 */

export type XmppAddress =
  | { readonly kind: 'person'; readonly jid: string; readonly onlyOnline: boolean }
  | { readonly kind: 'room'; readonly jid: string };

/** An account or a room without a resource (RFC 7622, somewhat narrowed). */
export const jidSyntax =
  /^[^\s\p{Cc}"&'/:<>@]{1,200}@(?=[\p{L}\p{N}])(?:[\p{L}\p{N}-]{1,63}\.)*[\p{L}\p{N}-]{0,62}[\p{L}\p{N}]$/u;
/** In characters. */
export const jidMax = 254;

const onlineSuffix = '?online';
const roomSuffix = '?join';

/** Upper and lower case are one to XMPP; the text has them in one. */
export function writeXmppAddress(address: XmppAddress): string {
  const jid = address.jid.toLowerCase();
  if (address.kind === 'room') return `${jid}${roomSuffix}`;
  return address.onlyOnline ? `${jid}${onlineSuffix}` : jid;
}

/** @returns null where the text is no such address. */
export function readXmppAddress(text: string): XmppAddress | null {
  const written = text.toLowerCase();
  const suffix = [onlineSuffix, roomSuffix].find((one) => written.endsWith(one)) ?? '';
  const jid = written.slice(0, written.length - suffix.length);
  if (jid.length > jidMax || !jidSyntax.test(jid)) return null;
  if (suffix === roomSuffix) return { kind: 'room', jid };
  return { kind: 'person', jid, onlyOnline: suffix === onlineSuffix };
}

/** Whose address it is, however it was written: as what is heard on XMPP names its sender or its room. */
export function bareJid(jid: string): string {
  const [bare = ''] = jid.split('/', 1);
  return bare.toLowerCase();
}

/** What stands behind the slash: a client of a person, a nick in a room; empty where there is none. */
export function resourceOf(jid: string): string {
  const slash = jid.indexOf('/');
  return slash < 0 ? '' : jid.slice(slash + 1);
}
