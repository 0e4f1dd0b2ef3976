/**
 * What a silence matches, from the form on an alert's page: its own texts mean
 * themselves, whatever signs are in them; what a person changed is written in
 * the policy's language, so that `db*` means what it says.
 */
import type { Alert } from '../station/core/alert.ts';
import { foldHost } from '../station/core/host.ts';

export const silenceFields = ['source', 'subject', 'id'] as const;
export type SilenceField = (typeof silenceFields)[number];
export type SilenceMatch = { readonly [Field in SilenceField]?: string };

/** The form's field of that text; never just `id`, for a form's own id hides behind a field of that name. */
export const silenceInput = (field: SilenceField): string => `${field}_is`;

/** In characters, of one text: as much as the longest that an alert has. */
export const silenceTextMax = 512;

/** @param alert the one whose page it was; null where that is gone. */
export function matchOf(
  texts: Readonly<Partial<Record<SilenceField, string>>>,
  alert: Pick<Alert, SilenceField> | null,
): SilenceMatch {
  const written = silenceFields.flatMap((field) => {
    const text = texts[field];
    if (text === undefined) return [];
    const own = alert?.[field];
    const unchanged = own !== undefined && oneLine(own) === oneLine(text);
    return [[field, unchanged ? exactly(field, own) : text.trim()]];
  });
  return Object.fromEntries(written);
}

/** A field of a form has no line breaks. */
const oneLine = (text: string): string => text.replace(/[\r\n]/g, '');

const specialSigns = /[\\^$.*+?()[\]{}|/-]/g;

/** A text that the language would take for more than itself is written as a pattern of just that. */
function exactly(field: SilenceField, text: string): string {
  if (!text.includes('*') && !/^\/.+\/[a-z]*$/s.test(text)) return text;
  const folded = field === 'id' ? text : foldHost(text);
  return `/^${folded.replace(specialSigns, '\\$&')}$/`;
}
