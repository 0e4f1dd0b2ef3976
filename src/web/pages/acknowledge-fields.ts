/** "For 2 hours", and why: the fields of an acknowledgement. */
import { html, raw } from 'hono/html';
import { type Duration, days, hours, minutes } from '../../time.ts';
import type { Typed } from '../flash.ts';
import { type Html, nothing } from './words.ts';

/** In characters, for the note of an acknowledgement and for a note by itself. */
export const noteMax = 1000;

export const durationUnits = { m: minutes(1), h: hours(1), d: days(1) } as const;
export type DurationUnit = keyof typeof durationUnits;
export const isUnit = (text: string): text is DurationUnit => Object.hasOwn(durationUnits, text);
const unitNames: Readonly<Record<DurationUnit, string>> = { m: 'minutes', h: 'hours', d: 'days' };

/**
 * @param value what stands there at first; null: empty, which means what the policy says.
 * @param typed what was refused, to be mended: it stands there instead.
 */
export function acknowledgeFields(value: Duration | null, typed: Typed | null): Html {
  const usual = value === null ? 'h' : unitOf(value);
  const unit = typed !== null && isUnit(typed.unit) ? typed.unit : usual;
  const count = typed?.count ?? (value === null ? '' : value / durationUnits[usual]);
  const note = typed?.note ?? '';
  const options = (['m', 'h', 'd'] as const).map(
    (each) =>
      html`<option value="${each}"${each === unit ? raw(' selected') : ''}>${unitNames[each]}</option>`,
  );
  const empty = 'as the policy says';
  return html`<span class="for"><span>For</span> <input class="count" name="count" type="number" inputmode="decimal" min="0" step="any" value="${count}" aria-label="How long; empty: ${empty}"><select name="unit" aria-label="Unit">${options}</select><output class="until" data-until="${empty}">${value === null ? empty : ''}</output></span>
<details id="why"${note === '' ? nothing : raw(' open')}><summary>Note</summary><input name="note" value="${note}" maxlength="${noteMax}" autocomplete="off" aria-label="Note" placeholder="Why, for the others"></details>`;
}

/** The largest unit of which it is a whole number. */
function unitOf(value: Duration): DurationUnit {
  if (value % durationUnits.d === 0) return 'd';
  return value % durationUnits.h === 0 ? 'h' : 'm';
}
