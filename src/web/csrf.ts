/**
 * Forms only count when they come from our own pages: each carries a token that
 * only a page of this session knows. What proves a request to be no form is for
 * its own route to say (the API, after it has recognised a token), never for a
 * header that is merely there: a browser sends those too, behind a proxy that
 * asks for a password of its own.
 */
import { csrfSync } from 'csrf-sync';
import type { Request, RequestHandler } from 'express';

const tokenBytes = 24;
/** The name of the form's field, and the header that scripts in a page send. */
export const csrfField = '_csrf';
export const csrfHeader = 'x-csrf-token';

/** What the form, or the script in a page, sends as its token. */
export function sentToken(request: Request): string | undefined {
  const body: unknown = request.body;
  if (typeof body === 'object' && body !== null && csrfField in body) {
    const token = body[csrfField];
    return typeof token === 'string' ? token : undefined;
  }
  return request.get(csrfHeader);
}

const { csrfSynchronisedProtection, generateToken, invalidCsrfTokenError } = csrfSync({
  size: tokenBytes,
  getTokenFromRequest: sentToken,
});

/** Refuses a form or an API call from elsewhere, as an error that `isCsrfError` knows. */
export const csrfProtection = csrfSynchronisedProtection;
export const isCsrfError = (error: unknown): boolean => error === invalidCsrfTokenError;
/** The token for the forms of this page. */
export const csrfTokenOf = (request: Request): string => generateToken(request);

const harmless: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Where the browser itself says that another site sent it, no token is asked for: it is refused. */
export const sameSiteOnly: RequestHandler = (request, _response, next) => {
  const foreign = request.get('sec-fetch-site') === 'cross-site';
  next(foreign && !harmless.has(request.method) ? invalidCsrfTokenError : undefined);
};
