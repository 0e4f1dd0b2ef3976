/**
 * Links in messages: a token that says which alert and which person, until
 * when, and proves by a signature that this station made it. Nothing is stored
 * for one, so that there may be as many as there are messages; whoever has it
 * may acknowledge that alert in that person's name, and nothing else.
 *
 * The same for all messages about an alert that fell due within the same hour,
 * so that one that is sent again is the same to a letter.
 */
import { Buffer } from 'node:buffer';
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Clock, days, hours, type Instant, instant } from '../time.ts';
import type { AlertKey, PersonId } from './core/alert.ts';
import type { Policy } from './core/policy.ts';
import type { LinkRead } from './door.ts';
import type { Store } from './store/store.ts';

/** A link works for so long after its message fell due, and at most an hour longer. */
export const linkLives = days(7);
const hour = hours(1);
const version = 1;
/** In bytes. Enough to tell people of one policy apart, and no name for others to read. */
const personBytes = 6;
/** Hours since 1970: enough until the year 3883. */
const hourBytes = 3;
/** 96 bits. */
const signatureBytes = 12;
const keyBytesMax = 8;
/** In characters. */
export const tokenMax = Math.ceil(((1 + keyBytesMax + personBytes + hourBytes + signatureBytes) * 4) / 3);

const secretFact = 'link_secret';
const secretBytes = 32;
const secretPattern = /^[0-9a-f]{64}$/;

export type LinksOptions = {
  /** See `loadLinkSecret`. */
  readonly secret: Buffer;
  readonly clock: Clock;
  readonly policy: () => Policy;
};

export interface Links {
  /** At most `tokenMax` characters of base64url. @param from when the message fell due. */
  make(alert: AlertKey, person: PersonId, from: Instant): string;
  /** What a token stands for. Whether there still is such an alert, the caller looks up. */
  read(token: string): LinkRead;
}

/** The secret that signs links; made once, at the first start. Who has it can make links, so it never leaves the station. */
export async function loadLinkSecret(store: Pick<Store, 'transaction'>): Promise<Buffer> {
  return await store.transaction(async (tx) => {
    const kept = await tx.getFact(secretFact);
    if (kept !== null && secretPattern.test(kept)) return Buffer.from(kept, 'hex');
    const made = randomBytes(secretBytes);
    await tx.setFact(secretFact, made.toString('hex'));
    return made;
  });
}

export function openLinks({ secret, clock, policy }: LinksOptions): Links {
  const mac = (purpose: string, content: Buffer | string): Buffer =>
    createHmac('sha256', secret).update(`mauve ${purpose}\0`).update(content).digest();
  const hintOf = (person: string): string => mac('person', person).subarray(0, personBytes).toString('hex');
  const write = (alert: AlertKey, hint: string, hoursThen: number): string => {
    const expiry = Buffer.alloc(hourBytes);
    expiry.writeUIntBE(hoursThen, 0, hourBytes);
    const content = Buffer.concat([Buffer.from([version]), varint(alert), Buffer.from(hint, 'hex'), expiry]);
    return Buffer.concat([content, mac('link', content).subarray(0, signatureBytes)]).toString('base64url');
  };
  const people = peopleByHint(policy, hintOf);
  return {
    make: (alert, person, from) => write(alert, hintOf(person), Math.ceil(from / hour) + linkLives / hour),
    read(token) {
      const parts = partsOf(token);
      // Written anew and compared: one way of writing a link, and one comparison in constant time.
      const genuine = parts !== null && isSame(token, write(parts.alert, parts.hint, parts.hours));
      if (!genuine) return { ok: false, why: 'bad' };
      const { alert, hint } = parts;
      if (instant(parts.hours * hour) <= clock.now()) return { ok: false, why: 'expired', alert };
      const person = people(hint);
      return person === null ? { ok: false, why: 'no-such-person', alert } : { ok: true, alert, person };
    },
  };
}

function isSame(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1')];
  return one.length === other.length && timingSafeEqual(one, other);
}

type Parts = { readonly alert: AlertKey; readonly hint: string; readonly hours: number };

/** What a token says, be it true or not; null where it says nothing. */
function partsOf(token: string): Parts | null {
  if (token.length > tokenMax || !/^[\w-]+$/.test(token)) return null;
  const bytes = Buffer.from(token, 'base64url');
  if (bytes[0] !== version) return null;
  let alert = 0;
  let at = 1;
  for (let shift = 0; ; shift++, at++) {
    const byte = bytes[at];
    if (byte === undefined || shift === keyBytesMax) return null;
    alert += (byte & 0x7f) * 128 ** shift;
    if (byte < 0x80) break;
  }
  at += 1;
  if (!Number.isSafeInteger(alert) || bytes.length !== at + personBytes + hourBytes + signatureBytes)
    return null;
  const hint = bytes.subarray(at, at + personBytes).toString('hex');
  return { alert: alert as AlertKey, hint, hours: bytes.readUIntBE(at + personBytes, hourBytes) };
}

/** The lowest seven bits first. Not by shifts: keys go beyond 32 bits. */
function varint(key: number): Buffer {
  const bytes: number[] = [];
  let rest = key;
  while (rest >= 128) {
    bytes.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...bytes, rest]);
}

/** Worked out once for each policy. Where two people have one hint, which is a matter of 1 in a million, it is nobody's. */
function peopleByHint(
  policy: () => Policy,
  hintOf: (person: string) => string,
): (hint: string) => PersonId | null {
  let of: Policy | null = null;
  let known = new Map<string, PersonId | null>();
  return (hint) => {
    const present = policy();
    if (present !== of) {
      known = new Map();
      for (const id of present.people.keys()) {
        const own = hintOf(id);
        known.set(own, known.has(own) ? null : id);
      }
      of = present;
    }
    return known.get(hint) ?? null;
  };
}
