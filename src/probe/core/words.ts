/**
 * Verdicts in words: a summary that fits a text message, for somebody who was
 * asleep a minute ago, and the hops side by side for the detail. Times are in
 * UTC and say so: who reads them is not known here.
 */
import { type Duration, formatDuration, type Instant, minutes, rfc3339, seconds, since } from '../../time.ts';
import { type Paths, pathNow } from './follow.ts';
import { countAnswers, type KnownHop, leastDelay, recentLoss, usualLoss } from './hop.ts';
import type { Address, Hop, Rtt, TraceRecord } from './record.ts';
import { type Place, usualShown } from './where.ts';

/** In characters: with the target's name before it, still one text message. */
export const summaryMax = 140;
/** Of one place, in a table. */
const addressesShown = 3;

/** At most `summaryMax` characters. */
export function fitted(text: string): string {
  const characters = [...text];
  return characters.length <= summaryMax ? text : `${characters.slice(0, summaryMax - 1).join('')}…`;
}

/** `44 ms`, `0.4 ms`, `2.1 s`. */
export function delayWords(rtt: Rtt): string {
  if (rtt >= 10_000) return `${Math.round(rtt / 1000)} s`;
  if (rtt >= 1000) return `${(rtt / 1000).toFixed(1)} s`;
  return `${figure(rtt)} ms`;
}

/** Whole from ten on. */
const figure = (rtt: Rtt): string => (rtt < 9.95 ? rtt.toFixed(1) : String(Math.round(rtt)));

/** `03:01 UTC`. */
export const timeWords = (at: Instant): string => `${rfc3339(at).slice(11, 16)} UTC`;

/** `12m`, `2h5m`, `3d`: to the second within a minute, to the minute within a day. */
export function lengthWords(from: Instant, to: Instant): string {
  const length = Math.max(0, since(from, to));
  const step = length < minutes(1) ? seconds(1) : length < 24 * minutes(60) ? minutes(1) : minutes(60);
  return formatDuration((Math.floor(length / step) * step) as Duration);
}

/** `hop 5 (192.0.2.9)`. */
export const placeWords = ({ ttl, address }: Place): string =>
  `hop ${ttl}${address === null ? '' : ` (${address})`}`;

/** ` from hop 5 on (192.0.2.9)`, or nothing. */
export function fromWords(place: Place | null): string {
  if (place === null) return '';
  return ` from hop ${place.ttl} on${place.address === null ? '' : ` (${place.address})`}`;
}

/** `192.0.2.17`, with the number of others at the same place. */
export function addressWords(addresses: readonly Address[]): string {
  const [first = 'nobody'] = addresses;
  return addresses.length > 1 ? `${first} (or ${addresses.length - 1} more)` : first;
}

/** From 0 to 1, as `30 %`. */
export const shareWords = (share: number): string => `${Math.round(share * 100)} %`;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as HTML. Addresses come from the network: nothing in them may be a tag. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (found) => entities[found] ?? '');

/**
 * The hops side by side, usual and now, with delays and losses. `trace`: what is now, where that is one trace that
 * did not arrive; otherwise the last traces together. The hop at `begins` is in bold.
 */
export function hopsTable(paths: Paths, trace: TraceRecord | null, begins: number | null): string {
  const usual = paths.usual.hops;
  const now = pathNow(paths).hops;
  const traced = new Map(trace?.hops.map((hop) => [hop.ttl, hop]));
  const last = Math.max(
    lastAnswered(usual),
    trace === null ? lastAnswered(now) : Math.max(0, ...traced.keys()),
  );
  const rows = Array.from({ length: last }, (_, index) => {
    const cells = [
      ...usualCells(usual[index]),
      ...(trace === null ? nowCells(now[index]) : tracedCells(traced.get(index + 1))),
    ];
    const number = index + 1 === begins ? `<b>${index + 1}</b>` : String(index + 1);
    return `<tr><td>${number}</td>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`;
  });
  const head = ['Hop', 'Usual', 'Delay', 'Loss', 'Now', 'Delay', 'Loss']
    .map((name) => `<th>${name}</th>`)
    .join('');
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

const addressInCell = /(?<=<td>|, )(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]*:[0-9a-f:.]+)(?=<|, | and )/g;

/** The addresses in a table. */
export const addressesIn = (html: string): readonly Address[] =>
  (html.match(addressInCell) ?? []) as Address[];

/** A table with the names of its addresses, as far as these are known. */
export const withNames = (html: string, nameOf: (address: Address) => string | null): string =>
  html.replace(addressInCell, (address) => {
    const name = nameOf(address as Address);
    return name === null ? address : `${escapeHtml(name)} (${address})`;
  });

function lastAnswered(hops: readonly KnownHop[]): number {
  return hops.findLastIndex((hop) => hop.addresses.length > 0) + 1;
}

function usualCells(hop: KnownHop | undefined): readonly string[] {
  if (hop === undefined) return ['', '', ''];
  return [namesOf(hop.addresses), delayCell(usualShown(hop)), lossCell(usualLoss(hop))];
}

function nowCells(hop: KnownHop | undefined): readonly string[] {
  if (hop === undefined) return ['', '', ''];
  const latest = hop.recent.findLast((rtt) => rtt >= 0) ?? null;
  return [namesOf(hop.addresses), delayCell(latest), lossCell(recentLoss(hop))];
}

function tracedCells(hop: Hop | undefined): readonly string[] {
  if (hop === undefined) return ['', '', ''];
  const addresses = [...new Set(hop.probes.flatMap(({ address }) => (address === null ? [] : [address])))];
  const sent = hop.probes.length;
  return [
    namesOf(addresses),
    delayCell(leastDelay(hop)),
    lossCell(sent === 0 ? null : 1 - countAnswers(hop) / sent),
  ];
}

function namesOf(addresses: readonly Address[]): string {
  if (addresses.length === 0) return '*';
  const more = addresses.length - addressesShown;
  const shown = addresses.slice(0, addressesShown).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}

const delayCell = (rtt: Rtt | null): string => (rtt === null ? '' : delayWords(rtt));
const lossCell = (share: number | null): string => (share === null ? '' : shareWords(share));
