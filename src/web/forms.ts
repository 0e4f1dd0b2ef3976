/** Reads what forms and addresses bring: all of it strangers' text. */
import express, { type Request } from 'express';
import type { AlertKey } from '../station/core/alert.ts';
import { type Length, readLength } from './length.ts';

/** In bytes: a note and the keys of a page of alerts fit many times. */
const formMax = 64 * 1024;
const formFieldsMax = 1100;
export const formBody = express.urlencoded({
  extended: false,
  limit: formMax,
  parameterLimit: formFieldsMax,
});

/** The text of a form's field; empty where it is not there, or not once. */
export function field(request: Request, name: string): string {
  const body: unknown = request.body;
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, name)) return '';
  const value: unknown = Reflect.get(body, name);
  return typeof value === 'string' ? value : '';
}

/** All values of a field that may come several times. */
export function fields(request: Request, name: string): readonly string[] {
  const body: unknown = request.body;
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, name)) return [];
  const value: unknown = Reflect.get(body, name);
  if (Array.isArray(value)) return value.filter((each) => typeof each === 'string');
  return typeof value === 'string' ? [value] : [];
}

/** A parameter of the address; null where it is not there, or not once. */
export function parameter(request: Request, name: string): string | null {
  const value: unknown = request.query[name];
  return typeof value === 'string' ? value : null;
}

/** The positive integer that a text is, as a key of the station; null for anything else. */
export function readKey(text: unknown): AlertKey | null {
  return typeof text === 'string' && /^[1-9]\d{0,14}$/.test(text) ? (Number(text) as AlertKey) : null;
}

/** The fields of `lengthFields`. @returns null for "as the policy says", 'bad' for no length of time. */
export const lengthOf = (request: Request): Length | null | 'bad' =>
  readLength(field(request, 'count'), field(request, 'unit'));

/** Where to go after logging in: an address of this site, whatever the link said. */
export function safeNext(text: string | null): string {
  const home = 'http://localhost';
  if (text === null || !/^\/(?![/\\])/.test(text) || !URL.canParse(text, home)) return '/';
  const url = new URL(text, home);
  return url.origin === home && !url.pathname.startsWith('//') ? `${url.pathname}${url.search}` : '/';
}
