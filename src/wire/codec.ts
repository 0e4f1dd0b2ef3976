/**
 * The generated code, with a reader and a writer of our own under it.
 *
 * Two things differ from what the protobuf library does by itself. 64-bit values are
 * bigints, never doubles and never objects of two halves: a transmission id
 * uses all 64 bits. And an empty string or signature costs nothing: senders
 * write every field, so most are empty, and asking Node for each took a third
 * of the time. Reads only what src/wire/check.ts has passed.
 */
import protobuf from 'protobufjs/minimal.js';
import { mauve } from './generated/mauve.js';

export type UpdateMessage = mauve.proto.AlertUpdate;
export type AlertMessage = mauve.proto.Alert.$Properties;

const { AlertUpdate, Alert } = mauve.proto;

/** Reads the structure that `check` has passed; throws on any other. */
export function read(bytes: Uint8Array): UpdateMessage {
  // Node's own UTF-8, which repairs what is broken, is there only on a Buffer.
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return AlertUpdate.decode(new Reader(buffer));
}

export function write(message: mauve.proto.AlertUpdate.$Properties): Uint8Array {
  return AlertUpdate.encode(message, new Writer()).finish();
}

const none = new Uint8Array(0);

class Reader extends protobuf.BufferReader {
  override string(): string {
    if (this.buf[this.pos] !== 0) return super.string();
    this.pos++;
    return '';
  }

  override bytes(): Uint8Array {
    if (this.buf[this.pos] !== 0) return super.bytes();
    this.pos++;
    return none;
  }
}

class Writer extends protobuf.BufferWriter {}

const scratch = new DataView(new ArrayBuffer(8));

/** Puts the halves together; whatever `high` and `low` have above 32 bits is dropped. */
function fromHalves(high: number, low: number): bigint {
  scratch.setUint32(0, high);
  scratch.setUint32(4, low);
  return scratch.getBigUint64(0);
}

/** A varint of at most ten bytes, taken in parts of 28, 28 and 8 bits; what is beyond 64 bits is dropped. */
function readUint64(this: protobuf.Reader): bigint {
  const buf = this.buf;
  let at = this.pos;
  let byte = buf[at++] ?? 0;
  let first = byte & 0x7f;
  for (let shift = 7; byte >= 0x80 && shift < 28; shift += 7) {
    byte = buf[at++] ?? 0;
    first |= (byte & 0x7f) << shift;
  }
  let second = 0;
  for (let shift = 0; byte >= 0x80 && shift < 28; shift += 7) {
    byte = buf[at++] ?? 0;
    second |= (byte & 0x7f) << shift;
  }
  let third = 0;
  for (let shift = 0; byte >= 0x80 && shift < 14; shift += 7) {
    byte = buf[at++] ?? 0;
    third |= (byte & 0x7f) << shift;
  }
  this.pos = at;
  if (first === 0 && second === 0 && third === 0) return 0n;
  return fromHalves((second >>> 4) | (third << 24), first | (second << 28));
}

function writeUint64(this: protobuf.Writer, value: bigint): protobuf.Writer {
  scratch.setBigUint64(0, value);
  const halves = { high: scratch.getUint32(0), low: scratch.getUint32(4), unsigned: true };
  return protobuf.Writer.prototype.uint64.call(this, halves);
}

// Not overridden in the classes: the library's types speak of its own 64-bit class.
Object.defineProperty(Reader.prototype, 'uint64', { value: readUint64 });
Object.defineProperty(Writer.prototype, 'uint64', { value: writeUint64 });

// What an absent field reads as.
Object.assign(Alert.prototype, { raiseTime: 0n, clearTime: 0n, suppressUntil: 0n });
Object.assign(AlertUpdate.prototype, { transmissionId: 0n, transmissionTime: 0n, signature: none });
