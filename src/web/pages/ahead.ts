/**
 * What happens next: who will hear of an alert when, by what, and who will not
 * and why; and the same as if the reader acknowledged it, for as long as they
 * are about to. For people as a list, for scripts as sentences.
 */
import { html } from 'hono/html';
import { type RuleId, unreachable } from '../../station/core/alert.ts';
import type { Forecast, ForecastEntry } from '../../station/core/forecast.ts';
import { type Duration, formatDuration, type Instant, plus, seconds, since } from '../../time.ts';
import { fieldsOf, howLong, type Length, lengthWords, unitsOffered } from '../length.ts';
import { lengthFields } from './acknowledge-fields.ts';
import { kindWords } from './history.ts';
import { mutedWords, unmutedWords } from './muted.ts';
import { clockTime, type Html, nothing, time, type View } from './words.ts';

/** What is worked out as if somebody acknowledged the alert. */
export type Tried = {
  /** As the fields say; null where they say nothing that can be tried. */
  readonly length: Length | null;
  readonly count: string;
  readonly unit: string;
  readonly forecast: Forecast | null;
};

export type AheadView = {
  /** Null: the station did not say. */
  readonly forecast: Forecast | null;
  /** Null where there is nothing to acknowledge. */
  readonly tried: Tried | null;
};

const shownFirst = 10;
const triedFirst = 5;

/** @param address of the page itself, which is asked with another length where there are no scripts. */
export function aheadSection(view: AheadView, frame: View, address: string): Html {
  const list =
    view.forecast === null ? unknown : forecastList(view.forecast, frame, shownFirst, 'later', nobody);
  return html`<section id="ahead"><h2>What happens next <span class="quiet">if nobody acts, within a day</span></h2>
${list}${view.tried === null ? nothing : triedBlock(view.tried, frame, address)}</section>
`;
}

const unknown = html`<p class="quiet">The station did not say in time. Reload to ask again.</p>`;
const nobody = html`<p class="quiet">Nobody is told of anything.</p>`;

/** Found by its id, and put in anew, while the length is being chosen. */
function triedBlock(tried: Tried, frame: View, address: string): Html {
  const { length, forecast } = tried;
  const fields = length === null ? tried : { ...fieldsOf(length), count: String(fieldsOf(length).count) };
  const ends = forecast?.entries.find(({ kind }) => kind === 're-raised')?.at ?? null;
  const until = ends === null ? '' : `until ${clockTime(ends, frame)}`;
  const words = length === null ? '' : ` for ${lengthWords(length)}`;
  return html`<div id="if" class="card" data-count="${fields.count}" data-unit="${fields.unit}" data-until="${until}"><h3>If you acknowledge it${words}</h3>
${triedList(tried, frame)}<form method="get" action="${address}#if" class="try" id="try"><span class="for"><span>If for</span> ${lengthFields(null, fields, unitsOffered)}</span><button>Show</button></form></div>`;
}

function triedList({ length, forecast }: Tried, frame: View): Html {
  if (length === null) return html`<p class="quiet">${howLong}</p>`;
  if (forecast === null) return unknown;
  if (forecast.entries.every(({ kind }) => kind !== 'acknowledged')) {
    return html`<p class="quiet">The policy has no such hours.</p>`;
  }
  return forecastList(forecast, frame, triedFirst, 'tried', nobody);
}

// ---------------------------------------------------------------- the list

/** Entries that differ in the person alone, and reminders that follow each other evenly, as one line. */
type Line = {
  readonly entry: ForecastEntry;
  readonly people: readonly string[];
  readonly at: Instant;
  readonly last: Instant;
  /** From one to the next; null where there is only one. */
  readonly every: Duration | null;
  /** How many follow each other. */
  readonly count: number;
};

function linesOf(entries: readonly ForecastEntry[]): readonly Line[] {
  const lines: Line[] = [];
  for (const entry of entries) {
    const { at } = entry;
    const person = 'person' in entry ? [entry.person] : [];
    const before = lines.at(-1);
    if (before !== undefined && person.length > 0 && before.at === at && isLike(before.entry, entry)) {
      lines[lines.length - 1] = { ...before, people: [...before.people, ...person] };
    } else lines.push({ entry, people: person, at, last: at, every: null, count: 1 });
  }
  return lines
    .reduce<readonly Line[]>(withRun, [])
    .flatMap((line) => (line.count === 2 ? apart(line) : [line]));
}

/** Whether both say the same, but for when and of whom. */
function isLike(one: ForecastEntry, other: ForecastEntry): boolean {
  const rest = (entry: ForecastEntry): string => JSON.stringify({ ...entry, at: 0, person: '', rule: '' });
  return rest(one) === rest(other);
}

/** The first of a run is often a moment late: at the end of a silence, or of a restart. */
const uneven = seconds(1);

/** Joins a line to the one before it where it is the next of the same reminders. */
function withRun(lines: readonly Line[], line: Line): readonly Line[] {
  const before = lines.at(-1);
  if (before === undefined || !('of' in line.entry) || line.entry.of !== 'reminder') return [...lines, line];
  const every = since(before.last, line.at);
  const rest = lines.slice(0, -1);
  if (!isLike(before.entry, line.entry) || before.people.join() !== line.people.join())
    return [...lines, line];
  if (Math.abs((before.every ?? every) - every) < uneven) {
    return [...rest, { ...before, last: line.at, every, count: before.count + 1 }];
  }
  // Two make no run: the second of them may begin one with this.
  if (before.count !== 2) return [...lines, line];
  const [first, second] = apart(before);
  return withRun([...rest, first, second], line);
}

/** A line of two as a line each. */
function apart(line: Line): readonly [Line, Line] {
  const alone = { ...line, every: null, count: 1 };
  return [
    { ...alone, last: line.at },
    { ...alone, at: line.last },
  ];
}

function forecastList(forecast: Forecast, view: View, first: number, id: string, empty: Html): Html {
  const lines = linesOf(forecast.entries);
  if (lines.length === 0) return empty;
  const rows = lines.map((line, i) => row(line, goesOn(line, i === lines.length - 1, forecast), view));
  const cut = forecast.cut
    ? html`<p class="quiet">There is more: only the first ${forecast.entries.length} are worked out.</p>`
    : nothing;
  const rest = rows.slice(first);
  const more =
    rest.length === 0
      ? cut
      : html`<details id="${id}"><summary>${rest.length} more</summary><ol class="history" start="${first + 1}">${rest}</ol>${cut}</details>`;
  return html`<ol class="history ahead">${rows.slice(0, first)}</ol>${more}`;
}

/** Whether a run of reminders ends only because nobody looked further. */
function goesOn({ last, every }: Line, isLast: boolean, { until, cut }: Forecast): boolean {
  return every !== null && (plus(last, every) > until || (isLast && cut));
}

function row(line: Line, onward: boolean, view: View): Html {
  const { entry } = line;
  const kind = entry.kind === 'told' ? 'told' : entry.kind === 'not-told' ? 'not-told' : 'turn';
  return html`<li class="${kind}">${time(line.at, view)} <span>${sentence(line, view)}${again(line, onward, view)}</span></li>
`;
}

function sentence({ entry, people }: Line, view: View): Html {
  switch (entry.kind) {
    case 'told':
      return html`${names(people)} by ${by(entry.channels)}: ${kindWords[entry.of]}${ruleWords(entry.rule)}`;
    case 'not-told':
      return html`<span class="state">not</span> ${names(people)} (${kindWords[entry.of]})${entry.why === '' ? '' : html`: ${whyNot(entry, view)}`}`;
    case 'muted':
      return html`nobody: ${mutedWords(entry, view)}`;
    case 'unmuted':
      return html`${unmutedWords[entry.by]}`;
    default:
      return html`<b>${turnWords[entry.kind]}</b>`;
  }
}

/** The station says until when by the policy's clock; the reader has one of their own. */
function whyNot({ why, until }: Extract<ForecastEntry, { kind: 'not-told' }>, view: View): Html {
  if (until === null) return html`${why}`;
  return html`${why.replace(/, held back until .*$/, '')}, held back until ${time(until, view)}`;
}

/** ", then every 15m", and until when where that is known. */
function again({ every, last }: Line, onward: boolean, view: View): Html {
  if (every === null) return nothing;
  return html`, then every ${formatDuration(seconds(Math.round(every / seconds(1))))}${onward ? nothing : html` until ${time(last, view)}`}`;
}

const by = (channels: readonly string[]): string =>
  channels.length === 0 ? 'no channel' : channels.join(', ');

function names(people: readonly string[]): Html {
  return html`${people.map((person, i) => html`${i === 0 ? '' : ', '}<b>${person}</b>`)}`;
}

/** Where there is no rule, they hear because they were told before. */
const ruleWords = (rule: RuleId | null): Html =>
  rule === null ? html` <span class="quiet">(was told before)</span>` : nothing;

const turnWords = {
  raised: 'raised, as planned',
  're-raised': 'raised again: the acknowledgement is over',
  acknowledged: 'acknowledged',
  cleared: 'cleared, as planned',
} as const;

/** One entry as a sentence without times: those have fields of their own. */
export function aheadText(entry: ForecastEntry): string {
  switch (entry.kind) {
    case 'told':
      return `${entry.person} is told by ${by(entry.channels)}: ${kindWords[entry.of]}`;
    case 'not-told':
      return `${entry.person} is not told (${kindWords[entry.of]})${entry.why === '' ? '' : `: ${entry.why}`}`;
    case 'muted':
      return `nobody is told: ${entry.by}${entry.why === '' ? '' : `: ${entry.why}`}`;
    case 'unmuted':
      return unmutedWords[entry.by];
    case 'raised':
    case 're-raised':
    case 'acknowledged':
    case 'cleared':
      return turnWords[entry.kind];
    default:
      return unreachable(entry);
  }
}
