/**
 * How a batch of datagrams crosses from the intake thread to the station's: the
 * bytes end to end in one buffer that is handed over, not copied. Decoding them
 * twice costs less than cloning objects once.
 */
export type PackedBatch = {
  /** All datagrams, one after the other. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lengths: Uint32Array<ArrayBuffer>;
  /** When each arrived, in ms since 1970. */
  readonly receptions: Float64Array<ArrayBuffer>;
};

/** What the intake thread says. */
export type FromIntake =
  | { readonly kind: 'bound'; readonly address: string; readonly port: number; readonly buffer: number }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'batch'; readonly batch: PackedBatch }
  /** Datagrams refused since the last time, by reason. */
  | { readonly kind: 'refused'; readonly counts: ReadonlyMap<string, number> }
  | { readonly kind: 'closed' };

/** What the station's thread says. */
export type ToIntake =
  /** The last batch is committed: the next may come. */
  { readonly kind: 'committed' } | { readonly kind: 'close' };

export type IntakeSettings = {
  readonly host: string;
  readonly port: number;
  /** The socket's receive buffer in bytes. */
  readonly receiveBuffer: number;
  readonly logLevel: string;
};

/** Collects datagrams until they are sent off. */
export class Packing {
  private parts: Uint8Array[] = [];
  private receptions: number[] = [];
  private alerts: number[] = [];
  private size = 0;

  /** @param alerts how many alerts the update names. */
  add(datagram: Uint8Array, reception: number, alerts: number): void {
    this.parts.push(datagram);
    this.receptions.push(reception);
    this.alerts.push(alerts);
    this.size += datagram.length;
  }

  get count(): number {
    return this.parts.length;
  }

  get bytes(): number {
    return this.size;
  }

  /** Takes out, the oldest first, as many datagrams as name at most so many alerts; at least one. */
  take(most: number, mostAlerts: number): PackedBatch {
    const count = this.within(most, mostAlerts);
    const parts = this.parts.splice(0, count);
    const receptions = Float64Array.from(this.receptions.splice(0, count));
    this.alerts.splice(0, count);
    const lengths = Uint32Array.from(parts, (part) => part.length);
    const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
    let offset = 0;
    for (const part of parts) {
      bytes.set(part, offset);
      offset += part.length;
    }
    this.size -= bytes.length;
    return { bytes, lengths, receptions };
  }

  private within(most: number, mostAlerts: number): number {
    let alerts = 0;
    for (let count = 0; count < Math.min(most, this.parts.length); count++) {
      alerts += this.alerts[count] ?? 0;
      if (alerts > mostAlerts && count > 0) return count;
    }
    return Math.min(most, this.parts.length);
  }
}

export function* unpack(batch: PackedBatch): Generator<{ datagram: Uint8Array; reception: number }> {
  let offset = 0;
  for (const [index, length] of batch.lengths.entries()) {
    yield {
      datagram: batch.bytes.subarray(offset, offset + length),
      reception: batch.receptions[index] ?? 0,
    };
    offset += length;
  }
}
