/**
 * Proves that a login form is ours, so that no other site can log a browser in
 * as somebody else. The browser itself keeps what proves it (a random cookie,
 * repeated in the form), never the station: a stranger who asks for the form a
 * million times takes nobody's place, and a restart spoils no form that is open.
 */
import { Buffer } from 'node:buffer';
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Web } from './context.ts';
import { sentToken } from './csrf.ts';
import { sha256 } from './hash.ts';
import { cookieName } from './sessions.ts';

const secretBytes = 24;
const secretPattern = /^[0-9a-f]{48}$/;

const nameOf = (web: Web, request: Request): string => `${cookieName(web, request.secure)}-form`;
/** What is in the form is not what is in the cookie, so that a copy of the page is no cookie. */
const tokenOf = (secret: string): string => sha256(`login form ${secret}`);

/** The token for a login form. Sets its cookie; forms that are open in other tabs stay good. */
export function loginFormToken(web: Web, request: Request, response: Response): string {
  const secret = secretOf(web, request) ?? randomBytes(secretBytes).toString('hex');
  const { secure } = request;
  response.cookie(nameOf(web, request), secret, { httpOnly: true, sameSite: 'lax', secure, path: '/' });
  return tokenOf(secret);
}

/** Whether the form that was sent is one that this browser was given. */
export function isOwnLoginForm(web: Web, request: Request): boolean {
  const secret = secretOf(web, request);
  const sent = Buffer.from(sentToken(request) ?? '', 'utf8');
  const wanted = Buffer.from(secret === null ? '' : tokenOf(secret), 'utf8');
  return secret !== null && sent.length === wanted.length && timingSafeEqual(sent, wanted);
}

function secretOf(web: Web, request: Request): string | null {
  const wanted = `${nameOf(web, request)}=`;
  const all = (request.get('cookie') ?? '').split(';').map((each) => each.trim());
  const secret = all.find((each) => each.startsWith(wanted))?.slice(wanted.length) ?? '';
  return secretPattern.test(secret) ? secret : null;
}
