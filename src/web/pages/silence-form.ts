/** "Silence alerts like this": which of its texts must match, for how long, and why. */
import { html, raw } from 'hono/html';
import type { Alert } from '../../station/core/alert.ts';
import { silenceReasonMax } from '../../station/door.ts';
import { hours } from '../../time.ts';
import type { TypedSilence } from '../flash.ts';
import { wallUnitsOffered } from '../length.ts';
import { type SilenceField, silenceFields, silenceInput, silenceTextMax } from '../silence-match.ts';
import { lengthFields } from './acknowledge-fields.ts';
import { csrfInput, type Frame } from './layout.ts';
import { type Html, nothing } from './words.ts';

const lengthDefault = hours(2);
/** Of what unfolds to the form. */
export const silenceFormId = 'silence';
const fieldNames: Readonly<Record<SilenceField, string>> = { source: 'Source', subject: 'Subject', id: 'Id' };

/** @param once the word by which a form that is sent twice is known. */
export function silenceForm(alert: Alert, once: string, frame: Frame): Html {
  const typed = frame.flash?.silence ?? null;
  return html`<details id="${silenceFormId}"${typed === null ? nothing : raw(' open')}><summary>Silence alerts like this</summary>
<form method="post" action="/silences" class="stack" id="silence-form" data-keep>${csrfInput(frame.csrf)}<input type="hidden" name="alert" value="${alert.key}"><input type="hidden" name="once" value="${once}">
${refused(frame)}<p>Nobody is told of alerts that match, for a while; they are shown all the same. If one is still raised at the end, people are told then.</p>
<fieldset><legend>All that is ticked must match; <code>*</code> stands for anything</legend>${silenceFields.map((field) => matchField(field, alert, typed))}</fieldset>
<div class="for"><span>For</span> ${lengthFields({ for: lengthDefault }, typed, wallUnitsOffered)}</div>
<label>Why, for the others <input name="reason" value="${typed?.reason ?? ''}" maxlength="${silenceReasonMax}" required autocomplete="off"></label>
<button>Silence</button></form></details>`;
}

/** Said here as well as at the top, which is a long way up. */
function refused({ flash }: Frame): Html {
  return flash?.silence === undefined ? nothing : html`<p class="notice bad">${flash.text}</p>\n`;
}

/** All ticked at first: just this alert. Whoever means more unticks what may differ. */
function matchField(field: SilenceField, alert: Alert, typed: TypedSilence | null): Html {
  const ticked = typed === null || typed.ticked.has(field);
  const name = fieldNames[field];
  return html`<div class="match"><label class="tick"><input type="checkbox" name="match" value="${field}"${ticked ? raw(' checked') : nothing}> ${name}</label><input name="${silenceInput(field)}" value="${typed?.texts[field] ?? alert[field]}" maxlength="${silenceTextMax}" autocomplete="off" autocapitalize="none" spellcheck="false" aria-label="${name} is"></div>
`;
}
