/**
 * What every page has around it: title with the count, the way about, the
 * honest light, what the last click did, and what is wrong with the station.
 */
import { html, raw } from 'hono/html';
import type { Assets } from '../assets.ts';
import { csrfField } from '../csrf.ts';
import type { Flash } from '../flash.ts';
import { clockTime, fullTime, type Html, nothing, type View } from './words.ts';

export type Tab = 'alerts' | 'inbox' | 'silences' | 'account';

/** What a page needs to know of whom it is shown to. */
export type Frame = View & {
  readonly user: string;
  readonly csrf: string;
  /** Raised alerts that nobody acknowledged. */
  readonly raised: number;
  /** Sentences about what the station cannot do at present. */
  readonly problems: readonly string[];
  /** A mark of just these problems: the page's script sees by it that others came. */
  readonly problemsMark: string;
  /** Takes alerts all the same. */
  readonly ready: boolean;
  readonly flash: Flash | null;
  /** The last history entry that this page can show. */
  readonly seq: number;
  readonly asset: Assets['address'];
};

export type Page = {
  readonly title: string;
  readonly tab: Tab | null;
  readonly main: Html;
  /** What the page is about, for the script: which news make it look again. */
  readonly follows: 'everything' | 'nothing' | number;
};

export const csrfInput = (csrf: string): Html =>
  html`<input type="hidden" name="${csrfField}" value="${csrf}">`;

/** A whole page for somebody who is logged in. */
export function framed(frame: Frame, page: Page): Html {
  const link = (tab: Tab, href: string, text: string): Html =>
    html`<a href="${href}"${page.tab === tab ? raw(' aria-current="page"') : ''}>${text}</a>`;
  const body = html`<a class="skip" href="#main">To the content</a>
<header class="top"><a class="brand" href="/" aria-label="Mauve"><span aria-hidden="true">▲</span><span class="wide"> Mauve</span></a>
<nav aria-label="Pages">${link('alerts', '/', 'Alerts')}${link('inbox', '/inbox', 'Inbox')}${link('silences', '/silences', 'Silences')}${link('account', '/account', frame.user)}</nav>
<p id="light" class="light" role="status" title="As of ${fullTime(frame.now, frame)}"><span aria-hidden="true">○</span> not live, as of ${clockTime(frame.now, frame)}</p></header>
<main id="main" data-live="${page.follows}" data-seq="${frame.seq}" data-now="${frame.now}" data-timezone="${frame.timezone}" data-problems="${frame.problemsMark}">
${problems(frame)}${flashed(frame.flash)}${page.main}
</main>
<footer class="foot">Times are those of ${frame.timezone}.</footer>`;
  const counted = frame.raised > 0 ? `(${frame.raised}) ` : '';
  const title = page.title === '' ? `${counted}Mauve` : `${counted}${page.title} · Mauve`;
  return document({ title, asset: frame.asset, body, script: true, csrf: frame.csrf });
}

/** A whole page for anybody: the login form, errors. */
export function bare(asset: Frame['asset'], title: string, main: Html): Html {
  const body = html`<header class="top"><a class="brand" href="/"><span aria-hidden="true">▲</span> Mauve</a></header>
<main id="main" class="narrow">${main}</main>`;
  return document({ title: `${title} · Mauve`, asset, body, script: false, csrf: null });
}

function document(parts: {
  readonly title: string;
  readonly asset: Frame['asset'];
  readonly body: Html;
  readonly script: boolean;
  readonly csrf: string | null;
}): Html {
  const { title, asset, body, script, csrf } = parts;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">${csrf === null ? nothing : html`<meta name="csrf-token" content="${csrf}">`}
<link rel="stylesheet" href="${asset('mauve.css')}"><link rel="icon" href="${asset('icon.svg')}" type="image/svg+xml">
${script ? html`<script src="${asset('mauve.js')}" type="module"></script><link rel="modulepreload" href="${asset('feed.js')}"><link rel="modulepreload" href="${asset('hands.js')}"><link rel="modulepreload" href="${asset('ahead.js')}">` : nothing}</head>
<body>${body}</body></html>
`;
}

function problems({ problems: all, ready }: Frame): Html {
  if (all.length === 0) return nothing;
  const items = all.map((problem) => html`<li>${problem}</li>`);
  return ready
    ? html`<div class="notice" id="problems" role="status">The station takes alerts, but something needs a look:<ul>${items}</ul></div>`
    : html`<div class="notice bad" id="problems" role="alert"><strong>The station has a problem</strong><ul>${items}</ul></div>`;
}

function flashed(flash: Flash | null): Html {
  if (flash === null) return nothing;
  const kind = flash.kind === 'done' ? 'good' : 'bad';
  return html`<p class="notice ${kind}" role="${flash.kind === 'done' ? 'status' : 'alert'}">${flash.text}</p>`;
}
