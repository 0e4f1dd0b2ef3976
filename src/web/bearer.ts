/** Scripts log in by a bearer token; only its hash is known here. */
import type { Request } from 'express';
import type { Web } from './context.ts';
import { sha256 } from './hash.ts';

const tokenPattern = /^Bearer ([A-Za-z0-9_-]{16,256})$/i;

/** What the request offers as a token, good or not; null where it offers none. */
export function bearerOf(request: Request): string | null {
  const header = request.get('authorization');
  return header === undefined ? null : (tokenPattern.exec(header)?.[1] ?? '');
}

/** The token's name; null when nobody has that token. */
export async function tokenName(web: Web, request: Request): Promise<string | null> {
  const bearer = bearerOf(request);
  if (bearer === null || bearer === '') return null;
  const token = await web.reads.accounts.findToken(sha256(bearer));
  if (token === null) return null;
  web.station.accounts.noteTokenUse(token.name, web.clock.now()).catch((error: unknown) => {
    web.log.warn({ error: String(error) }, 'the use of a token could not be noted');
  });
  return token.name;
}
