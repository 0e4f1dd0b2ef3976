/**
 * The dialogue on scamper's socket, as bytes come: lines, and after `DATA n` a
 * block of n bytes. Pure. What cannot be a dialogue with scamper is nonsense,
 * once and for all: after it nothing can be trusted to begin where it seems to.
 */

export type Said =
  /** A command was taken; the id is scamper's own, for `halt`. Null: one that starts nothing. */
  | { readonly kind: 'taken'; readonly id: number | null }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'data'; readonly text: string }
  | { readonly kind: 'nonsense'; readonly why: string };

/** Its lines are a few words. */
export const lineMax = 1024;
/** A trace of 64 hops with ten probes each is 200 KB. */
export const dataMax = 1024 * 1024;

const newline = 0x0a;
const printable = (bytes: Buffer): string => bytes.toString('latin1').replace(/[^\x20-\x7e]/g, '?');

export class Dialogue {
  private held: Buffer = Buffer.alloc(0);
  /** Bytes of a block that is under way. */
  private block: number | null = null;
  private broken = false;

  /** @returns what has become complete, in order. */
  push(chunk: Buffer): Said[] {
    const said: Said[] = [];
    if (this.broken) return said;
    this.held = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    let from = 0;
    for (;;) {
      const next = this.block === null ? this.line(from) : this.data(from, this.block);
      if (next === null) break;
      from = next.end;
      if (next.said !== null) said.push(next.said);
      if (next.said?.kind === 'nonsense') {
        this.broken = true;
        this.held = Buffer.alloc(0);
        return said;
      }
    }
    this.held = this.held.subarray(from);
    return said;
  }

  private line(from: number): { end: number; said: Said | null } | null {
    const end = this.held.indexOf(newline, from);
    const length = (end === -1 ? this.held.length : end) - from;
    if (length > lineMax) return { end: from, said: { kind: 'nonsense', why: 'a line without an end' } };
    if (end === -1) return null;
    return { end: end + 1, said: this.understand(printable(this.held.subarray(from, end))) };
  }

  private data(from: number, length: number): { end: number; said: Said } | null {
    if (this.held.length - from < length) return null;
    this.block = null;
    const end = from + length;
    return { end, said: { kind: 'data', text: this.held.toString('utf8', from, end) } };
  }

  private understand(line: string): Said | null {
    if (line === '' || line === 'MORE') return null;
    if (line === 'OK' || /^OK halted \d{1,10}$/.test(line)) return { kind: 'taken', id: null };
    const taken = /^OK id-(\d{1,10})$/.exec(line);
    if (taken !== null) return { kind: 'taken', id: Number(taken[1]) };
    if (line.startsWith('ERR')) return { kind: 'refused', why: line.slice(4) };
    const length = Number(/^DATA (\d{1,10})$/.exec(line)?.[1] ?? Number.NaN);
    if (length <= dataMax) {
      this.block = length;
      return null;
    }
    const why = length > dataMax ? `an answer of ${length} bytes` : `"${line.slice(0, 60)}"`;
    return { kind: 'nonsense', why };
  }
}
