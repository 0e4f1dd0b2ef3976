/**
 * A message in the words of a policy's templates, each part for itself; what
 * has no template, or whose template fails, has the words of the channel.
 * Whatever a template does, there is a message.
 */
import { type RenderContext, type ToSay, type Words, wordsOf } from '../core/message.ts';
import { type Content, type Item, titleMax, titleOf } from '../core/message-content.ts';
import { type Fits, withLongestStart, withMost } from '../core/message-fit.ts';
import { smsMax } from '../core/message-sms.ts';
import { cut, cutPlainly, oneLine, someLines, tamedHtml } from '../core/message-text.ts';
import type { Mode, Rendered, TemplateFault, TemplateSet } from './engine.ts';
import {
  type TemplateChannel,
  type TemplatePart,
  templateChannels,
  templateFor,
  templateParts,
} from './names.ts';
import { variablesOf } from './variables.ts';

/** Of a summary in a list that is too long for its channel, in characters. */
const lineLeast = 40;

export const modes: Readonly<Record<TemplatePart, Mode>> = {
  subject: 'plain',
  text: 'plain',
  html: 'html',
  json: 'json',
};

export type Templated = { readonly words: Words; readonly faults: readonly TemplateFault[] };

export function templatedWords(
  set: TemplateSet,
  say: ToSay,
  content: Content,
  context: RenderContext,
): Templated {
  const own = wordsOf(say, content, context);
  const channel = templateChannels.find((one) => one === context.channel);
  const words: { -readonly [K in keyof Words]: Words[K] } = { ...own };
  const faults: TemplateFault[] = [];
  if (channel === undefined) return { words, faults };
  for (const part of templateParts[channel]) {
    const name = templateFor(set.texts, channel, content.event, part);
    if (name === null) continue;
    const made = partOf({ set, name, part, channel, say, whole: content, own, context }, content);
    if (made.ok) words[shownIn[part]] = made.text;
    else faults.push(made.fault);
  }
  return { words, faults };
}

const shownIn = { subject: 'title', text: 'text', html: 'html', json: 'text' } as const;

type Making = {
  readonly set: TemplateSet;
  readonly name: string;
  readonly part: TemplatePart;
  readonly channel: TemplateChannel;
  readonly say: ToSay;
  readonly whole: Content;
  /** The channel's own words for the whole. */
  readonly own: Words;
  readonly context: RenderContext;
};

function partOf(making: Making, content: Content): Rendered {
  const { part, channel, context } = making;
  const most = channel === 'sms' ? smsMax : Number.POSITIVE_INFINITY;
  const fits: Fits = (text) => text.length <= most && (context.fits?.(text) ?? true);
  const whole = rendered(making, content);
  if (!whole.ok || part !== 'text' || channel === 'webhook' || fits(whole.text)) return whole;
  return shortened(making, content, fits);
}

function rendered(making: Making, content: Content): Rendered {
  const { set, name, part, say, context } = making;
  const own = content === making.whole ? making.own : wordsOf(say, content, context);
  const made = set.render(name, modes[part], variablesOf(content, own, context));
  if (!made.ok) return made;
  const text = tidied(making, made.text);
  const fault = (message: string): Rendered => ({
    ok: false,
    fault: { file: name, line: 1, column: 1, message },
  });
  if (text === '') return fault(`says nothing of ${content.event}`);
  const wrong = part === 'json' ? jsonFault(text) : null;
  return wrong === null ? { ok: true, text } : fault(wrong);
}

function tidied({ part, channel }: Making, text: string): string {
  switch (part) {
    case 'subject':
      return cut(oneLine(text), titleMax);
    case 'html':
      return tamedHtml(text).trim();
    case 'text':
      // What was left out of an SMS leaves no gap, and each space has its price.
      return channel === 'sms' ? someLines(text).replace(/ {2,}/g, ' ') : someLines(text);
    case 'json':
      return someLines(text);
    default:
      return part satisfies never;
  }
}

function jsonFault(text: string): string | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return `renders no valid JSON: ${error instanceof Error ? error.message : 'it cannot be read'}`;
  }
}

/** The same with less of the summary, then of the subject; of a list with fewer of its alerts. */
function shortened(making: Making, content: Content, fits: Fits): Rendered {
  let failed: Rendered | null = null;
  const make = (shorter: Content): string => {
    const made = rendered(making, shorter);
    if (made.ok) return made.text;
    failed ??= made;
    return '';
  };
  // What fails says nothing, and nothing would fit.
  const text = fittingText(content, make, (one) => one !== '' && fits(one), making.context);
  if (text !== null) return { ok: true, text };
  if (failed !== null) return failed;
  const message = `does not fit into one message of ${making.channel}, however little it says of ${content.event}`;
  return { ok: false, fault: { file: making.name, line: 1, column: 1, message } };
}

function fittingText(
  content: Content,
  make: (shorter: Content) => string,
  fits: Fits,
  context: RenderContext,
): string | null {
  const [item] = content.items;
  if (content.event === 'digest' || content.event === 'summary' || item === undefined) {
    const items = content.items.map((one) => ({ ...one, summary: cutPlainly(one.summary, lineLeast) }));
    return withMost(items.length, (listed) => make({ ...content, items: items.slice(0, listed) }), fits);
  }
  const about = (names: Partial<Item>): Content => {
    const shorter = { ...item, ...names };
    return { ...content, items: [shorter], title: titleOf(shorter, context) };
  };
  return (
    withLongestStart(item.summary, (summary) => make(about({ summary })), fits) ??
    withLongestStart(item.subject, (subject) => make(about({ summary: '', subject })), fits)
  );
}
