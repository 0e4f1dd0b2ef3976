/**
 * Bytes to alert updates and back: the one place that knows how an update
 * looks on the wire. The contract is proto/mauve.proto; the code that reads and
 * writes it is generated at build time.
 *
 * This is the hottest path of the station. It checks the structure, then
 * decodes, then lays out a plain object; it never throws whatever the bytes,
 * and never judges what an update means (how many alerts are too many, which
 * times are absurd): that is the station's business.
 */
import { check, type Refused, refused } from './check.ts';
import { type AlertMessage, read, type UpdateMessage, write } from './codec.ts';

export { datagramMax, type Refusal, refusals } from './check.ts';

/** One alert of an update, as it came. Times are whole seconds since 1970; 0n, '' and 0 where absent. */
export interface UpdateAlert {
  readonly id: string;
  readonly raiseTime: bigint;
  readonly clearTime: bigint;
  readonly subject: string;
  readonly summary: string;
  readonly detail: string;
  /** An unsigned 32-bit number. */
  readonly importance: number;
  readonly suppressUntil: bigint;
}

/** What one datagram says. */
export interface AlertUpdate {
  readonly transmissionId: bigint;
  readonly source: string;
  /** Whether all other alerts of the source are to be cleared. */
  readonly replace: boolean;
  readonly alerts: readonly UpdateAlert[];
  readonly signature: Uint8Array;
  readonly transmissionTime: bigint;
}

export type Decoded = { readonly ok: true; readonly update: AlertUpdate } | Refused;

/**
 * Reads one datagram. Unknown fields are skipped; text that is not UTF-8 is
 * repaired with U+FFFD; the update shares no memory with the bytes.
 */
export function decode(bytes: Uint8Array): Decoded {
  const bad = check(bytes);
  if (bad !== null) return bad;
  try {
    return { ok: true, update: fromMessage(read(bytes)) };
  } catch (error) {
    return refused('malformed', error instanceof Error ? error.message : String(error));
  }
}

/**
 * Writes an update: every field, empty ones too, in the order of their numbers,
 * as senders have always done. May be longer than a datagram can be: that is
 * for the sender to see.
 */
export function encode(update: AlertUpdate): Uint8Array {
  return write({ ...update, alert: [...update.alerts] });
}

function fromMessage(message: UpdateMessage): AlertUpdate {
  return {
    transmissionId: message.transmissionId,
    source: message.source,
    replace: message.replace,
    alerts: message.alert.map(fromAlert),
    signature: message.signature.length === 0 ? message.signature : new Uint8Array(message.signature),
    transmissionTime: message.transmissionTime,
  };
}

function fromAlert(alert: AlertMessage): UpdateAlert {
  return {
    id: alert.id,
    raiseTime: alert.raiseTime ?? 0n,
    clearTime: alert.clearTime ?? 0n,
    subject: alert.subject ?? '',
    summary: alert.summary ?? '',
    detail: alert.detail ?? '',
    importance: alert.importance ?? 0,
    suppressUntil: alert.suppressUntil ?? 0n,
  };
}
