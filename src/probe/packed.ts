/**
 * What is kept of thousands of targets, and looked at a few times a minute:
 * plain data, packed into bytes of its own that are written over again and
 * again. As objects it would be three times as large, and each event would
 * leave the old ones behind, long-lived and scattered, for the collector.
 *
 * MessagePack with records: the names of fields are kept once for all. A
 * number of few digits takes four bytes; one with more keeps 15 digits of 17
 * or all of them. Nothing of this ever leaves the process.
 */
import { FLOAT32_OPTIONS, Packr } from 'msgpackr/pack';

const packr = new Packr({
  structures: [],
  useFloat32: FLOAT32_OPTIONS.DECIMAL_FIT,
  // Names that are data (rules of `via`) would fill the list of records.
  shouldShareStructure: (names: readonly string[]) => names.every((name) => /^\w+$/.test(name)),
});
/** Everything is packed and unpacked here. What does not fit is packed elsewhere, by and by. */
const desk = Buffer.allocUnsafeSlow(64 * 1024);
/** In bytes: data that grows finds room a few times before it needs a larger place. */
const step = 128;
const nothing = new ArrayBuffer(0);

/** A place for one value: plain data, as JSON knows it. */
export class Packed<T> {
  // Not a view of it, which would take as much again as small values do.
  #place = nothing;
  #length = 0;

  constructor(value: T) {
    this.value = value;
  }

  get value(): T {
    const bytes = Buffer.from(this.#place, 0, this.#length);
    if (bytes.length > desk.length) return packr.unpack(bytes);
    desk.set(bytes);
    return packr.unpack(desk, bytes.length);
  }

  set value(value: T) {
    packr.useBuffer(desk);
    const packed = packr.pack(value);
    const size = Math.ceil(packed.length / step) * step;
    if (packed.length > this.#place.byteLength || size * 2 < this.#place.byteLength) {
      this.#place = new ArrayBuffer(size);
    }
    new Uint8Array(this.#place).set(packed);
    this.#length = packed.length;
  }
}
