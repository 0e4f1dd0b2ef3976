/** "For 2 hours", and why: the fields of an acknowledgement. */
import { html, raw } from 'hono/html';
import { type Duration, days, hours, minutes } from '../../time.ts';
import type { Html } from './words.ts';

/** In characters, for the note of an acknowledgement and for a note by itself. */
export const noteMax = 1000;

export const durationUnits = { m: minutes(1), h: hours(1), d: days(1) } as const;
export type DurationUnit = keyof typeof durationUnits;
const unitNames: Readonly<Record<DurationUnit, string>> = { m: 'minutes', h: 'hours', d: 'days' };

/** @param value what stands there at first; null: empty, which means what the policy says. */
export function acknowledgeFields(value: Duration | null): Html {
  const unit = value === null ? 'h' : unitOf(value);
  const count = value === null ? '' : value / durationUnits[unit];
  const options = (['m', 'h', 'd'] as const).map(
    (each) =>
      html`<option value="${each}"${each === unit ? raw(' selected') : ''}>${unitNames[each]}</option>`,
  );
  return html`<span class="for"><input class="count" name="count" type="number" inputmode="decimal" min="0" step="any" value="${count}" placeholder="auto" aria-label="How long; empty: as the policy says"><select name="unit" aria-label="Unit">${options}</select><output class="until" data-until></output></span>
<details id="why"><summary>Note</summary><input name="note" maxlength="${noteMax}" autocomplete="off" aria-label="Note" placeholder="Why, for the others"></details>`;
}

/** The largest unit of which it is a whole number. */
function unitOf(value: Duration): DurationUnit {
  if (value % durationUnits.d === 0) return 'd';
  return value % durationUnits.h === 0 ? 'h' : 'm';
}
