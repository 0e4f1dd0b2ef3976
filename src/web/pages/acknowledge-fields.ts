/** "For 2 hours", and why: the fields of an acknowledgement, and the length of a silence. */
import { html, raw } from 'hono/html';
import type { Typed } from '../flash.ts';
import { fieldsOf, isUnit, type Length, type LengthUnit, unitNames, unitsOffered } from '../length.ts';
import { type Html, nothing } from './words.ts';

/** In characters, for the note of an acknowledgement and for a note by itself. */
export const noteMax = 1000;

/**
 * @param value what stands there at first; null: empty, which means what the policy says.
 * @param typed what was refused, to be mended: it stands there instead.
 */
export function acknowledgeFields(value: Length | null, typed: Typed | null): Html {
  const note = typed?.note ?? '';
  const empty = 'as the policy says';
  return html`<span class="for"><span>For</span> ${lengthFields(value, typed, unitsOffered, `; empty: ${empty}`)}<output class="until" data-until="${empty}">${value === null ? empty : ''}</output></span>
<details id="why"${note === '' ? nothing : raw(' open')}><summary>Note</summary><input name="note" value="${note}" maxlength="${noteMax}" autocomplete="off" aria-label="Note" placeholder="Why, for the others"></details>`;
}

/** How many, of what: the fields `count` and `unit`. @param more said of the first to who cannot see it. */
export function lengthFields(
  value: Length | null,
  typed: { readonly count: string; readonly unit: string } | null,
  units: readonly LengthUnit[],
  more = '',
): Html {
  const usual = value === null ? { count: '', unit: 'h' } : fieldsOf(value);
  const unit = typed !== null && isUnit(typed.unit) ? typed.unit : usual.unit;
  const options = units.map(
    (each) =>
      html`<option value="${each}"${each === unit ? raw(' selected') : ''}>${unitNames[each]}</option>`,
  );
  return html`<input class="count" name="count" type="number" inputmode="decimal" min="0" step="any" value="${typed?.count ?? usual.count}" aria-label="How long${more}"><select name="unit" aria-label="Unit">${options}</select>`;
}
