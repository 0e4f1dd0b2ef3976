/**
 * Telephone numbers as providers want them: E.164, `+` and the number with its
 * country's code. A number that cannot exist is found when the policy is read,
 * not when somebody should have been woken.
 *
 * Only the length is judged, by the country's numbering plan: which numbers are
 * in use changes every month, and an old table must refuse nobody.
 */
import { createRequire } from 'node:module';

type Library = typeof import('libphonenumber-js/min');

/** Loaded at the first number: its tables cost more than all else that reading a policy without numbers takes. */
const load = createRequire(import.meta.url);
const library = (): Library => load('libphonenumber-js/min') as Library;

export const phoneSyntax = /^\+[1-9]\d{6,14}$/;
export const phoneWords =
  'a telephone number such as "+447700900123", in quotes, is expected: + and 7 to 15 digits';

/** @returns what is wrong with the number, in words; null where it can be one. */
export function phoneFault(written: string): string | null {
  if (!phoneSyntax.test(written)) return phoneWords;
  const { validatePhoneNumberLength } = library();
  switch (validatePhoneNumberLength(written)) {
    case undefined:
      return null;
    case 'INVALID_COUNTRY':
      return 'no country has numbers that begin like this: + and the code of the country, such as +44, is expected first';
    case 'TOO_SHORT':
      return `this is too short for a number ${ofWhere(written)}`;
    case 'TOO_LONG':
      return `this is too long for a number ${ofWhere(written)}`;
    default:
      return `this has no length that a number ${ofWhere(written)} can have`;
  }
}

/** Numbers that belong to no country, such as those of satellite telephones, have a code and no name. */
function ofWhere(written: string): string {
  const { AsYouType, getCountries, getCountryCallingCode, Metadata } = library();
  const typed = new AsYouType();
  typed.input(written);
  const code = typed.getCallingCode();
  if (code === undefined) return 'of any country';
  const country = mainCountry[code] ?? getCountries().find((one) => getCountryCallingCode(one) === code);
  if (country === undefined) return `that begins with +${code}`;
  const plan = new Metadata();
  plan.selectNumberingPlan(country);
  const lengths = plan.numberingPlan?.possibleLengths() ?? [];
  const expected = lengths.length === 0 ? '' : `: ${oneOf(lengths)} digits are expected after +${code}`;
  return `of ${nameOf(country)}${expected}`;
}

/** Of the codes that several countries share: the one whose numbering plan it is. */
const mainCountry: Readonly<Record<string, 'US' | 'RU' | 'GB' | 'NO' | 'AU' | 'FI' | 'MA'>> = {
  1: 'US',
  7: 'RU',
  44: 'GB',
  47: 'NO',
  61: 'AU',
  212: 'MA',
  358: 'FI',
};

const names = new Intl.DisplayNames('en', { type: 'region' });
/** English speaks of these with an article. */
const withArticle =
  /^(United|Netherlands|Philippines|Bahamas|Maldives|Gambia|Comoros|.* (Islands|Republic)$)/;
function nameOf(country: string): string {
  // One plan for all of them, from Canada to Jamaica.
  if (country === 'US') return 'North America';
  const name = names.of(country) ?? country;
  return withArticle.test(name) ? `the ${name}` : name;
}

const oneOf = (lengths: readonly number[]): string =>
  lengths.length === 1 ? `${lengths[0]}` : `${lengths.slice(0, -1).join(', ')} or ${lengths.at(-1)}`;
