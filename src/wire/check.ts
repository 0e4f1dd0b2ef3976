/**
 * Is this datagram an alert update at all? Walks the bytes once, makes nothing
 * of them, and names what is wrong.
 *
 * The generated decoder throws on most of what is broken, but in words meant
 * for programmers, and it lets through what protoc refuses (endless varints and
 * deep groups in fields that it skips). A refusal must have a name to be
 * counted by, so the structure is checked here first, by protoc's rules; what
 * passes, the decoder can read. Never interprets text or numbers.
 */

/** Why a datagram is refused; the names are those of the metrics. */
export const refusals = [
  'empty',
  'oversized',
  'truncated',
  'missing-field',
  'overlong-varint',
  'bad-field-number',
  'bad-wire-type',
  'bad-group',
  'nested-too-deep',
  'malformed',
] as const;

export type Refusal = (typeof refusals)[number];

export interface Refused {
  readonly ok: false;
  readonly why: Refusal;
  /** For the log, in plain English. */
  readonly detail: string;
}

export const refused = (why: Refusal, detail: string): Refused => ({ ok: false, why, detail });

/** The largest UDP payload over IPv4. */
export const datagramMax = 65_507;

const varintMax = 10;
const tagMax = 5;
/** A length of five bytes whose last is eight or more would be over 2 GiB. */
const lengthMax = 5;
const lengthLastMax = 7;
/** protoc's own limit on messages and groups inside each other. */
const nestingMax = 100;

const wireType = { varint: 0, fixed64: 1, bytes: 2, groupStart: 3, groupEnd: 4, fixed32: 5 } as const;
const tagOf = (field: number, type: number): number => (field << 3) | type;

const transmissionIdTag = tagOf(1, wireType.varint);
const sourceTag = tagOf(2, wireType.bytes);
const replaceTag = tagOf(3, wireType.varint);
const alertTag = tagOf(4, wireType.bytes);
const alertIdTag = tagOf(1, wireType.bytes);

/** @returns null where the datagram has the structure of an alert update and all that is required. */
export function check(bytes: Uint8Array): Refused | null {
  if (bytes.length === 0) return refused('empty', 'no bytes');
  if (bytes.length > datagramMax) {
    return refused('oversized', `${bytes.length} bytes, where a datagram holds at most ${datagramMax}`);
  }
  const walk = new Walk(bytes);
  walk.update();
  return walk.refused;
}

class Walk {
  /** What was found wrong first; from then on every method returns false. */
  refused: Refused | null = null;
  readonly #bytes: Uint8Array;
  #at = 0;
  /** Where the message being read ends. */
  #end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  update(): boolean {
    let id = false;
    let source = false;
    let replace = false;
    while (this.#at < this.#end) {
      const tag = this.#tag();
      if (tag === alertTag) {
        if (!this.#alert()) return false;
        continue;
      }
      if (!this.#skip(tag, nestingMax)) return false;
      if (tag === transmissionIdTag) id = true;
      else if (tag === sourceTag) source = true;
      else if (tag === replaceTag) replace = true;
    }
    if (id && source && replace) return true;
    const missing = [
      ...(id ? [] : ['transmission_id']),
      ...(source ? [] : ['source']),
      ...(replace ? [] : ['replace']),
    ];
    return this.#refuse('missing-field', `without ${missing.join(', ')}`);
  }

  #alert(): boolean {
    const length = this.#length();
    if (length < 0) return false;
    const outer = this.#end;
    this.#end = this.#at + length;
    let id = false;
    while (this.#at < this.#end) {
      const tag = this.#tag();
      if (!this.#skip(tag, nestingMax - 1)) return false;
      if (tag === alertIdTag) id = true;
    }
    this.#end = outer;
    return id || this.#refuse('missing-field', 'an alert without id');
  }

  /** The next tag, or -1. */
  #tag(): number {
    const bytes = this.#bytes;
    const first = bytes[this.#at] ?? 0;
    let tag = first & 0x7f;
    if (first < 0x80) {
      this.#at++;
    } else {
      const size = this.#varintSize(tagMax);
      if (size === 0) return -1;
      for (let i = 1; i < size; i++) tag += ((bytes[this.#at + i] ?? 0) & 0x7f) * 2 ** (7 * i);
      this.#at += size;
    }
    // The decoder and protoc part ways over tags of more than 32 bits, which no sender makes.
    if (tag < 8 || tag > 0xffff_ffff) {
      this.#refuse('bad-field-number', `a field number that cannot be, ${Math.floor(tag / 8)}`);
      return -1;
    }
    return tag;
  }

  /** Steps over the value that belongs to `tag`, with room for `depth` groups inside each other. */
  #skip(tag: number, depth: number): boolean {
    switch (tag & 7) {
      case wireType.varint: {
        if ((this.#bytes[this.#at] ?? 0xff) < 0x80 && this.#at < this.#end) {
          this.#at++;
          return true;
        }
        const size = this.#varintSize(varintMax);
        this.#at += size;
        return size > 0;
      }
      case wireType.fixed64:
        return this.#step(8);
      case wireType.bytes: {
        const length = this.#length();
        return length >= 0 && this.#step(length);
      }
      case wireType.groupStart:
        return this.#group(Math.floor(tag / 8), depth - 1);
      case wireType.groupEnd:
        return this.#refuse('bad-group', 'the end of a group that did not begin');
      case wireType.fixed32:
        return this.#step(4);
      default:
        // A tag that was refused ends here too, with its own reason kept.
        return this.#refuse('bad-wire-type', `wire type ${tag & 7}`);
    }
  }

  #group(field: number, depth: number): boolean {
    if (depth < 0) return this.#refuse('nested-too-deep', `more than ${nestingMax} levels`);
    while (this.#at < this.#end) {
      const tag = this.#tag();
      if ((tag & 7) === wireType.groupEnd) {
        if (Math.floor(tag / 8) === field) return true;
        return this.#refuse('bad-group', `group ${field} closed as ${Math.floor(tag / 8)}`);
      }
      if (!this.#skip(tag, depth)) return false;
    }
    return this.#refuse('bad-group', `group ${field} is not closed`);
  }

  /** A length that fits into what is left of the message, or -1. */
  #length(): number {
    const bytes = this.#bytes;
    const first = bytes[this.#at] ?? 0;
    let length = first & 0x7f;
    if (first < 0x80 && this.#at < this.#end) {
      this.#at++;
    } else {
      const size = this.#varintSize(lengthMax);
      if (size === 0) return -1;
      const last = bytes[this.#at + size - 1] ?? 0;
      if (size === lengthMax && last > lengthLastMax) {
        this.#refuse('overlong-varint', 'a length of more than 2 GiB');
        return -1;
      }
      for (let i = 1; i < size; i++) length += ((bytes[this.#at + i] ?? 0) & 0x7f) * 2 ** (7 * i);
      this.#at += size;
    }
    if (length <= this.#end - this.#at) return length;
    this.#refuse('truncated', `${length} bytes announced, ${this.#end - this.#at} left`);
    return -1;
  }

  /** How many bytes the varint at hand takes, 0 where it does not end in time. */
  #varintSize(max: number): number {
    const limit = Math.min(this.#end, this.#at + max);
    for (let i = this.#at; i < limit; i++) {
      if ((this.#bytes[i] ?? 0) < 0x80) return i - this.#at + 1;
    }
    if (limit === this.#end) this.#refuse('truncated', 'the bytes end within a number');
    else this.#refuse('overlong-varint', `a number of more than ${max} bytes`);
    return 0;
  }

  #step(size: number): boolean {
    if (size > this.#end - this.#at)
      return this.#refuse('truncated', `${size} bytes expected, ${this.#end - this.#at} left`);
    this.#at += size;
    return true;
  }

  #refuse(why: Refusal, detail: string): false {
    this.refused ??= refused(why, detail);
    return false;
  }
}
