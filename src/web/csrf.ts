/**
 * Forms only count when they come from our own pages: each carries a token that
 * only a page of this session knows. Scripts with a bearer token carry none, for
 * no browser sends such a token by itself.
 */
import { csrfSync } from 'csrf-sync';
import type { Request } from 'express';
import { bearerOf } from './bearer.ts';

const tokenBytes = 24;
/** The name of the form's field, and the header that scripts in a page send. */
export const csrfField = '_csrf';
export const csrfHeader = 'x-csrf-token';

const { csrfSynchronisedProtection, generateToken, invalidCsrfTokenError } = csrfSync({
  size: tokenBytes,
  getTokenFromRequest: (request) => {
    const body: unknown = request.body;
    if (typeof body === 'object' && body !== null && csrfField in body) {
      const token = body[csrfField];
      return typeof token === 'string' ? token : undefined;
    }
    return request.get(csrfHeader);
  },
  skipCsrfProtection: (request) => bearerOf(request) !== null,
});

/** Refuses a form or an API call from elsewhere, as an error that `isCsrfError` knows. */
export const csrfProtection = csrfSynchronisedProtection;
export const isCsrfError = (error: unknown): boolean => error === invalidCsrfTokenError;
/** The token for the forms of this page. */
export const csrfTokenOf = (request: Request): string => generateToken(request);
