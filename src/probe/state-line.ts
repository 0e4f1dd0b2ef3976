/** A line of a state file: JSON with a checksum before it. */
import { crc32 } from 'node:zlib';

/** What the first line says. */
export const format = 'mauveprobe state 1';

const checksum = (json: string | Buffer): number => crc32(json);
const digits = 8;
const space = 32;

export function lineOf(value: object): string {
  const json = JSON.stringify(value);
  return `${checksum(json).toString(16).padStart(digits, '0')} ${json}\n`;
}

/**
 * What a line says, given without its end.
 * @returns null where the checksum says that this is not what was written.
 */
export function soundLine(line: Buffer): object | null {
  const json = line.subarray(digits + 1);
  const written = Number.parseInt(line.toString('latin1', 0, digits), 16);
  if (line[digits] !== space || written !== checksum(json)) return null;
  try {
    const value: unknown = JSON.parse(json.toString('utf8'));
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
