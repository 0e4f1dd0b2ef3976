/**
 * A message as a mail: plain text, and HTML that is read on a phone in the dark
 * as well as on a screen. Nothing in it has a width of its own, and no text a
 * colour of its own but on a ground that goes with it: the reader's light or
 * dark scheme decides. The plain text is also what the inbox shows.
 */
import { html, raw } from 'hono/html';
import type { RenderContext } from './message.ts';
import { briefTime, type Content, eventWords, headlineOf, type Item, isUrgent } from './message-content.ts';
import { cut, detailAsText, tamedHtml, wrap } from './message-text.ts';

/** What of the detail goes into plain text, in characters. */
export const detailTextMax = 4000;
/** A longer detail goes in as plain text, cut: markup cannot be cut, and mail programs fold what is over 100 KB. */
export const detailHtmlMax = 65_536;
/** In characters, of an alert in a list. */
const lineMax = 200;

/** Whether it is about several alerts. */
const isList = ({ event }: Content): boolean => event === 'digest' || event === 'summary';

// ---------------------------------------------------------------- plain text

export function mailText(content: Content, context: RenderContext): string {
  const [item] = content.items;
  const parts =
    isList(content) || item === undefined ? listParts(content, context) : oneParts(item, content, context);
  return parts
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

function oneParts(item: Item, content: Content, context: RenderContext): readonly string[] {
  const note = item.note === '' ? [] : [`Note: ${item.note}`];
  const detail = cut(detailAsText(content.detailHtml), detailTextMax);
  const here = item.asks ? 'Acknowledge it here, and the reminders stop:' : linkLabel(item);
  return [
    wrap(sentence(item)),
    [...content.story, ...note].map(wrap).join('\n'),
    labelsOf(item)
      .map(([name, value]) => wrap(`${name}: ${value}`))
      .join('\n'),
    [`${here}\n${content.link}`, ...codeWords(content, context).map(wrap)].join('\n'),
    content.limit.map(wrap).join('\n'),
    detail === '' ? '' : `Detail:\n\n${detail}`,
  ];
}

function listParts(content: Content, context: RenderContext): readonly string[] {
  const { items, total, title, limit, link } = content;
  const left = total - items.length;
  return [
    wrap(title),
    limit.map(wrap).join('\n'),
    ...items.map((item) =>
      [
        wrap(`${eventWords(item, context.now)}: ${cut(headlineOf(item), lineMax)}`),
        `  ${smallPrint(item, context)}`,
        `  ${item.link}`,
      ].join('\n'),
    ),
    left === 0 ? '' : `and ${left} more`,
    [
      `${content.event === 'summary' ? 'All of them, to acknowledge together:' : 'All that stand:'}\n${link}`,
      ...codeWords(content, context).map(wrap),
    ].join('\n'),
  ];
}

const sentence = (item: Item): string => (item.event === 'test' ? `${headlineOf(item)}.` : headlineOf(item));

const linkLabel = (item: Item): string => (item.event === 'test' ? 'The station:' : 'The alert:');

function labelsOf(item: Item): readonly (readonly [name: string, value: string])[] {
  if (item.event === 'test') return [];
  return [
    ['Source', item.source],
    ['Alert', item.alertId],
    ['Level', item.level],
  ];
}

/** Somebody may answer a mail as they answer an SMS, and believe that it did something. */
function codeWords({ items, event }: Content, { channel }: RenderContext): readonly string[] {
  const [first] = items.filter(({ asks, code }) => asks && code !== null);
  if (first === undefined) return [];
  const answers =
    event === 'digest' || event === 'summary'
      ? 'Codes are for answers by SMS or chat'
      : `Code ${first.code} is for answers by SMS or chat`;
  return [channel === 'email' ? `${answers}: a reply to this mail is not read.` : `${answers}.`];
}

/** `since 03:01, code 12` */
function smallPrint(item: Item, context: RenderContext): string {
  const at = item.asks ? (item.raisedAt ?? item.at) : item.at;
  const time = `${item.event === 'reminder' ? 'since' : 'at'} ${briefTime(at, context)}`;
  return item.code === null ? time : `${time}, code ${item.code}`;
}

// ---------------------------------------------------------------- HTML

export function mailHtml(content: Content, context: RenderContext): string {
  const [item] = content.items;
  const body =
    isList(content) || item === undefined ? listBody(content, context) : oneBody(item, content, context);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${content.title}</title>
<style>:root { color-scheme: light dark; }</style>
</head>
<body style="margin:0;padding:16px;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;overflow-wrap:anywhere">
<div style="max-width:40em;margin:0 auto">
${body}
</div>
</body>
</html>
`;
  if (page instanceof Promise) throw new Error('a template without promises made one');
  return page.toString();
}

function oneBody(item: Item, content: Content, context: RenderContext): unknown {
  const { story, limit, link, detailHtml } = content;
  const action = item.asks ? 'Acknowledge' : item.event === 'test' ? 'Open the station' : 'Open the alert';
  return html`${chip(item, context)}
<h1 style="margin:0 0 12px;font-size:22px;line-height:1.3">${sentence(item)}</h1>
${story.map((line) => html`<p style="margin:0 0 8px">${line}</p>\n`)}
${item.note === '' ? '' : html`<blockquote style="margin:8px 0 16px;padding-left:12px;border-left:3px solid #888">${item.note}</blockquote>`}
${button(link, action)}
${paragraphs([...limit.map((line) => html`<b>${line}</b>`), ...codeWords(content, context)])}
<p style="margin:0 0 16px;font-size:14px">${labelsOf(item).map(([name, value]) => html`${name}: <b>${value}</b><br>\n`)}</p>
${detailBlock(detailHtml)}
<p style="margin:16px 0 0;font-size:14px"><a href="${link}">${link}</a></p>`;
}

function listBody(content: Content, context: RenderContext): unknown {
  const { items, total, title, limit, link, event } = content;
  const left = total - items.length;
  return html`<h1 style="margin:0 0 12px;font-size:22px;line-height:1.3">${title}</h1>
${paragraphs(limit.map((line) => html`<b>${line}</b>`))}
${items.map((item) => listed(item, context))}
${left === 0 ? '' : html`<p style="margin:12px 0 0"><b>and ${left} more</b></p>`}
${button(link, event === 'summary' ? 'See all, acknowledge together' : 'See all that stand')}
${paragraphs(codeWords(content, context))}`;
}

function listed(item: Item, context: RenderContext): unknown {
  return html`<div style="padding:12px 0 2px;border-top:1px solid #888">
${chip(item, context)}
<div>${item.event === 'test' ? headlineOf(item) : html`<b>${item.subject}</b>: ${cut(item.summary, lineMax)}`}</div>
<div style="font-size:14px">${smallPrint(item, context)} <a href="${item.link}" style="display:inline-block;padding:10px 12px">${item.asks ? 'Acknowledge' : 'Open'}</a></div>
</div>
`;
}

/** White on these is read in either scheme (contrast at least 4.5 to 1); the word, not the colour, says what it is. */
const grounds = { urgent: '#b3202c', asks: '#7a5200', acknowledged: '#1a5fb4', other: '#1f6f43' } as const;

function chip(item: Item, context: RenderContext): unknown {
  const ground = item.asks
    ? isUrgent(item)
      ? grounds.urgent
      : grounds.asks
    : item.event === 'acknowledged'
      ? grounds.acknowledged
      : grounds.other;
  return html`<div style="margin:0 0 6px"><span style="display:inline-block;padding:1px 8px;border-radius:4px;background:${ground};color:#ffffff;font-size:14px;font-weight:bold">${eventWords(item, context.now)}</span></div>`;
}

const button = (link: string, words: string): unknown =>
  html`<p style="margin:20px 0"><a href="${link}" style="display:block;padding:14px 16px;border-radius:8px;background:#1a5fb4;color:#ffffff;font-size:18px;font-weight:bold;text-align:center;text-decoration:none">${words}</a></p>`;

const paragraphs = (lines: readonly unknown[]): unknown =>
  lines.map((line) => html`<p style="margin:0 0 8px">${line}</p>\n`);

function detailBlock(detailHtml: string): unknown {
  if (detailHtml.trim() === '') return '';
  const style =
    'margin:0;padding-top:12px;border-top:1px solid #888;overflow-x:auto;overflow-wrap:break-word';
  if (detailHtml.length <= detailHtmlMax)
    return html`<div style="${style}">${raw(tamedHtml(detailHtml))}</div>`;
  const text = cut(detailAsText(detailHtml), detailTextMax);
  return html`<div style="${style};white-space:pre-wrap">${text}</div>`;
}
