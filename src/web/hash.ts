/** How secrets are kept: tokens, login links and session ids are random enough that a plain hash will do. */
import { createHash } from 'node:crypto';

/** In hex. */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
