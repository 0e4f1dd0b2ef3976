/**
 * Whether templates are right, before they count: each is parsed, each name in
 * it looked up, and each rendered with samples of every event that it serves,
 * also of those that lack what may be lacking. At three in the morning is too
 * late to find out.
 */
import { instant } from '../../time.ts';
import type { PersonId } from '../core/alert.ts';
import { type RenderContext, type ToSay, wordsOf } from '../core/message.ts';
import { contentOf } from '../core/message-content.ts';
import { didYouMean } from '../nearest.ts';
import { type TemplateFault, TemplateSet, type Used } from './engine.ts';
import {
  anyEvent,
  parseTemplateName,
  type TemplateChannel,
  type TemplateEvent,
  type TemplatePart,
  templateChannels,
  templateEvents,
  templateFor,
  templateParts,
} from './names.ts';
import { type About, raisedFor, sampleOf } from './samples.ts';
import { type Variables, variablesOf } from './variables.ts';
import { modes, templatedWords } from './words.ts';

/** A Saturday at three in the morning. */
const now = instant(Date.UTC(2026, 7, 1, 2, 1));
const sampleTotal = 40;
const sampleListed = 3;

export function checkTemplates(texts: ReadonlyMap<string, string>): readonly TemplateFault[] {
  const set = new TemplateSet(texts);
  const known = knownNames();
  const broken = [...texts.keys()].flatMap((name) => syntaxFaults(set, name));
  if (broken.length > 0) return broken;
  const found = [
    ...twoWays(texts),
    ...[...texts.keys()].flatMap((name) => unknownNames(set, name, known)),
    ...templateChannels.flatMap((channel) => templateEvents.flatMap((event) => tried(set, channel, event))),
  ];
  // One mistake shows in many samples; the first to find it says most.
  const places = found.map(({ file, line, column }) => `${file}:${line}:${column}`);
  return found.filter((_, index) => places.indexOf(places[index] ?? '') === index);
}

function syntaxFaults(set: TemplateSet, name: string): readonly TemplateFault[] {
  const fault = set.syntaxFault(name, modeOf(name));
  return fault === null ? [] : [fault];
}

function modeOf(name: string): (typeof modes)[TemplatePart] {
  const parsed = parseTemplateName(name);
  return parsed.kind === 'template' ? modes[parsed.part] : 'plain';
}

/** A webhook has one body: as a text or as JSON. */
function twoWays(texts: ReadonlyMap<string, string>): readonly TemplateFault[] {
  return [...templateEvents, anyEvent].flatMap((event) => {
    const [text, json] = [`webhook/${event}.text.liquid`, `webhook/${event}.json.liquid`] as const;
    const message = `there is ${text} as well: one of them is expected`;
    return texts.has(text) && texts.has(json) ? [{ file: json, line: 1, column: 1, message }] : [];
  });
}

// ---------------------------------------------------------------- names

/** Names that nobody has, also where no sample comes to them. */
function unknownNames(set: TemplateSet, name: string, known: Variables): readonly TemplateFault[] {
  const parsed = parseTemplateName(name);
  // What a piece is given by name is known only where it is put in.
  if (parsed.kind !== 'template') return [];
  return set.used(name, modes[parsed.part]).flatMap((used) => unknownName(used, known) ?? []);
}

function unknownName({ path, fault }: Used, known: Variables): TemplateFault | null {
  const [root = '', key] = path;
  if (!Object.hasOwn(known, root)) {
    return fault(`there is no variable "${root}"${didYouMean(root, Object.keys(known), null)}`);
  }
  const value = known[root];
  if (key === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const keys = Object.keys(value);
  if (keys.includes(key) || key === 'size') return null;
  return fault(`there is no variable "${root}.${key}"${didYouMean(key, keys, 'there are')}`);
}

// ---------------------------------------------------------------- samples

const full: About = {
  source: 'db1.example.net',
  subject: 'db1.example.net',
  alertId: 'disk "/var\\lib"',
  summary: 'disk "/var\\lib" is 97% full & <growing>',
  detailHtml: '<p>Only <b>3 GB</b> left</p>',
  level: 'urgent',
  code: 12,
  by: 'mia',
  note: 'on it, "really"',
  raisedAt: now,
};
const bare: About = {
  ...full,
  detailHtml: '',
  level: 'low',
  code: null,
  by: null,
  note: '',
  raisedAt: null,
};

const person = { id: 'ann' as PersonId, name: 'Ann Archer', timezone: 'Europe/London' };
const contextOf = (channel: string): RenderContext => ({
  person,
  channel,
  fits: null,
  baseUrl: 'https://mauve.example.net',
  ackLink: (alert) => `https://mauve.example.net/a/${`${alert}`.padEnd(60, 'x')}`,
  now,
  limit: { heldBack: 3, until: now },
});

/** All that a template can name. */
function knownNames(): Variables {
  const context = contextOf('email');
  const say = sample('raised', 'email', full, 1);
  const content = contentOf(say, context);
  return variablesOf(content, wordsOf(say, content, context), context);
}

function sample(event: TemplateEvent, channel: string, about: About, total: number): ToSay {
  const raisedAt = about.raisedAt === null ? null : raisedFor(event, now);
  return sampleOf(event, { ...about, raisedAt }, { person: person.id, channel, now }, total);
}

function tried(set: TemplateSet, channel: TemplateChannel, event: TemplateEvent): readonly TemplateFault[] {
  const served = templateParts[channel].flatMap((part) => templateFor(set.texts, channel, event, part) ?? []);
  if (served.length === 0) return [];
  const context = contextOf(channel);
  const faults = [
    ...faultsWith(set, sample(event, channel, full, sampleListed), context),
    ...faultsWith(set, sample(event, channel, bare, sampleListed), {
      ...context,
      limit: null,
      ackLink: null,
    }),
    ...(isList(event) && channel !== 'webhook' ? leftOut(set, channel, event, context) : []),
  ];
  return faults.map((fault) => ({ ...fault, message: inEvent(fault.message, event) }));
}

const faultsWith = (set: TemplateSet, say: ToSay, context: RenderContext): readonly TemplateFault[] =>
  templatedWords(set, say, contentOf(say, context), context).faults;

const several = 'a digest and a summary are about several, which are in "alerts"';
const isList = (event: TemplateEvent): boolean => event === 'digest' || event === 'summary';

function inEvent(message: string, event: TemplateEvent): string {
  const words = message.replace(/^undefined variable: (.*)$/, 'there is no variable "$1"');
  return isList(event) && /^there is no variable "alert[".]/.test(words)
    ? `${words}, in a ${event}: ${several}`
    : words;
}

/** A list that leaves some out has to say so: whoever reads it must not believe that this is all. */
function leftOut(
  set: TemplateSet,
  channel: TemplateChannel,
  event: TemplateEvent,
  context: RenderContext,
): readonly TemplateFault[] {
  const say = sample(event, channel, full, sampleTotal);
  const whole = contentOf(say, context);
  const content = { ...whole, title: `${sampleTotal} alerts`, items: whole.items.slice(0, sampleListed) };
  const { words } = templatedWords(set, say, content, context);
  return (['text', 'html'] as const).flatMap((part) => {
    const file = templateFor(set.texts, channel, event, part);
    const says = new RegExp(`\\b(${sampleTotal}|${sampleTotal - sampleListed})\\b`).test(words[part]);
    if (file === null || says) return [];
    const message = `does not say how many alerts a ${event} leaves out where not all fit: "more", "total" or "title" does`;
    return [{ file, line: 1, column: 1, message }];
  });
}
