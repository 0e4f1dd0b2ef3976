/**
 * Passwords of people: hashed with scrypt, slowly on purpose, off the event
 * loop. The parameters travel inside the hash, so that they can be raised later
 * without anybody having to set a new password. It never keeps or logs one.
 */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

/** In characters. Shorter ones are guessed, whatever they are made of. */
export const passwordMin = 8;
/** In characters: enough for any passphrase, and no more work than that for a stranger's form. */
export const passwordMax = 1024;

type Cost = { readonly N: number; readonly r: number; readonly p: number };
/** 32 MB and some 60 ms each: OWASP's choice for scrypt with N = 2^15. */
const cost: Cost = { N: 2 ** 15, r: 8, p: 3 };
const saltBytes = 16;
const keyBytes = 32;
/** What a hash may ask for: one written by hand must not stop the station. */
const costMax = { N: 2 ** 20, r: 32, p: 16 } as const;

/** @returns `scrypt$N$r$p$salt$key`, salt and key in base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  const key = await derive(password, salt, keyBytes, cost);
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

/**
 * Whether this is the password. Takes as long where there is no hash (nobody of
 * that name, or one without a password), so that names cannot be found by timing.
 */
export async function verifyPassword(password: string, hash: string | null): Promise<boolean> {
  const parsed = hash === null ? null : parseHash(hash);
  if (parsed === null) {
    await derive(password.slice(0, passwordMax), Buffer.alloc(saltBytes), keyBytes, cost);
    return false;
  }
  if (password.length > passwordMax) return false;
  const key = await derive(password, parsed.salt, parsed.key.length, parsed.cost);
  return timingSafeEqual(key, parsed.key);
}

/** What is wrong with a new password, in words for the one who chose it; null when it will do. */
export function passwordProblem(password: string): string | null {
  if (password.length < passwordMin) return `A password needs at least ${passwordMin} characters.`;
  if (password.length > passwordMax) return `A password has at most ${passwordMax} characters.`;
  return null;
}

function parseHash(hash: string): { cost: Cost; salt: Buffer; key: Buffer } | null {
  const match = /^scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([\w-]{16,128})\$([\w-]{32,128})$/.exec(hash);
  if (match === null) return null;
  const [, N, r, p, salt = '', key = ''] = match;
  const asked: Cost = { N: Number(N), r: Number(r), p: Number(p) };
  const powerOfTwo = asked.N > 1 && (asked.N & (asked.N - 1)) === 0;
  if (!powerOfTwo || asked.N > costMax.N || asked.r > costMax.r || asked.p > costMax.p) return null;
  if (asked.r < 1 || asked.p < 1) return null;
  return { cost: asked, salt: Buffer.from(salt, 'base64url'), key: Buffer.from(key, 'base64url') };
}

function derive(password: string, salt: Buffer, length: number, parameters: Cost): Promise<Buffer> {
  const options: ScryptOptions = { ...parameters, maxmem: 256 * parameters.N * parameters.r };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, length, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}
